"""What a person asked, independent of the surface it came by."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.people import Actor
from bot.domain.view import View
from bot.domain.watch.keeps import Keep


class Surface(StrEnum):
    """How a request came in."""

    COMMAND = "command"
    MENTION = "mention"
    BUTTON = "button"
    TERMINAL = "terminal"
    DIRECT = "direct"
    HOME = "home"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer belongs. `thread` is the parent message's timestamp; empty outside a thread."""

    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing a person asked for.

    `key` is the platform's own id of the delivery: a repeat of the same delivery has the same key. `reply_to` is an
    opaque address for private answers; it is a secret of the platform and is wiped once the request is finished.
    `opens_thread` when the place's thread exists only once somebody answers there: nobody would see a private answer
    in it. `message` is the id of the message whose button was pressed.
    """

    key: str
    actor: Actor
    surface: Surface
    text: str
    place: Place = Place("")
    reply_to: str = ""
    opens_thread: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A message for others to see, to be delivered through the outbox.

    `asked_by` is the person who hears of it when it can never be delivered; empty for nobody. `subject` names what the
    message is a picture of: later posts of the same subject in the same channel edit it, and one whose `version` is not
    above the one that is shown is dropped. `under` names the subject below whose message this one belongs, in a thread.
    """

    place: Place
    view: View
    kind: str = "answer"
    asked_by: str = ""
    subject: str = ""
    version: int = 0
    under: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a control did: the answer for the person who asked, what others are to see, and what else is kept."""

    view: View
    posts: tuple[Post, ...] = ()
    detail: str = ""
    keeps: tuple[Keep, ...] = ()
