"""A storm: thousands of alerts of fifty causes through several replicas, while Slack asks to wait again and again."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.findings import Severity
from bot.domain.targets import Namespace, Scope
from bot.domain.text import Redacted
from bot.domain.watch.episodes import AlertState, Episode, EpisodeState
from bot.domain.watch.policy import AlertChannels
from bot.domain.watch.received import ReceivedAlert, ReceivedStatus
from bot.domain.watch.transitions import step
from bot.errors import StoreUnavailable
from bot.references import References
from bot.scopes import Scopes
from bot.slack.outbound.client import make_client
from bot.slack.outbound.notifier import SlackNotifier
from bot.store.store import PostgresStore
from bot.watching.announcing import Announcer
from bot.watching.card import headline_of
from bot.watching.intake import Intake, key_of
from bot.watching.room import WatchRoom
from bot.worker import Delivery, Loop
from sandbox.slack.control import Shown, SlackControl
from sandbox.slack.faults import Fault, Kind
from sandbox.slack.rates import RateLimits
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support.builders import SCOPE
from tests.support.clocks import WallClock
from tests.support.waiting import in_background, until
from tests.support.watch_room import Watched

SMALL = 2_000
ALERTS = int(os.environ.get("RAGOPS_TEST_ALERTS", SMALL))
CAUSES = 50
# Half of the causes are mended in the end, the others fire on.
MENDED = CAUSES // 2
REPLICAS = 4
BATCH = 50
PLACES = tuple(Scope(SCOPE.cluster, Namespace(f"shop-{number}")) for number in range(5))
SCOPES = Scopes(
    namespaces=MappingProxyType({SCOPE.cluster: tuple(place.namespace for place in PLACES)}),
    default_cluster=SCOPE.cluster,
)


@dataclass(slots=True)
class Patience:
    """A client's calls as Slack sees them: who is told to wait, and who does not."""

    closed_until: dict[str, float] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    impatient: list[str] = field(default_factory=list)

    def watch(self, client: AsyncWebClient) -> AsyncWebClient:
        """Return the client, each of whose calls is looked at from now on."""
        call: Any = client.api_call

        async def watched(method: str, **arguments: Any) -> Any:
            content = arguments.get("json") or arguments.get("params") or arguments.get("data") or {}
            limit = f"{method} {content.get('channel', '')}" if method == "chat.postMessage" else method
            if time.monotonic() < self.closed_until.get(limit, 0.0):
                self.impatient.append(limit)
            try:
                return await call(method, **arguments)
            except SlackApiError as error:
                wait = error.response.headers.get("Retry-After")
                if wait is not None:
                    self.told[method] += 1
                    self.closed_until[limit] = time.monotonic() + float(wait)
                raise

        client.api_call = watched  # type: ignore[method-assign]  # to look at it is all that is done
        return client


@dataclass(frozen=True, slots=True)
class Storm:
    """What a storm goes through: several replicas before one database, and the people who see it all."""

    store: PostgresStore
    rooms: Sequence[WatchRoom]
    control: SlackControl
    slack: SlackServer
    patience: Patience

    async def send(self, alerts: Sequence[ReceivedAlert]) -> None:
        """Send alerts in batches to the replicas, and again what is not taken, as Alertmanager does."""
        batches = [alerts[start : start + BATCH] for start in range(0, len(alerts), BATCH)]
        waiting = iter(enumerate(batches))

        async def sender() -> None:
            for number, batch in waiting:
                take = partial(_taken, Intake(self.rooms[number % REPLICAS]), batch)
                await until(take, bool, within_s=120, every_s=1)

        await asyncio.gather(*(sender() for _ in range(REPLICAS)))

    async def kept(self) -> dict[str, Episode]:
        """Return every episode there is, open or over."""
        found: dict[str, Episode] = {}
        for place in PLACES:
            began = (await self.now()) - timedelta(hours=1)
            found |= {each.id: each for each in await self.store.episodes.since(place, began)}
        return found

    async def now(self) -> Any:
        async with self.store.transaction() as transaction:
            return await transaction.now()

    async def messages(self) -> list[Shown]:
        """Return what people see of it, in both channels."""
        return [
            message
            for channel in ("ops", "general")
            for message in await self.control.read(channel=channel, user="ann", thread="all")
            if message.author == "rag"
        ]

    async def quiet(self) -> None:
        """Wait until everything was told and posted."""

        async def left() -> int:
            return len(await self.store.episodes.unannounced(limit=1)) + await self.store.outbox.depth()

        await until(left, lambda number: number == 0, within_s=240, every_s=0.2)

    async def a_minute_later(self) -> None:
        """Look at every place as its watcher does a minute later, when a mere count may be told, too."""
        for place in PLACES:
            async with self.store.transaction() as transaction:
                known = await transaction.episodes(place)
                later = await transaction.now() + timedelta(seconds=61)
                channels = self.rooms[0].policy.channels
                for episode in step(known, [], later, scope=place, channels=channels, new_id=self.rooms[0].new_id):
                    await transaction.save_episode(episode)


@asynccontextmanager
async def storming(store: PostgresStore) -> AsyncIterator[Storm]:
    """Run the replicas' announcers and one that delivers."""
    async with AsyncExitStack() as stack:
        workspace = demo_workspace()
        # A storm of full size keeps to Slack's own rates besides, which takes its time.
        rates = RateLimits(enabled=ALERTS > SMALL)
        slack = await stack.enter_async_context(SlackServer(workspace, rates=rates))
        control = await stack.enter_async_context(SlackControl(slack.control_url))
        for method in ("chat.postMessage", "chat.update"):
            slack.faults.add(Fault(Kind.RATELIMITED, method=method, times=4, seconds=1))
            slack.faults.add(Fault(Kind.RATELIMITED, method=method, times=None, seconds=1, share=0.08))
        patience, chance, clock = Patience(), random.Random(3), WallClock()
        client = patience.watch(make_client(workspace.bot_token, slack.base_url))
        channels = {channel.name: channel.id for channel in workspace.channels.values()}
        told = AlertChannels(critical=channels["ops"], warning=channels["general"])
        rooms = [
            replace(Watched(store).room(scopes=SCOPES, channels=told, clock=clock), new_id=_ids(number))
            for number in range(REPLICAS)
        ]
        notifier = SlackNotifier(client, clock=clock, nonce=lambda: f"{chance.getrandbits(40):010x}")
        delivery = Delivery(store, notifier, clock, chance)
        steps = [*(Announcer(room).step for room in rooms), delivery.step]
        for number, each in enumerate(steps):
            loop = Loop(
                f"loop-{number}", each, clock, References(chance), chance, at_once=1 if number < REPLICAS else 4
            )
            await stack.enter_async_context(in_background(loop.run()))
        yield Storm(store, rooms, control, slack, patience)


async def _taken(intake: Intake, batch: Sequence[ReceivedAlert]) -> bool:
    try:
        await intake.receive(batch)
    except StoreUnavailable:
        return False
    return True


def _ids(replica: int) -> Any:
    numbers = iter(range(10**9))
    return lambda: f"r{replica}n{next(numbers)}"


def received(number: int, *, over: bool = False) -> ReceivedAlert:
    """Return an alert of the storm: of one of the causes, of one of three rules, in one of the places."""
    cause = number % CAUSES
    labels = {
        "alertname": f"Rule{number // CAUSES % 3}",
        "namespace": PLACES[cause % len(PLACES)].namespace,
        "severity": "critical" if cause % 2 else "warning",
        "deployment": f"service-{cause}",
        "pod": f"pod-{number}",
    }
    return ReceivedAlert(
        status=ReceivedStatus.RESOLVED if over else ReceivedStatus.FIRING,
        fingerprint=f"f{number}",
        labels=tuple((name, Redacted(value)) for name, value in sorted(labels.items())),
        annotations=(("summary", Redacted(f"service-{cause} is in trouble")),),
        starts_at=None,
        ends_at=None,
    )


@pytest.mark.timeout(600)
async def test_a_storm_is_one_message_for_each_cause(store: PostgresStore) -> None:
    """None is lost, the last state of each is what people see, and Slack is never called before its time."""
    async with storming(store) as storm:
        numbers = list(range(ALERTS))
        random.Random(1).shuffle(numbers)
        await storm.send([received(number) for number in numbers])
        mended = [number for number in numbers if number % CAUSES < MENDED]
        await storm.send([received(number, over=True) for number in mended])
        await storm.a_minute_later()
        await storm.quiet()
        kept, messages = await storm.kept(), await storm.messages()

    assert len(kept) == CAUSES
    _nothing_is_lost(kept, set(mended))
    shown = {_id_in(message): message for message in messages}
    assert len(messages) == len(shown) == CAUSES, "at most one message for each cause"
    assert shown.keys() == kept.keys()
    for episode_id, message in shown.items():
        episode = kept[episode_id]
        assert message.text.startswith(_first_words(episode)), message.text
        assert ("Acknowledge" in message.buttons) == (episode.state is EpisodeState.FIRING)
    assert storm.patience.told.total() > 5
    assert storm.patience.impatient == []
    assert storm.slack.rates.violations == 0


def _nothing_is_lost(kept: dict[str, Episode], mended: set[int]) -> None:
    """Every alert is in the one episode of its cause, as it was last said to be."""
    states = {a.signal.key: (each.cause, a.state) for each in kept.values() for a in each.alerts}
    expected = {
        key_of(received(number)): (
            f"deployment/service-{number % CAUSES}",
            AlertState.RESOLVED if number in mended else AlertState.FIRING,
        )
        for number in range(ALERTS)
    }
    assert states == expected
    assert {each.state for each in kept.values()} == {EpisodeState.FIRING, EpisodeState.RESOLVED}
    assert {each.severity for each in kept.values()} == {Severity.CRITICAL, Severity.WARNING}


def _id_in(message: Shown) -> str:
    return message.text.rpartition("alert ")[2].split()[0].strip("`")


def _first_words(episode: Episode) -> str:
    mark = {Severity.CRITICAL: "✖", Severity.WARNING: "⚠"}[episode.severity]
    return f"{'✔' if episode.state is EpisodeState.RESOLVED else mark} {headline_of(episode)}"
