"""What is decided about an object besides its own shape: namespaces, service accounts, limit ranges, quotas.

It reads the store and writes nothing. The API server asks it for what people create, the controllers for their pods.
"""
