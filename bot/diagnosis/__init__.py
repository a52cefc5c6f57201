"""A snapshot of the cluster -> findings. Pure: no clock, no I/O, no vendors; imports `bot.domain` only.

Each file in `causes/` is one family of causes. A family looks at one pod at a time and names *symptoms*; equal symptoms
are collected into one *case* (a workload's revision, its container, the cause), and the family explains each case once.
Adding a cause is adding one file there. What no family explains is still said: a workload that is not ready without a
named cause is a finding of its own.
"""

from bot.diagnosis.data import report_data
from bot.diagnosis.diagnose import DECISIVE_PARTS, Wanted, all_codes, diagnose, wanted
from bot.diagnosis.words import ago, amount, duration

__all__ = ["DECISIVE_PARTS", "Wanted", "ago", "all_codes", "amount", "diagnose", "duration", "report_data", "wanted"]
