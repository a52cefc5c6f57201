"""The world of the simulated cluster: what happens to objects once they are written.

Controllers, the scheduler and the kubelets of the nodes, small and deterministic: they read the object store, decide,
and write back, as their models do. Each acts on a key (a resource and a name), is called again when the object or
something it owns changed, and asks to be woken at a time; between two such moments nothing happens, so quiet days cost
nothing. Time comes from ``WorldClock`` and randomness from a seed: the same seed and the same calls make the same
objects, down to their names. Logs and usage are computed when they are asked for.

It knows the store (``sandbox.cluster.store``) and the ports of ``sandbox.cluster.sources``. It must not import the API
server, and nothing of ``bot`` or ``handlers``: what the bot concludes from this world it has to read from the API.
"""
