"""A world to try the project in: servers that behave like the ones outside, and situations to look at.

Only the demo's entry imports it. It knows nothing of the project itself (no ``bot``, no ``handlers``): what is tried
here meets it over HTTP and WebSocket, as it would meet the real thing.
"""
