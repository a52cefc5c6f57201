"""The machine: how a request travels from a person to the cluster and back.

Each package below is a room with a charter of its own; `docs/architecture.md` draws who may enter which, and
import-linter enforces it. Verbs live in `handlers`, the world to try them in lives in `sandbox`.
"""
