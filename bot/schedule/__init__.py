"""What drives schedules: the calendar that knows when they are due, and the clock that wakes who does what is due."""
