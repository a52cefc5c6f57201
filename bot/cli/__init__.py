"""The terminal: words of the command line -> a request, a view -> text.

Knows the service, the registry, errors and the domain; adapters and handlers are behind what `bot.main` hands in.
"""
