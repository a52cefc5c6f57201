"""What is watched without anybody asking: probes, samples, alerts, episodes, schedules. Pure records and rules."""
