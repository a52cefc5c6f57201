"""A simulated Kubernetes cluster: an object store, an API server in front of it, and a world that moves the objects.

The server speaks the API over plain HTTP as a real one does (Kubernetes 1.34), down to its error bodies, so that
kubectl and the Kubernetes client work against it unchanged. It asks the world only through ``sources``. It imports the
standard library and aiohttp, and nothing of ``bot`` or ``handlers``.
"""
