"""The verbs, one file each. A module here that defines `ACTION` is found and registered.

A verb imports `bot.domain`, `bot.ports`, `bot.errors`, `bot.diagnosis`, `bot.examine`, `bot.lookup`, `bot.facts`,
`bot.closing` and `bot.planning`; never another verb, an adapter, a vendor or the chat platform. What two verbs need
moves down into one of those rooms.
"""
