"""What the API's objects are made of: types of fields, how lists are told apart and merged, who owns which field.

Pure: it knows no store and no requests. ``types.json`` is written by ``scripts/schema.py`` from the OpenAPI documents
of Kubernetes (Apache License 2.0).
"""
