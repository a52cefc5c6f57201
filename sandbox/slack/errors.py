"""The two ways to say no: as Slack says it to an app, and as the stand-in says it to a script."""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """Slack answered ``ok: false``."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra

    def as_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"ok": False, "error": self.code, **self.extra}


class Impossible(Exception):
    """A person in the workspace cannot do this: no such button, not in the channel, deactivated."""
