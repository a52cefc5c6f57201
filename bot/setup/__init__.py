"""Setting ragops up: what may be configured, what is wrong with a configuration, and a first one for a cluster.

It knows the words of `ragops.toml` and of the environment: the reference page is made from them here, so is the first
`ragops.toml` that `ragops init` writes, and so is the judgement of `ragops check`. It may import `bot.domain`,
`bot.errors`, `bot.redaction`, `bot.settings`, `bot.configuration` and `bot.toml_*`. What it must ask of the world it
asks through the doors that `bot.main` hands in (Protocols of this package): no adapter, no vendor, no handler. Nothing
here writes anywhere.
"""
