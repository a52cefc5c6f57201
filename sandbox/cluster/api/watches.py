"""Watches: the changes after a version as lines of JSON, with bookmarks, until the time is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from sandbox.cluster.api.calls import Call, StreamAnswer
from sandbox.cluster.api.errors import Cause, Refusal, expired, invalid_list_options
from sandbox.cluster.api.reads import parse_version
from sandbox.cluster.api.representation import Representation, metadata_of, typed
from sandbox.cluster.api.selectors import Matcher, matcher
from sandbox.cluster.api.tables import table
from sandbox.cluster.store import Change, Expired, Json, ObjectStore

_LAST_BOOKMARKS_S = (2.0, 1.0)  # before the end of the watch
_WITHOUT_SPEC = frozenset({"configmaps", "endpoints", "endpointslices", "events", "secrets", "serviceaccounts"})


@dataclass(frozen=True, slots=True)
class WatchTiming:
    """How often bookmarks come, and how long a watch that names no end may last, in seconds."""

    bookmark_every_s: float = 60.0
    default_timeout_s: float = 1800.0


def watch_objects(call: Call, store: ObjectStore, timing: WatchTiming) -> StreamAnswer:
    """Answer with a stream of events. Raises Refusal for bad options; later errors are events of the stream."""
    matches = matcher(call.kind, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))
    _check_options(call)
    lasts_s = call.number("timeoutSeconds") or timing.default_timeout_s
    watch = _Watch(call, store, matches, timing.bookmark_every_s, lasts_s)
    return StreamAnswer(watch.lines(), "application/json")


def _check_options(call: Call) -> None:
    asked = call.query.get("resourceVersion", "")
    if asked:
        parse_version(asked)
    match = call.query.get("resourceVersionMatch", "")
    if "sendInitialEvents" in call.query and match != "NotOlderThan":
        raise invalid_list_options(
            Cause(
                "FieldValueForbidden",
                "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
                "resourceVersionMatch",
            )
        )
    if match and "sendInitialEvents" not in call.query:
        raise invalid_list_options(
            Cause(
                "FieldValueForbidden",
                "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
                "resourceVersionMatch",
            )
        )


class _Watch:
    """One open watch: where it stands, and what it lets through."""

    def __init__(
        self, call: Call, store: ObjectStore, matches: Matcher | None, bookmark_every_s: float, lasts_s: float
    ) -> None:
        self._call = call
        self._store = store
        self._matches = matches
        self._bookmark_every_s = bookmark_every_s
        self._lasts_s = lasts_s
        self._version = 0
        self._has_sent_columns = False

    async def lines(self) -> AsyncIterator[bytes]:
        try:
            for event in self._initial():
                yield _line(event)
            async for event in self._following():
                yield _line(event)
        except Refusal as refusal:
            yield _line({"type": "ERROR", "object": refusal.body()})

    def _initial(self) -> Iterator[Json]:
        """Set where the watch starts, and yield what is there already, if it is asked for."""
        asked = self._call.query.get("resourceVersion", "")
        version = parse_version(asked) if asked else 0
        wants_initial = self._call.query.get("sendInitialEvents", "")
        if version and not wants_initial:
            self._version = version
            return
        self._version = self._store.resource_version
        if wants_initial and not self._call.flag("sendInitialEvents"):
            return
        for obj in self._store.list(self._call.kind.resource, self._call.target.namespace or None):
            if self._is_wanted(obj):
                yield self._event("ADDED", obj)
        if wants_initial and self._call.flag("allowWatchBookmarks"):
            yield self._bookmark({"annotations": {"k8s.io/initial-events-end": "true"}})

    async def _following(self) -> AsyncIterator[Json]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._lasts_s
        bookmarks = self._bookmark_times(loop.time(), end)
        next_bookmark = next(bookmarks, end)
        while True:
            for event in self._news():
                yield event
            try:
                async with asyncio.timeout_at(min(next_bookmark, end)):
                    await self._store.changed(self._version)
            except TimeoutError:
                if loop.time() >= end:
                    return
                next_bookmark = next(bookmarks, end)
                for event in self._news():
                    yield event
                if self._call.flag("allowWatchBookmarks") and self._version <= self._store.resource_version:
                    yield self._bookmark({})

    def _bookmark_times(self, start: float, end: float) -> Iterator[float]:
        due = start + self._bookmark_every_s
        while due < end - _LAST_BOOKMARKS_S[0]:
            yield due
            due += self._bookmark_every_s
        for before in _LAST_BOOKMARKS_S:
            if end - before > start:
                yield end - before

    def _news(self) -> Iterator[Json]:
        """Yield what happened since the last look. Raises Refusal (410) when that is forgotten."""
        current = self._store.resource_version
        if self._version >= current:
            return  # a version from the future waits in silence, as on a real server
        try:
            changes = self._store.changes_since(self._version)
        except Expired:
            raise expired(f"too old resource version: {self._version} ({self._store.compacted})") from None
        for change in changes:
            event = self._translate(change)
            if event is not None:
                yield event
        self._version = current

    def _translate(self, change: Change) -> Json | None:
        """Turn a change into what a watcher behind selectors sees: things enter, change, or leave its view."""
        if change.resource != self._call.kind.resource:
            return None
        if self._call.target.namespace and self._call.kind.namespaced and change.key[0] != self._call.target.namespace:
            return None
        was = change.previous is not None and self._is_wanted(change.previous)
        now = change.type != "DELETED" and self._is_wanted(change.object)
        if now:
            return self._event("MODIFIED" if was else "ADDED", change.object)
        if was and change.previous is not None:
            last = {**change.previous["metadata"], "resourceVersion": str(change.resource_version)}
            return self._event("DELETED", {**change.previous, "metadata": last})
        return None

    def _is_wanted(self, obj: Json) -> bool:
        return self._matches is None or self._matches(obj)

    def _event(self, event_type: str, obj: Json) -> Json:
        return {"type": event_type, "object": self._shape(obj)}

    def _shape(self, obj: Json) -> Json:
        match self._call.shape:
            case Representation.TABLE:
                version = obj["metadata"]["resourceVersion"]
                include = self._call.query.get("includeObject", "")
                body = table(self._call.kind, [obj], version, self._store.now(), include)
                # Only the first event carries the columns.
                columns = None if self._has_sent_columns else body["columnDefinitions"]
                self._has_sent_columns = True
                return {**body, "columnDefinitions": columns}
            case Representation.METADATA | Representation.METADATA_LIST:
                return metadata_of(obj)
            case _:
                return typed(self._call.kind, obj)

    def _bookmark(self, metadata: Json) -> Json:
        kind = self._call.kind
        stamp = {"resourceVersion": str(self._version), **metadata}
        body: Json = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": stamp}
        if kind.resource not in _WITHOUT_SPEC:
            body |= {"spec": {"containers": None} if kind.resource == "pods" else {}, "status": {}}
        if self._call.shape is Representation.TABLE:
            body = {**table(kind, [], stamp["resourceVersion"], self._store.now(), ""), "metadata": stamp}
        elif self._call.shape is not Representation.OBJECT:
            body = metadata_of(body)
        return {"type": "BOOKMARK", "object": body}


def _line(event: Json) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"
