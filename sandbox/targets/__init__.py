"""Services beside the cluster that can be asked whether they are well: a health URL, PostgreSQL, Redis, Qdrant.

They are stand-ins on the loopback, each a small server of its own, as sound as the simulated cluster says that their
workload is. They share no code with whoever asks.
"""

from sandbox.targets.stand import Stand, Targets, open_targets

__all__ = ["Stand", "Targets", "open_targets"]
