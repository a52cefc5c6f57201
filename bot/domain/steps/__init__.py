"""What a change does to the cluster: one step each, from a closed union.

A step is a record that is stored with its plan; it says purely how the target stands to it, what is written, and by
which traces it is known to have happened. It knows nothing of Kubernetes' client, of time or of people.
"""

from bot.domain.steps.autoscaler import SetBounds
from bot.domain.steps.base import (
    Compared,
    Deletion,
    Eviction,
    Patch,
    Stamp,
    Standing,
    Step,
    Write,
    void_patch,
)
from bot.domain.steps.containers import SetImage, SetResources
from bot.domain.steps.pods import ClearFailed, Evict, FailedPod
from bot.domain.steps.restart import Restart
from bot.domain.steps.rollback import Rollback
from bot.domain.steps.scale import Scale

AnyStep = Scale | Restart | Rollback | SetImage | SetResources | SetBounds | Evict | ClearFailed
# Those that give a workload another pod template: their time is that of a roll-out.
ROLL_OUTS = (Restart, Rollback, SetImage, SetResources)

__all__ = [
    "ROLL_OUTS",
    "AnyStep",
    "ClearFailed",
    "Compared",
    "Deletion",
    "Evict",
    "Eviction",
    "FailedPod",
    "Patch",
    "Restart",
    "Rollback",
    "Scale",
    "SetBounds",
    "SetImage",
    "SetResources",
    "Stamp",
    "Standing",
    "Step",
    "Write",
    "void_patch",
]
