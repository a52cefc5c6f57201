"""Configuration: what an operator decides, from one `ragops.toml`, parsed once at the door.

`file` is the whole; what belongs together is read by a module of its own. It knows the domain, `bot.errors`,
`bot.toml_lines`, `bot.toml_tables` and the names of settings; whether cron fields mean anything `bot.schedule.calendar`
says. It must not import adapters, the service or handlers.
"""

from bot.configuration.file import (
    FILE_NAME,
    AuditPublishing,
    ClusterConfiguration,
    Configuration,
    Freshness,
    default_configuration,
    load_configuration,
    open_configuration,
    read_configuration,
)

__all__ = [
    "FILE_NAME",
    "AuditPublishing",
    "ClusterConfiguration",
    "Configuration",
    "Freshness",
    "default_configuration",
    "load_configuration",
    "open_configuration",
    "read_configuration",
]
