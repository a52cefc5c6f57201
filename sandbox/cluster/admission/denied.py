"""A refusal by admission."""

from __future__ import annotations


class Denied(Exception):
    """An object may not be created; the text is the whole message."""


def forbidden(resource: str, name: str, text: str) -> Denied:
    """Return the refusal of an admission plugin."""
    return Denied(f'{resource} "{name}" is forbidden: {text}')
