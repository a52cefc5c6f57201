"""How the simulated cluster answers requests: the Kubernetes API (1.34) as bodies, lists, watches, tables and errors.

Everything here turns a parsed ``Call`` and the store's objects into an answer; sockets, faults and lifetimes are the
server's. It must not know the world that moves the objects.
"""
