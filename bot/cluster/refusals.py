"""What can go wrong in a write -> one error of `bot.errors`, which tells "nothing happened" from "nobody knows".

What the server says is cut before it is redacted: its validation quotes whole objects, values of variables included.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
import msgspec

from bot.cluster import faults
from bot.cluster.faults import LONGEST_SAID, Tried
from bot.cluster.once import NOT_SENT, NotRepeated
from bot.cluster.structs import Read
from bot.domain.text import first_line
from bot.errors import ClusterError, WriteConflict, WriteRefused, WriteThrottled, WriteUnknown
from bot.redaction import redact

_SHORT = 64
_MOST_CAUSES = 3
# The one 5xx that is a refusal: the API server looks at the budgets before it touches the pod.
_TWO_BUDGETS = "This pod has more than one PodDisruptionBudget"


class _Cause(Read, frozen=True):
    message: str = ""
    field: str = ""


class _Details(Read, frozen=True):
    causes: list[_Cause] | None = None


class _Status(Read, frozen=True):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


_STATUS = msgspec.json.Decoder(_Status)


def from_answer(
    status: int, headers: Mapping[str, str], body: bytes, tried: Tried, *, dry_run: bool
) -> ClusterError:  # a table
    """Turn an answer that is no success into our error. A dry run of an unknown end is a failed read: nothing is."""
    said = _said(body)
    match status:
        case 401 | 403:
            return WriteRefused(faults.from_answer(status, headers, body, tried).message, status=status)
        case 400 | 404 | 405 | 406 | 413 | 415 | 422:
            return WriteRefused(f"The API server refuses this: {said or status}.\nTried: {tried}.", status=status)
        case 409:
            return WriteConflict(f"The object was changed since it was read.\nTried: {tried}.")
        case 429:
            text = said or "The API server will not do this now"
            return WriteThrottled(f"{text}.\nTried: {tried}.", retry_after_s=_retry_after(headers))
        case 500 if said.startswith(_TWO_BUDGETS):
            return WriteRefused(f"{said}.\nTried: {tried}.", status=status)
        case _ if dry_run:
            return faults.from_answer(status, headers, body, tried)
        case _:
            return WriteUnknown(f"The API server answered {status}{said and f': {said}'}.\nTried: {tried}.")


def from_exception(error: Exception, tried: Tried, *, dry_run: bool) -> ClusterError:
    """Turn what the transport raised into our error: `ClusterUnreachable` where nothing was sent."""
    if isinstance(error, NOT_SENT):
        return faults.from_exception(error, tried)
    if dry_run:
        cause = error.__cause__
        return faults.from_exception(cause if isinstance(cause, aiohttp.ClientError) else error, tried)
    if isinstance(error, TimeoutError):
        return WriteUnknown(f"The API server did not answer in time.\nTried: {tried}.")
    if isinstance(error, NotRepeated):
        return WriteUnknown(f"There is no answer of the API server: {error}.\nTried: {tried}.")
    if isinstance(error, (aiohttp.ClientError, OSError)):
        return WriteUnknown(f"The connection broke off before the answer was here.\nTried: {tried}.")
    return WriteUnknown(f"The API server's answer cannot be read ({type(error).__name__}).\nTried: {tried}.")


def _said(body: bytes) -> str:
    """Return what the server said, on one line: of a validation what it is about, without what it quotes."""
    try:
        status = _STATUS.decode(body)
    except msgspec.DecodeError:
        return ""
    causes = (status.details.causes if status.details is not None else None) or ()
    told = [f"{cause.field}: {_without_quote(cause.message)}" for cause in causes if cause.field]
    if told:
        text = "; ".join(told[:_MOST_CAUSES])
    else:
        text = _without_quote(status.message)
        if status.reason == "TooManyRequests":
            text = " ".join([text, *(cause.message for cause in causes)])
    return first_line(redact(text[: 4 * LONGEST_SAID]), LONGEST_SAID).rstrip(".")


def _without_quote(text: str) -> str:
    """Leave out a value that is quoted at length: what follows it says what is wrong with it."""
    head, mark, rest = text.partition(" value: ")
    end = max(rest.rfind('": '), rest.rfind("}: "))
    return f"{head}{mark}{rest[end + 3 :]}" if end > _SHORT else text


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    if not text:
        return None
    return float(text) if text.isdecimal() and len(text) < 6 else 1.0
