"""The door over a real socket: what is refused, in which order, what runs, and what the platform hears."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import random
import re
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from slack_bolt import BoltResponse
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.hot import open_hot_state
from bot.listening import Bounds
from bot.once import Once
from bot.ports import Unmetered
from bot.references import References
from bot.settings import Listen
from bot.slack.inbound.http import Door, always
from bot.store.store import PostgresStore
from sandbox.slack.control import SlackControl
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace
from tests.support import signing
from tests.support.addresses import own_host, own_port
from tests.support.clocks import ShiftedClock, WallClock
from tests.support.databases import database
from tests.support.journal import Journal, journal
from tests.support.signing import FORM, SECRET, Heard, Wire, signed, wire
from tests.support.waiting import turns, until

JSON = "application/json"


class Counting(Unmetered):
    """A `Meter` that keeps what was acknowledged."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()

    def acknowledged(self, surface: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.seen[surface, result] += 1


@dataclass(slots=True)
class Table:
    """A hot state and a store in one: keys of this process. `None` for `keys` is one that is away."""

    keys: set[str] | None = field(default_factory=set)
    hangs: bool = False
    shared: bool = False

    async def first(self, key: str, *, keep_s: int) -> bool | None:
        assert keep_s >= 600
        if self.hangs:
            await asyncio.sleep(60)
        if self.keys is None:
            return None
        new = key not in self.keys
        self.keys.add(key)
        return new


@dataclass(slots=True)
class Scene:
    """A door with an app behind it that counts what runs."""

    port: int
    clock: ShiftedClock
    meter: Counting
    journal: Journal
    ran: list[dict[str, Any]]
    hot: Table

    async def send(self, body: bytes, headers: signing.Headers | None = None, **how: str) -> Heard:
        """Send a request over a connection of its own; signed now unless told otherwise."""
        async with wire(self.port) as connection:
            given = signed(body, self.clock.now().timestamp()) if headers is None else headers
            return await connection.post(body, given, **how)

    async def event(self, payload: dict[str, Any], *extra: tuple[str, str]) -> Heard:
        """Send an event."""
        body = json.dumps(payload).encode()
        return await self.send(body, [*signed(body, self.clock.now().timestamp(), content_type=JSON), *extra])


def app_that_counts(ran: list[dict[str, Any]], secret: str = SECRET) -> AsyncApp:
    """Build a Bolt app that takes everything; what a listener is told to do stands in the text of a command."""

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_token="xoxb-made-up")

    async def run(body: dict[str, Any], ack: Callable[..., Any]) -> None:
        ran.append(body)
        text = str(body.get("text", ""))
        if text == "break":
            raise RuntimeError("a bug")
        if text.startswith("wait "):
            await asyncio.sleep(float(text.removeprefix("wait ")))
        await ack({"response_type": "ephemeral", "text": "hello"} if text == "say" else "")

    async def keep(body: dict[str, Any], next: Callable[[], Any]) -> BoltResponse | None:  # noqa: A002  # Bolt's name
        if str(body.get("text", "")).startswith("status="):
            return BoltResponse(status=int(str(body["text"]).partition("=")[2]), body="x", headers={"Location": "/"})
        await next()
        return None

    app = AsyncApp(client=AsyncWebClient(token="xoxb-made-up"), authorize=authorize, signing_secret=secret)
    app.use(keep)
    app.command("/rag")(run)
    for kind in (app.action, app.shortcut, app.view, app.event):
        kind(re.compile(".*"))(run)
    return app


@asynccontextmanager
async def scene(
    *,
    once: Callable[[Table], Any] = lambda hot: Once(hot, _Store(Table())),  # type: ignore[arg-type]  # the parts it uses
    bounds: Bounds | None = None,
    certain: Callable[[Mapping[str, Any]], bool] = always,
    app_secret: str = SECRET,
) -> AsyncIterator[Scene]:
    ran: list[dict[str, Any]] = []
    clock, meter, hot = ShiftedClock(), Counting(), Table()
    door = Door(
        app_that_counts(ran, app_secret),
        SECRET,
        once=once(hot),
        clock=clock,
        meter=meter,
        references=References(random.Random(5)),
        certain=certain,
        bounds=bounds or Bounds(),
    )
    with journal() as kept:
        async with door.serve(Listen("127.0.0.1", 0)) as port:
            yield Scene(port, clock, meter, kept, ran, hot)


@dataclass(frozen=True, slots=True)
class _Store:
    """As much of a store as recognises keys."""

    seen: Table


@pytest.fixture
async def stage() -> AsyncIterator[Scene]:
    async with scene() as opened:
        yield opened


# --- what is let in ---------------------------------------------------------------------------------------------------


async def test_a_signed_command_runs_and_its_answer_is_in_the_acknowledgement(stage: Scene) -> None:
    heard = await stage.send(signing.command("say"))
    assert (heard.status, json.loads(heard.body)) == (200, {"response_type": "ephemeral", "text": "hello"})
    assert heard.headers["content-type"].startswith(JSON)
    assert [body["text"] for body in stage.ran] == ["say"]
    assert stage.meter.seen == {}  # what reaches the app is counted there


@pytest.mark.parametrize(
    "payload", [signing.press(), signing.submission(), signing.shortcut(), signing.message_shortcut()]
)
async def test_everything_that_people_do_runs_once(stage: Scene, payload: dict[str, Any]) -> None:
    heard = await stage.send(signing.interaction(payload))
    assert (heard.status, heard.body) == (200, b"")
    assert [body["type"] for body in stage.ran] == [payload["type"]]


async def test_an_event_runs_and_the_number_of_its_retry_is_passed_on(stage: Scene) -> None:
    heard = await stage.event(
        signing.event(), ("X-Slack-Retry-Num", "2"), ("X-Slack-Retry-Reason", "http_timeout"), ("X-Other", "1")
    )
    assert heard.status == 200
    await until(lambda: asyncio.sleep(0, len(stage.ran)), bool, every_s=0.01)
    assert [body["event_id"] for body in stage.ran] == ["Ev1"]


async def test_a_command_that_speaks_of_a_payload_is_a_command(stage: Scene) -> None:
    """Bolt alone takes it for a broken interaction and drops it."""
    assert (await stage.send(signing.command("status payload-api"))).status == 200
    assert [body["text"] for body in stage.ran] == ["status payload-api"]


async def test_headers_that_nobody_signed_do_not_reach_bolt(stage: Scene) -> None:
    """One of Bolt's own headers would make it run another function instead of acknowledging."""
    body = signing.command("say")
    extra = [("X-Slack-Bolt-Lazy-Only", "1"), ("X-Slack-Bolt-Lazy-Function-Name", "run")]
    heard = await stage.send(body, [*signed(body, time.time()), *extra])
    assert (heard.status, len(stage.ran)) == (200, 1)
    assert b"hello" in heard.body


# --- what is not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [299, -299])
async def test_a_request_of_the_last_minutes_runs(stage: Scene, seconds: int) -> None:
    body = signing.command()
    assert (await stage.send(body, signed(body, stage.clock.now().timestamp() + seconds))).status == 200
    assert len(stage.ran) == 1


def without(headers: signing.Headers, name: str) -> signing.Headers:
    return [(key, value) for key, value in headers if key != name]


def changed(headers: signing.Headers, name: str, value: str) -> signing.Headers:
    return [*without(headers, name), (name, value)]


_STAMP, _SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
_SPOILT: dict[str, Callable[[signing.Headers, bytes], signing.Headers]] = {
    "old": lambda _, body: signed(body, time.time() - 302),
    "of the future": lambda _, body: signed(body, time.time() + 900),
    "no signature": lambda good, _: without(good, _SIGNATURE),
    "no time": lambda good, _: without(good, _STAMP),
    "an empty signature": lambda good, _: changed(good, _SIGNATURE, ""),
    "an empty time": lambda good, _: changed(good, _STAMP, ""),
    "a time in words": lambda good, _: changed(good, _STAMP, "yesterday"),
    "a signature of another alphabet": lambda good, _: changed(good, _SIGNATURE, "v0=" + "é" * 64),
    "bytes that are no text": lambda good, _: changed(good, _SIGNATURE, "v0=\udcff\udcfe"),
    "capital digits": lambda good, _: changed(good, _SIGNATURE, "v0=" + dict(good)[_SIGNATURE][3:].upper()),
    "another version": lambda good, _: changed(good, _SIGNATURE, "v1=" + dict(good)[_SIGNATURE][3:]),
    "two signatures": lambda good, _: [*good, (_SIGNATURE, dict(good)[_SIGNATURE])],
    "two times": lambda good, _: [*good, (_STAMP, dict(good)[_STAMP])],
    "another secret": lambda _, body: signed(body, time.time(), secret="f" * 32),
    "another body": lambda _, body: signed(body + b"x", time.time()),
    "nothing": lambda _, __: [("Content-Type", FORM)],
}


@pytest.mark.parametrize("how", _SPOILT)
async def test_without_a_valid_signature_nothing_runs(stage: Scene, how: str) -> None:
    body = signing.command()
    heard = await stage.send(body, _SPOILT[how](signed(body, time.time()), body))
    assert (heard.status, heard.body, stage.ran) == (401, b"", [])
    assert stage.meter.seen == {("unknown", "invalid"): 1}
    assert stage.journal.above(logging.INFO) == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"payload={", b"[" * 100_000, b"", b"\0", signing.command()])
@pytest.mark.parametrize("content_type", [FORM, JSON, "text/html", ""])
async def test_whoever_cannot_sign_hears_the_same_whatever_was_sent(
    stage: Scene, body: bytes, content_type: str
) -> None:
    headers = signed(body, time.time(), content_type=content_type, secret="f" * 32)
    assert (await stage.send(body, headers)).status == 401
    assert stage.ran == []


async def test_spaces_around_a_header_are_no_part_of_it(stage: Scene) -> None:
    """RFC 9110: whoever stands between may add or take them."""
    body = signing.command()
    good = signed(body, time.time())
    assert (await stage.send(body, changed(good, _SIGNATURE, f" {dict(good)[_SIGNATURE]}  "))).status == 200


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/slack/events/", "POST", 404),
        ("/slack/Events", "POST", 404),
        ("/", "POST", 404),
        ("/slack/events", "GET", 405),
        ("/slack/events", "PUT", 405),
        ("/slack/events", "DELETE", 405),
        ("/slack/events?x=1", "POST", 200),
    ],
)
async def test_there_is_one_path_and_one_method(stage: Scene, path: str, method: str, status: int) -> None:
    heard = await stage.send(signing.command(), path=path, method=method)
    assert heard.status == status
    assert len(stage.ran) == (status == 200)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"\xff\xfe", FORM, 400),
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"", FORM, 400),
        (b"a=1", FORM, 400),
        (b"payload={", FORM, 400),
        (b'{"type": "event_callback"}', JSON, 400),
        (signing.command(), "text/plain", 415),
        (signing.command(), "", 415),
    ],
)
async def test_what_is_signed_and_not_understood_need_not_come_again(
    stage: Scene, body: bytes, content_type: str, status: int
) -> None:
    heard = await stage.send(body, signed(body, time.time(), content_type=content_type))
    assert (heard.status, heard.headers["x-slack-no-retry"], stage.ran) == (status, "1", [])
    assert stage.hot.keys == set()


async def test_a_packed_body_is_not_unpacked(stage: Scene) -> None:
    body = signing.command()
    heard = await stage.send(body, [*signed(body, time.time()), ("Content-Encoding", "gzip")])
    assert (heard.status, stage.ran) == (415, [])


# --- size, time and number --------------------------------------------------------------------------------------------


async def test_a_large_body_is_refused_by_what_it_says_and_by_what_it_is(stage: Scene) -> None:
    large = b"x" * (1024 * 1024 + 1)
    assert (await stage.send(b"x", [*signed(b"x", time.time()), ("Content-Length", str(10**9))])).status == 413
    async with wire(stage.port) as connection:
        await connection.send(
            signing.request(b"", [*signed(large, time.time()), ("Transfer-Encoding", "chunked")])
            + b"100001\r\n"
            + large
            + b"\r\n"  # and no end: the answer comes before it
        )
        assert (await connection.answer()).status == 413
    assert stage.ran == []


async def test_a_body_of_just_that_size_is_read(stage: Scene) -> None:
    body = signing.command() + b"&blank="
    body += b"x" * (1024 * 1024 - len(body))
    assert (await stage.send(body)).status == 200


async def test_a_body_in_chunks_is_signed_like_any_other(stage: Scene) -> None:
    body = signing.command()
    async with wire(stage.port) as connection:
        await connection.send(
            signing.request(b"", [*signed(body, time.time()), ("Transfer-Encoding", "chunked")])
            + b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
        )
        assert (await connection.answer()).status == 200
    assert len(stage.ran) == 1


async def test_whoever_sends_slowly_is_not_waited_for() -> None:
    """A body that does not end, a head that does not end, and a connection that says nothing."""
    async with scene(bounds=Bounds(body_s=0.2, headers_s=0.5)) as stage:
        body = signing.command()
        async with wire(stage.port) as slow:
            await slow.send(signing.request(body, signed(body, time.time()))[:-5])
            assert (await slow.answer()).status == 408
        for beginning in (b"", b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-A:"):
            async with wire(stage.port) as silent:
                await silent.send(beginning)
                assert await silent.ended(within_s=60)
        assert (stage.ran, stage.journal.above(logging.INFO)) == ([], [])


async def test_there_is_room_for_so_many_at_once_and_no_more() -> None:
    bounds = Bounds(reading=1, working=1, room_s=0.1, body_s=60, connections=4)
    async with scene(bounds=bounds) as stage:
        body = signing.command()
        async with wire(stage.port) as slow:
            await slow.send(signing.request(body, signed(body, time.time()))[:-5])
            await turns()
            assert (await stage.send(body)).status == 429
            assert (await stage.send(b"", [])).status == 401  # whoever signs nothing is refused without any room
            await slow.send(body[-5:])
            assert (await slow.answer()).status == 200
        connections = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(4)]
        async with wire(stage.port) as fifth:
            assert await fifth.ended(within_s=60)
        for _, writer in connections:
            writer.close()
        await turns()
        assert (await stage.send(signing.command(trigger="2.2.b"))).status == 200


async def test_what_is_no_http_is_refused_without_a_line_in_the_log(stage: Scene) -> None:
    junk = [b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"POST /slack/events HTTP/9.9\r\n\r\n"]
    junk += [b"POST /slack/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\n" + b"A" * 9000]
    for data in junk:
        async with wire(stage.port) as connection:
            await connection.send(data + b"\r\n\r\n")
            assert (await connection.answer()).status == 400
    assert (stage.ran, stage.journal.above(logging.INFO)) == ([], [])


async def test_who_hangs_up_in_the_middle_leaves_nothing_behind(stage: Scene) -> None:
    body = signing.command()
    async with wire(stage.port) as connection:
        await connection.send(signing.request(body, signed(body, time.time()))[:-5])
    await turns()
    assert (stage.ran, stage.journal.above(logging.INFO)) == ([], [])


# --- checks of the address --------------------------------------------------------------------------------------------


async def test_the_challenge_is_answered_only_to_the_platform(stage: Scene) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZ<b>"}).encode()
    heard = await stage.send(body, signed(body, time.time(), content_type=JSON))
    assert (heard.status, heard.body) == (200, b"3eZ<b>")
    assert heard.headers["content-type"].startswith("text/plain")
    assert heard.headers["x-content-type-options"] == "nosniff"
    assert (await stage.send(body, signed(body, time.time(), content_type=JSON, secret="f" * 32))).status == 401


async def test_a_look_at_the_certificate_is_answered_and_nothing_runs(stage: Scene) -> None:
    for body, headers in (
        (b"ssl_check=1&token=x", [("Content-Type", FORM)]),
        (b"ssl_check=1&token=x", signed(b"ssl_check=1&token=x", time.time())),
    ):
        assert (await stage.send(body, headers)).status == 200
    hidden = signing.command() + b"&ssl_check=1"
    assert (await stage.send(hidden, [("Content-Type", FORM)])).status == 401
    assert (await stage.send(hidden)).status == 200
    assert stage.ran == []


async def test_a_payload_of_the_future_and_a_warning_are_acknowledged(stage: Scene) -> None:
    assert (await stage.send(signing.interaction({"type": "of_the_future"}))).status == 200
    assert (await stage.event({"type": "app_rate_limited", "team_id": "T1"})).status == 200
    assert [line["event"] for line in map(json.loads, stage.journal.above(logging.INFO))] == [
        "unhandled",
        "app_rate_limited",
    ]
    assert stage.ran == []


# --- the same request again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [1, 299, 301, 590])
async def test_t34_the_same_bytes_run_once_however_late_they_come_again(store: PostgresStore, later: int) -> None:
    """A timestamp of the future is good for almost ten minutes, and for as long the request is remembered."""
    async with scene(once=lambda hot: Once(hot, store)) as stage:
        body = signing.command()
        headers = signed(body, stage.clock.now().timestamp() + 299)
        assert (await stage.send(body, headers)).status == 200
        stage.clock.shift(later)
        again = await stage.send(body, headers)
        assert (again.status, again.body, len(stage.ran)) == (200, b"", 1)
        assert stage.meter.seen["command", "repeat"] == 1
        stage.clock.shift(600 - later)
        assert (await stage.send(body, headers)).status == 401


async def test_of_many_equal_requests_at_once_one_runs(store: PostgresStore) -> None:
    async with scene(once=lambda hot: Once(hot, store)) as stage:
        stage.hot.keys = None
        body = signing.interaction(signing.press())
        headers = signed(body, time.time())
        heard = await asyncio.gather(*(stage.send(body, headers) for _ in range(20)))
        assert {one.status for one in heard} == {200}
        assert len(stage.ran) == 1


async def test_without_the_hot_state_the_database_alone_recognises_it(store: PostgresStore) -> None:
    async with scene(once=lambda hot: Once(hot, store)) as stage:
        stage.hot.keys = None
        body = signing.command()
        headers = signed(body, time.time())
        assert [(await stage.send(body, headers)).status for _ in range(3)] == [200, 200, 200]
        assert len(stage.ran) == 1


async def test_t25_a_hot_state_that_forgot_does_not_let_it_run_again(store: PostgresStore) -> None:
    async with scene(once=lambda hot: Once(hot, store)) as stage:
        body = signing.command()
        headers = signed(body, time.time())
        await stage.send(body, headers)
        stage.hot.keys = set()
        await stage.send(body, headers)
        assert len(stage.ran) == 1


async def test_with_neither_of_them_nothing_that_changes_something_runs(store: PostgresStore) -> None:
    """Reads do, for a repeated look does no harm."""
    reads = {"status"}
    async with scene(once=lambda hot: Once(hot, store), certain=lambda body: body.get("text") not in reads) as stage:
        stage.hot.keys = None
        await store.close()
        heard = await stage.send(signing.command("share status"))
        assert (heard.status, stage.ran) == (503, [])
        assert "x-slack-no-retry" not in heard.headers
        assert stage.meter.seen == {("command", "not_accepted"): 1}
        assert (await stage.event(signing.event())).status == 503
        assert (await stage.send(signing.command("status"))).status == 200
        assert [body["text"] for body in stage.ran] == ["status"]


@asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run a Redis that keeps nothing, and yield its address and its process."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    host, port = own_host(), own_port()
    words = ("--bind", host, "--port", str(port), "--save", "", "--appendonly", "no")
    process = await asyncio.create_subprocess_exec(program, *words, cwd=folder, stdout=asyncio.subprocess.DEVNULL)

    async def answers() -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return True
        return False

    try:
        await until(answers, bool)
        yield f"redis://{host}:{port}/0", process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_t25_redis_and_then_the_database_may_go_and_nothing_runs_twice(tmp_path: Path) -> None:
    """Both there, Redis killed, the database stopped too, and the database back."""
    async with (
        redis_server(tmp_path) as (url, process),
        database(tmp_path / "postgres") as postgres,
        open_hot_state(url, WallClock(), Unmetered()) as hot,
        await PostgresStore.open(postgres.url) as store,
        scene(once=lambda _: Once(hot, store)) as stage,
    ):
        body, now = signing.interaction(signing.press()), time.time()  # each signature has a second of its own
        headers = signed(body, now)
        assert [(await stage.send(body, headers)).status for _ in range(2)] == [200, 200]
        assert len(stage.ran) == 1
        process.kill()
        await process.wait()
        other = signed(body, now - 1)
        assert [(await stage.send(body, how)).status for how in (headers, other, other)] == [200, 200, 200]
        assert len(stage.ran) == 2
        await postgres.stop()
        newest = signed(body, now - 2)
        assert (await stage.send(body, newest)).status == 503
        assert len(stage.ran) == 2
        await postgres.start()
        tries = itertools.count(3)

        async def taken() -> tuple[int, signing.Headers]:
            """Send it as the platform does again: signed anew."""
            anew = signed(body, now - next(tries))
            return (await stage.send(body, anew)).status, anew

        _, last = await until(taken, lambda tried: tried[0] == 200)
        assert [(await stage.send(body, last)).status, len(stage.ran)] == [200, 3]


async def test_a_hot_state_that_hangs_is_not_waited_for() -> None:
    """What needs to be certain does not ask it at all; a mere look goes on without knowing."""
    for certain in (True, False):
        async with scene(certain=lambda _, certain=certain: certain) as stage:
            stage.hot.hangs = True
            async with asyncio.timeout(30):  # it hangs for sixty
                assert (await stage.send(signing.command())).status == 200
            assert len(stage.ran) == 1


# --- what goes wrong behind it ----------------------------------------------------------------------------------------


async def test_a_bug_before_the_acknowledgement_is_told_as_one(stage: Scene) -> None:
    """The person hears that it failed, which is true; an event comes again."""
    heard = await stage.send(signing.command("break"))
    assert (heard.status, heard.body) == (500, b"")
    assert "x-slack-no-retry" not in heard.headers


@pytest.mark.parametrize(("answered", "status"), [(503, 503), (500, 500), (502, 500), (302, 500), (404, 404)])
async def test_of_the_apps_answers_only_some_are_passed_on(stage: Scene, answered: int, status: int) -> None:
    """Never a redirect, and of the faults only that it could not be recorded."""
    heard = await stage.send(signing.command(f"status={answered}"))
    assert (heard.status, heard.body) == (status, b"")
    assert "location" not in heard.headers


async def test_an_app_with_another_secret_stays_shut() -> None:
    """Bolt's own check is the second lock."""
    async with scene(app_secret="f" * 32) as stage:
        assert (await stage.send(signing.command())).status == 401
        assert stage.ran == []
        assert [line["event"] for line in map(json.loads, stage.journal.above(logging.WARNING))] == ["second_lock"]


async def test_a_door_without_a_secret_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="anybody could sign"):
        Door(
            app_that_counts([]),
            "",
            once=Once(Table(), _Store(Table())),  # type: ignore[arg-type]  # the parts it uses
            clock=ShiftedClock(),
            meter=Counting(),
            references=References(random.Random(5)),
        )


async def test_what_has_begun_is_finished_when_the_door_closes() -> None:
    async with scene() as stage:
        pending = asyncio.create_task(stage.send(signing.command("wait 0.3")))
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        await until(lambda: asyncio.sleep(0, len(stage.ran)), bool, every_s=0.01)
    assert (await pending).status == 200
    assert await Wire(reader, writer).ended(within_s=60)
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await stage.send(signing.command())


# --- the stand-in for the platform ------------------------------------------------------------------------------------


async def test_the_platform_gets_through_and_a_replay_does_not() -> None:
    """Challenge, certificate, a command, a mention, and the same bytes again."""
    async with SlackServer(demo_workspace()) as slack, SlackControl(slack.control_url) as control, scene() as stage:
        await control.use_http(f"http://127.0.0.1:{stage.port}/slack/events", SECRET)
        assert (await control.check_tls())["acked"]
        assert (await control.say("/rag status")).acked
        assert (await control.say("@rag status")).acked
        assert (await control.replay())["acked"]
        await control.settle()
        kinds = [body.get("command") or body["event"]["type"] for body in stage.ran]
        assert kinds == ["/rag", "app_mention"]
        assert stage.meter.seen["event", "repeat"] == 1
