"""One tree of errors, each with its text for the person.

    BotError
    ├── UsageError                  the words cannot be understood; carries a usage line and suggestions
    │   └── FormFaults              a dialog was filled in wrong; carries what is wrong by field
    ├── SettingsError               the configuration is wrong; carries every fault
    ├── NotAccepted                 a request could not be kept
    ├── Lost                        somebody else works on the request by now
    ├── StoreUnavailable            the database cannot be reached
    │   └── StoreRefused            it answers, but will not serve us (version, rights, migration)
    ├── ClusterError                the cluster could not be read
    │   ├── ClusterUnreachable      no answer, or none in time
    │   ├── ClusterUnauthorized     our credentials are not (or no longer) good
    │   ├── ClusterForbidden        this one thing may not be read
    │   ├── ClusterNotFound         the thing, or the API it belongs to, does not exist
    │   ├── ClusterThrottled        the API server asks us to wait
    │   ├── ClusterExpired          a resource version or a continue token is too old
    │   └── ClusterFault            the API server failed (5xx), or sent what cannot be read
    │   └── WriteError              a change was not taken, or nobody knows whether it was
    │       ├── WriteConflict       the object moved since it was read: nothing was changed
    │       ├── WriteRefused        the API server will not do it: nothing was changed
    │       ├── WriteThrottled      not now: nothing was changed
    │       └── WriteUnknown        no answer after it was sent: it may or may not have happened
    ├── DirectoryUnavailable        people and groups could not be read; every right is then denied
    └── DeliveryError               a message could not be handed to the chat platform
        ├── DeliveryThrottled       it asks us to wait
        ├── DeliveryRefused         it will never accept this message
        └── DeliveryUnknown         it may or may not have been delivered

The class's docstring is the default text; `tried`, `unchanged` and `advice` make the three things that every error
tells: what was tried, what was not changed, what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class BotError(Exception):
    """Something went wrong. Nothing was changed."""

    advice = "Try again; if it stays, tell an administrator the reference below."
    unchanged = "Nothing was changed."

    def __init__(self, message: str = "", *, advice: str = "", in_chat: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").split("\n", 1)[0].split(". ")[0].rstrip(".") + "."
        self.in_chat = in_chat
        if advice:
            self.advice = advice
        super().__init__(self.message)

    @property
    def said(self) -> str:
        """Return the message for people in chat, who need no addresses and no driver's words; logs have them."""
        if self.in_chat:
            return self.in_chat
        cause = self.__cause__
        if isinstance(cause, BotError) and cause.in_chat:
            return self.message.replace(cause.message, cause.in_chat)
        return self.message


class UsageError(BotError):
    """The command could not be understood."""

    advice = ""

    def __init__(self, message: str, *, usage: str = "", suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.usage = usage
        self.suggestions = tuple(suggestions)


class FormFaults(UsageError):
    """The dialog was filled in wrong."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the configuration: where (`ragops.toml:12`, `SLACK_BOT_TOKEN`), and what is wrong with it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class SettingsError(BotError):
    """The configuration is wrong."""

    advice = "Mend the places named above; nothing was started."

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class NotAccepted(BotError):
    """The request could not be written down, so it was not accepted."""

    advice = "Looking at clusters still works. Try again in a minute."


class Lost(BotError):
    """Somebody else works on this request by now."""


class StoreUnavailable(BotError):
    """The database did not answer."""

    advice = "Looking at clusters still works; what must be kept is refused until the database is back."


class StoreRefused(StoreUnavailable):
    """The database answers but cannot be used."""


class ClusterError(BotError):
    """The cluster could not be read."""


class ClusterUnreachable(ClusterError):
    """The cluster's API server did not answer."""

    advice = "Check that the API server is up and that this machine may reach it."


class ClusterUnauthorized(ClusterError):
    """The API server does not accept our credentials."""

    advice = "The token may have expired: renew the service account token or the kubeconfig."


class ClusterForbidden(ClusterError):
    """The API server refuses to show this to us."""

    advice = "Grant the right that is named, or go without this part."


class ClusterNotFound(ClusterError):
    """The cluster does not have this."""

    advice = "Check the name and the namespace."


class ClusterThrottled(ClusterError):
    """The API server asks us to wait."""

    def __init__(self, message: str = "", *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WriteError(ClusterError):
    """The change was not made."""


class WriteConflict(WriteError):
    """The object was changed since it was read."""

    advice = "Look at it again and ask anew."


class WriteRefused(WriteError):
    """The API server refuses this change. `status` is its HTTP status."""

    advice = "Read the reason; nothing was changed."

    def __init__(self, message: str = "", *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class WriteThrottled(WriteError):
    """The API server will not make this change now. Without `retry_after_s` it is a refusal (a disruption budget)."""

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WriteUnknown(WriteError):
    """The API server did not answer after the change was sent."""

    unchanged = "It may or may not have happened."
    advice = "Look at the object now."


class ClusterExpired(ClusterError):
    """The position in the list is too old; it must be read anew."""


class ClusterFault(ClusterError):
    """The API server failed."""


class DirectoryUnavailable(BotError):
    """The directory of people did not answer."""

    advice = "Nobody is let in on a guess: try again when the chat platform answers."


class DeliveryError(BotError):
    """The message could not be delivered."""


class DeliveryThrottled(DeliveryError):
    """The chat platform asks us to wait."""

    def __init__(self, message: str = "", *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeliveryRefused(DeliveryError):
    """The chat platform will not accept this message."""


class DeliveryUnknown(DeliveryError):
    """It is not known whether the message was delivered."""

    unchanged = ""
