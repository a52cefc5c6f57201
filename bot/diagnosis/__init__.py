"""A snapshot of the cluster -> findings. Pure: no clock, no I/O, no vendors; imports `bot.domain` only.

Each file in `causes/` is one family of causes. A *family* looks at one pod at a time and names symptoms; equal symptoms
are collected into one case (a workload's revision, its container, the cause), and the family explains each case once. A
*survey* looks at other objects (workloads, services, nodes) and returns findings. What merely follows from another
finding hangs under it. Adding a cause is adding one file there. What nothing explains is still said: a workload that is
not ready without a named cause is a finding of its own.
"""

from bot.diagnosis.data import report_data
from bot.diagnosis.diagnose import DECISIVE_PARTS, Wanted, all_codes, diagnose, wanted
from bot.diagnosis.family import Code
from bot.diagnosis.index import Index
from bot.diagnosis.pod_status import ready_cell, restarts_cell, status_cell
from bot.diagnosis.revisions import Difference, differences, version_of
from bot.diagnosis.timeline import related_uids, timeline
from bot.diagnosis.words import ago, amount, cpu, duration, exit_code, tag_of, why_unread

__all__ = [
    "DECISIVE_PARTS",
    "Code",
    "Difference",
    "Index",
    "Wanted",
    "ago",
    "all_codes",
    "amount",
    "cpu",
    "diagnose",
    "differences",
    "duration",
    "exit_code",
    "ready_cell",
    "related_uids",
    "report_data",
    "restarts_cell",
    "status_cell",
    "tag_of",
    "timeline",
    "version_of",
    "wanted",
    "why_unread",
]
