"""A refusal by admission."""

from __future__ import annotations


class Denied(Exception):
    """The object may not be created; the text is what follows ``is forbidden: ``."""

    def __init__(self, resource: str, name: str, text: str) -> None:
        super().__init__(f'{resource} "{name}" is forbidden: {text}')
        self.resource = resource
        self.name = name
