"""Episodes <-> rows. Pure. What a newer version wrote, or somebody changed by hand, is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.findings import Severity
from bot.domain.records import Records
from bot.domain.targets import ClusterName, Namespace, Scope
from bot.domain.text import Redacted
from bot.domain.watch.episodes import Alert, Episode, EpisodeState, Signal
from bot.errors import StoreRefused
from bot.store.connections import Row
from bot.store.watch_rows import LONGEST_PERSON, LONGEST_TITLE, LONGEST_WORDS, cut, key_of, place, utc

VERSION = 1
RECORDS = Records((Alert, Signal))
_LONGEST_LINK = 2000


def columns(episode: Episode) -> Mapping[str, object]:
    """Return an episode's columns. Words of its alerts are cut; their moments are kept to the second."""
    return {
        "id": episode.id,
        **place(episode.scope),
        "cause": key_of(episode.cause),
        "state": episode.state.value,
        "severity": episode.severity.value,
        "content": _content(episode),
        "began_at": episode.began_at,
        "fired_at": episode.fired_at,
        "resolved_at": episode.resolved_at,
        "acked_by": cut(episode.acked_by, LONGEST_PERSON),
        "acked_at": episode.acked_at,
        "channel": episode.channel,
        "version": episode.version,
        "announced": episode.announced,
    }


def _content(episode: Episode) -> str:
    """Return the whole cause and the alerts as JSON, in ASCII: every character that JSON can hold can be kept."""
    alerts = [RECORDS.encoded(_bounded(alert)) for alert in episode.alerts]
    return json.dumps({"v": VERSION, "cause": episode.cause, "alerts": alerts}, separators=(",", ":"))


def _bounded(alert: Alert) -> Alert:
    signal = alert.signal
    short = replace(
        signal,
        title=cut(signal.title, LONGEST_TITLE),
        words=Redacted(cut(signal.words, LONGEST_WORDS)),
        unsafe_link=cut(signal.unsafe_link, _LONGEST_LINK),
    )
    return replace(alert, signal=short, blind=cut(alert.blind, LONGEST_TITLE))


def episode_of(row: Row) -> Episode:
    """Read a row of `episodes`. Raises `StoreRefused` when a newer version wrote it, or it is damaged."""
    try:
        content = _opened(row["content"])
        alerts = tuple(_alert(alert) for alert in content["alerts"])
        return Episode(
            id=row["id"],
            scope=Scope(ClusterName(row["cluster"]), Namespace(row["namespace"])),
            cause=content["cause"],
            state=EpisodeState(row["state"]),
            severity=Severity(row["severity"]),
            alerts=alerts,
            began_at=utc(row["began_at"]),
            fired_at=_utc(row["fired_at"]),
            resolved_at=_utc(row["resolved_at"]),
            acked_by=row["acked_by"],
            acked_at=_utc(row["acked_at"]),
            channel=row["channel"],
            version=row["version"],
            announced=row["announced"],
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StoreRefused(
            f"The alert {row['id']} cannot be read ({error}).",
            advice="A newer version of ragops wrote it: let that version finish its work.",
        ) from error


def _opened(text: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(text)
    if content["v"] != VERSION:
        raise ValueError(f"its format is {content['v']}")
    return content


def _alert(content: object) -> Alert:
    alert = RECORDS.decoded(content, Alert)
    if not isinstance(alert, Alert):
        raise TypeError(f"{type(alert).__name__} where an Alert belongs")
    return alert


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else utc(moment)
