"""The chat platform: messages, and what people see outside of them."""

from __future__ import annotations

from typing import Protocol

from bot.domain.forms import Form
from bot.domain.requests import Place, Post, Request
from bot.domain.view import View


class Notifier(Protocol):
    """The way to people."""

    async def post(self, post: Post, *, tag: str) -> str:
        """Post a message for everybody in the place and return its id.

        `tag` goes into the message's metadata. Raises `DeliveryThrottled`, `DeliveryRefused`, `DeliveryUnknown`.
        """
        ...

    async def edit(self, post: Post, *, message_id: str, tag: str) -> bool:
        """Show a post in a message of ours in place of what it shows; False when that message is gone.

        Raises as `post` does; to repeat an edit does no harm.
        """
        ...

    async def find(self, place: Place, *, tag: str) -> str | None:
        """Look for a message with `tag` in the place; None when it is not there."""
        ...

    async def reply(self, request: Request, view: View, *, replace: bool = False) -> None:
        """Answer the person who asked, seen by nobody else; `replace` edits the message whose button was pressed."""
        ...


class DirectMessages(Protocol):
    """The conversations that the bot has with single people."""

    async def open(self, user_id: str) -> str:
        """Return the conversation with a person, opened where it was not. Raises `DeliveryError`."""
        ...


class Surfaces(Protocol):
    """What a person sees outside of messages: the bot's own page, and dialogs. Raises `DeliveryError`."""

    async def publish_home(self, user_id: str, view: View, *, version: str = "") -> str:
        """Show `view` to a person as the bot's own page, and return its version.

        With a `version` it replaces that one alone: when a newer is there, that one stays and the answer is empty.
        """
        ...

    async def open_form(self, trigger: str, form: Form) -> tuple[str, str]:
        """Open a dialog, and return its id and version. `trigger` is good for one dialog within three seconds."""
        ...

    async def update_form(self, form_id: str, version: str, form: Form) -> bool:
        """Show another form in an open dialog; False when it was changed since `version`, or is closed."""
        ...
