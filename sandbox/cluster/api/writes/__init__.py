"""Writes: create, replace, patch, delete, scale, evict. The world sees a write when its clock moves next."""
