"""The worker's two loops: requests that were written down are carried out, messages for others are delivered.

Both are woken when there is work and look by themselves at intervals, so a lost wake-up costs a second, nothing else.
This is one of the three places that catch everything: a failure is logged with a reference and the loop goes on. A
message that cannot be handed over is tried again, less and less often, until it is stale: it holds up its channel only.
"""

from bot.worker.delivery import DEADLINE_S, Delivery
from bot.worker.intake import Intake
from bot.worker.leases import LEASE_S, WORK_S
from bot.worker.loop import AT_ONCE, Loop

__all__ = ["AT_ONCE", "DEADLINE_S", "LEASE_S", "WORK_S", "Delivery", "Intake", "Loop"]
