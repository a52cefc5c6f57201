"""Collects what a digest tells, from everywhere at once, and makes its messages.

Every reading has its own time limit, so that one which hangs costs its part of the message and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from bot.checkup import Asked, check_up
from bot.domain.catalogue import Catalogue
from bot.domain.requests import Place, Post
from bot.domain.targets import Scope
from bot.domain.text import first_line, listed
from bot.domain.view import View
from bot.domain.watch.checkups import Checkup
from bot.domain.watch.episodes import Episode
from bot.domain.watch.policy import WatchPolicy
from bot.domain.watch.samples import Bucket
from bot.domain.watch.schedules import DigestPlan
from bot.domain.watch.world import Looked
from bot.errors import BotError, StoreUnavailable, UsageError
from bot.ports import Clock, ClusterReader, Episodes, Extras, LogStream, OperationQuery, Probes, Store
from bot.watching.digest_chart import Span, day_span, young_span
from bot.watching.digest_view import details_view, digest_view
from bot.watching.digests import DAY, Digest, Ground, last_digest
from bot.watching.reach import since_at
from bot.watching.scheduling import Job

log = logging.getLogger(__name__)

T = TypeVar("T")

# The whole of a digest is made well within what a schedule's work may take, and a person's request, too.
CHECK_S: Final = 16.0
KEPT_S: Final = 5.0
_MOST_REQUESTS: Final = 50
_DAY_S: Final = int(DAY.total_seconds())


class DigestMaker:
    """Makes digests. Implements `Digests`; `jobs` are for the schedules' runner.

    `words_to` returns the words (`-n NAMESPACE`) by which a command leads to a place, `catalogue_at` its services.
    """

    def __init__(
        self,
        *,
        policy: WatchPolicy,
        store: Store,
        cluster: ClusterReader,
        logs: LogStream,
        clock: Clock,
        catalogue_at: Callable[[Scope], Catalogue],
        words_to: Callable[[Scope], str],
        probes: Probes | None = None,
        extras: Extras | None = None,
        check_s: float = CHECK_S,
        kept_s: float = KEPT_S,
    ) -> None:
        self._policy = policy
        self._store = store
        self._cluster = cluster
        self._logs = logs
        self._clock = clock
        self._catalogue_at = catalogue_at
        self._words_to = words_to
        self._probes = probes
        self._extras = extras
        self._check_s = check_s
        self._kept_s = kept_s

    def jobs(self) -> tuple[Job, ...]:
        """Return what the schedules' runner does for each digest."""
        return tuple(Job(schedule=plan.schedule, work=partial(self._due, plan)) for plan in self._policy.digests)

    async def preview(self, name: str) -> View:
        """Return a digest as it would be sent now. Raises `UsageError` for a name that is none."""
        return digest_view(await self._digest(self.plan(name)))

    async def posts(
        self, name: str, *, due: datetime | None = None, late: timedelta = timedelta(), asked_by: str = ""
    ) -> Sequence[Post]:
        """Return the messages of a digest for each of its channels, the details below it. Raises as `preview` does.

        `due` is the moment of the schedule, `late` how long that is ago; `asked_by` the person who wants it now.
        """
        plan = self.plan(name)
        return self._messages(plan, await self._digest(plan, due=due, late=late), asked_by)

    def plan(self, name: str) -> DigestPlan:
        """Return the digest of a name, the first one for an empty name. Raises `UsageError`."""
        plans = {plan.name: plan for plan in self._policy.digests}
        if not plans:
            raise UsageError("No digest is configured here.", suggestions=["schedule"])
        found = plans.get(name or next(iter(plans)))
        if found is None:
            near = [f"digest preview {each}" for each in plans]
            raise UsageError(f'There is no digest "{name}". There is: {listed(list(plans))}.', suggestions=near)
        return found

    async def _due(self, plan: DigestPlan, due: datetime, late: timedelta) -> Sequence[Post]:
        return await self.posts(plan.name, due=due, late=late)

    def _messages(self, plan: DigestPlan, digest: Digest, asked_by: str) -> list[Post]:
        moment = digest.due or digest.now
        kind = "" if digest.due else ":now"
        subject = f"digest:{plan.name}{kind}:{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        view, details = digest_view(digest, asked_by=asked_by), details_view(digest)
        posts = []
        for channel in plan.channels:
            place = Place(channel)
            posts.append(Post(place, view, kind="digest", asked_by=asked_by, subject=subject, version=1))
            if details is not None:
                posts.append(Post(place, details, kind="digest details", under=subject))
        return posts

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _digest(self, plan: DigestPlan, *, due: datetime | None = None, late: timedelta = timedelta()) -> Digest:
        now = self._clock.now()
        since, first = await self._since(plan, now, due)
        async with asyncio.TaskGroup() as group:
            reading = [
                group.create_task(self._ground(scope, now, since, whole=_is_first(scope, plan.scopes)))
                for scope in plan.scopes
            ]
        return Digest(
            plan=plan,
            now=now,
            since=since,
            places=tuple(task.result() for task in reading),
            thresholds=self._policy.thresholds,
            due=due,
            late=late,
            first=first,
        )

    async def _since(self, plan: DigestPlan, now: datetime, due: datetime | None) -> tuple[datetime, bool]:
        """Return the moment of the last digest; a day ago where that cannot be read either."""
        found = await self._looked("slots", lambda: self._store.slots.runs([plan.name]), self._kept_s)
        runs = (found.seen or {}).get(plan.name, ())
        return last_digest(runs, now, due)

    async def _ground(self, scope: Scope, now: datetime, since: datetime, *, whole: bool) -> Ground:
        """Read a place; with `whole` also the alerts of its cluster, which are told once."""
        store, history, back = self._store, self._store.history, min(since, now - DAY)
        begins = day_span(now).since
        query = OperationQuery(scope=scope, within_s=int((now - back).total_seconds()) + 1, limit=_MOST_REQUESTS)
        kept = partial(self._looked, limit_s=self._kept_s)
        async with asyncio.TaskGroup() as group:
            checkup = group.create_task(self._checkup(scope, now))
            recorded = group.create_task(self._buckets(scope, now))
            before = group.create_task(
                kept("history", lambda: history.buckets(scope, since=begins - DAY, until=begins, step_s=_DAY_S))
            )
            spans = group.create_task(kept("problems", lambda: history.spans(scope, since=back)))
            notes = group.create_task(kept("notes", lambda: history.notes(scope, since=back)))
            read_episodes = partial(since_at if whole else _own_since, store.episodes, scope, back)
            episodes = group.create_task(kept("episodes", read_episodes))
            operations = group.create_task(kept("operations", lambda: store.operations.search(query)))
        buckets, span = recorded.result()
        return Ground(
            scope=scope,
            place=self._words_to(scope),
            catalogue=self._catalogue_at(scope),
            checkup=checkup.result(),
            buckets=buckets,
            before=before.result(),
            spans=spans.result(),
            episodes=episodes.result(),
            notes=notes.result(),
            operations=operations.result(),
            span=span,
            targets=frozenset(target.name for target in self._policy.targets),
        )

    async def _buckets(self, scope: Scope, now: datetime) -> tuple[Looked[Sequence[Bucket]], Span]:
        """Return the last day, or minute by minute what there is of a record that has only just begun."""
        span = day_span(now)
        found = await self._recorded(scope, span)
        began = min((bucket.at for bucket in found.seen or ()), default=None)
        young = None if began is None else young_span(now, began)
        if young is None:
            return found, span
        return await self._recorded(scope, young), young

    async def _recorded(self, scope: Scope, span: Span) -> Looked[Sequence[Bucket]]:
        read = partial(self._store.history.buckets, scope, since=span.since, until=span.until, step_s=span.step_s)
        return await self._looked("history", read, self._kept_s)

    async def _checkup(self, scope: Scope, now: datetime) -> Looked[Checkup]:
        asked = Asked(
            scope=scope,
            now=now,
            cluster=self._cluster,
            logs=self._logs,
            catalogue=self._catalogue_at(scope),
            watch=self._policy,
            probes=self._probes,
            extras=self._extras,
            dependencies=True,
        )
        return await self._looked("check", partial(check_up, asked), self._check_s)

    async def _looked(self, what: str, read: Callable[[], Awaitable[T]], limit_s: float) -> Looked[T]:
        """Wait for a reading; say why when there is nothing."""
        try:
            async with asyncio.timeout(limit_s):
                return Looked(await read())
        except TimeoutError:
            problem = f"it took longer than {limit_s:g} s"
        except StoreUnavailable:
            problem = "the database did not answer"
        except BotError as error:
            problem = first_line(error.said).rstrip(".")
        log.warning("a part of a digest is missing: %s", problem, extra={"event": "digest_part_missing", "part": what})
        return Looked(problem=problem)


def _is_first(scope: Scope, scopes: Sequence[Scope]) -> bool:
    """Tell whether a place is the first of its cluster among others."""
    return next(each for each in scopes if each.cluster == scope.cluster) == scope


async def _own_since(episodes: Episodes, scope: Scope, moment: datetime) -> Sequence[Episode]:
    return await episodes.since(scope, moment)
