"""A health check: everything about a namespace or one service, looked at side by side, and what needs a person.

What is read is read in `reading`, each part within its own time limit; everything after that is pure. Each file in
`sections/` is one part of the answer: adding a part is adding a file there. Knows the domain, ports, the diagnosis, the
errors, redaction, `bot.examine` and `bot.lookup`; no adapter, no vendor, no verb, nothing of the service.
"""

from bot.checkup.attentions import finding_key, target_in, trouble_key
from bot.checkup.bounded import BoundedCluster, BoundedLogs
from bot.checkup.check import check_up
from bot.checkup.data import checkup_data, probed_data
from bot.checkup.depending import Dependencies, Dependency, look_at_dependencies
from bot.checkup.example import example_tables
from bot.checkup.probed_words import milliseconds
from bot.checkup.probing import dependency_targets, health_targets, probe_all
from bot.checkup.reading import Asked, asked_of

__all__ = [
    "Asked",
    "BoundedCluster",
    "BoundedLogs",
    "Dependencies",
    "Dependency",
    "asked_of",
    "check_up",
    "checkup_data",
    "dependency_targets",
    "example_tables",
    "finding_key",
    "health_targets",
    "look_at_dependencies",
    "milliseconds",
    "probe_all",
    "probed_data",
    "target_in",
    "trouble_key",
]
