"""The door for Alertmanager, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import logging
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from bot.alertmanager import PATH, alertmanager_server
from bot.alertmanager.payload import LARGEST
from bot.alertmanager.server import BOUNDS
from bot.domain.watch.received import ReceivedAlert
from bot.environment import Listen, Secret
from bot.errors import SettingsError, StoreUnavailable
from bot.health.vocabularies import WEBHOOK_RESULTS
from bot.listening import Bounds
from bot.ports import Meter
from bot.references import References
from tests.bot.health.scrapes import make_meter, value
from tests.support.waiting import turns_watched, until
from tests.support.webhooks import alert, body

LOOPBACK = Listen("127.0.0.1", 0)
TOKEN = "a-token-of-the-test"
LET_IN = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
QUICK = replace(BOUNDS, room_s=0.1, headers_s=0.3, body_s=0.3)
PATIENT = replace(BOUNDS, room_s=60.0, headers_s=60.0, body_s=60.0)


@dataclass(slots=True)
class Taken:
    """What was put on record; `failure` is raised instead, and `gate` holds everything up."""

    alerts: list[ReceivedAlert] = field(default_factory=list)
    failure: BaseException | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0

    async def take(self, alerts: Sequence[ReceivedAlert]) -> None:
        self.begun += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.alerts += alerts


@dataclass(slots=True)
class Served:
    """A running server and a client of it."""

    client: aiohttp.ClientSession
    taken: Taken
    listen: Listen

    async def post(self, sent: bytes, path: str = PATH, **headers: str) -> tuple[int, str]:
        async with self.send(sent, path=path, headers=headers) as response:
            return response.status, (await response.text()).strip()

    def send(
        self, sent: bytes = b"", *, method: str = "POST", path: str = PATH, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask with the token, unless other headers are named."""
        return self.client.request(
            method, f"http://{self.listen}{path}", data=sent, headers=LET_IN | dict(headers or {})
        )

    async def begun(self, number: int) -> None:
        """Wait until so many have come as far as being put on record."""
        await until(lambda: asyncio.sleep(0, self.taken.begun), lambda begun: begun >= number, every_s=0.01)

    async def raw(self, *sent: bytes, wait_s: float = 0.0) -> bytes:
        """Send bytes, piece by piece, and return everything that comes until the server ends the connection."""
        reader, writer = await asyncio.open_connection(self.listen.host, self.listen.port)
        try:
            async with asyncio.timeout(60):
                for piece in sent:
                    writer.write(piece)
                    await asyncio.sleep(wait_s)
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


def door(
    taken: Taken,
    listen: Listen = LOOPBACK,
    *,
    token: str = TOKEN,
    bounds: Bounds = BOUNDS,
    take_s: float = 60.0,
    meter: Meter | None = None,
) -> AbstractAsyncContextManager[Listen]:
    references = References(random.Random(1))
    return alertmanager_server(
        listen, Secret(token), taken.take, references=references, bounds=bounds, take_s=take_s, meter=meter
    )


@asynccontextmanager
async def serving(
    *, bounds: Bounds = BOUNDS, take_s: float = 60.0, meter: Meter | None = None
) -> AsyncIterator[Served]:
    taken = Taken()
    taken.gate.set()
    async with aiohttp.ClientSession() as client, door(taken, bounds=bounds, take_s=take_s, meter=meter) as listen:
        yield Served(client, taken, listen)


async def test_what_was_taken_is_answered_with_200() -> None:
    """One connection carries many, as Alertmanager keeps it open."""
    async with serving() as served:
        assert await served.post(body(alert("A"), alert("B"))) == (200, "Taken.")
        assert await served.post(body(alert("C", status="resolved"))) == (200, "Taken.")
        assert [each.label("alertname") for each in served.taken.alerts] == ["A", "B", "C"]


async def test_200_comes_only_after_it_is_on_record() -> None:
    async with serving() as served:
        served.taken.gate.clear()
        asked = asyncio.create_task(served.post(body(alert())))
        await served.begun(1)
        await asyncio.sleep(0.05)
        assert not asked.done()
        served.taken.gate.set()
        assert (await asked)[0] == 200


async def test_webhooks_are_counted_by_what_they_were_told() -> None:
    """Those that come again apart from those that would be of no use."""
    meter = make_meter()
    async with serving(meter=meter) as served:
        await served.post(body(alert()))
        await served.post(body(alert()), Authorization="Bearer another")
        await served.post(b"[]")
        await served.post(b"{}", **{"Content-Type": "text/plain"})
        served.taken.failure = StoreUnavailable()
        await served.post(body(alert()))
        served.taken.failure = RuntimeError("a bug")
        await served.post(body(alert()))
    results = {each: value(meter, "ragops_webhooks_total", result=each) for each in WEBHOOK_RESULTS.words}
    assert results == {"accepted": 1, "refused": 1, "malformed": 2, "unavailable": 2}


@pytest.mark.parametrize("failure", [StoreUnavailable(), RuntimeError("a bug")])
async def test_what_could_not_be_put_on_record_is_to_come_again(failure: BaseException) -> None:
    """A 5xx: with any other answer Alertmanager would think that somebody knows."""
    async with serving() as served:
        served.taken.failure = failure
        async with served.send(body(alert())) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "5"
            assert await response.text() == "Not taken; send it again.\n"


async def test_what_takes_too_long_is_to_come_again() -> None:
    async with serving(take_s=0.1) as served:
        served.taken.gate.clear()
        assert (await served.post(body(alert())))[0] == 503


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \u00e9",
    ],
)
async def test_without_the_token_nobody_is_heard(authorization: str) -> None:
    """And nothing of what they send is read: the answer is there before the body is."""
    async with serving() as served:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n"
        sent = f"{head}Authorization: {authorization}\r\n\r\n" if authorization else f"{head}\r\n"
        answer = await served.raw(sent.encode())
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert b"WWW-Authenticate: Bearer" in answer
        assert served.taken.alerts == []


async def test_the_token_twice_is_no_token() -> None:
    """Two headers could be read in two ways."""
    async with serving() as served:
        twice = f"Authorization: Bearer {TOKEN}\r\n" * 2
        answer = await served.raw(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{twice}Content-Length: 0\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 401 ")


async def test_the_word_bearer_may_be_written_in_any_case() -> None:
    async with serving() as served:
        assert (await served.post(body(alert()), Authorization=f"bearer {TOKEN}"))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("PUT", PATH, 405),
        ("POST", "/", 404),
        ("POST", f"{PATH}/", 404),
        ("GET", "/metrics", 404),
    ],
)
async def test_there_is_one_path_and_one_method(method: str, path: str, status: int) -> None:
    async with serving() as served, served.send(method=method, path=path) as response:
        assert response.status == status


async def test_what_is_not_understood_is_said_and_does_not_come_again() -> None:
    """A 4xx, with a sentence that Alertmanager puts into its log."""
    async with serving() as served:
        assert await served.post(b"{}") == (400, "This is no webhook of Alertmanager of version 4.")
        assert await served.post(body(alert(), alert(labels=1))) == (400, "The labels of Alert 2 is no object.")
        assert served.taken.alerts == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "a/b;c"])
async def test_another_type_is_refused(kind: str) -> None:
    async with serving() as served:
        assert (await served.post(body(alert()), **{"Content-Type": kind}))[0] == 415


async def test_what_is_packed_is_refused() -> None:
    """A small body could unpack to a very large one."""
    async with serving() as served:
        assert (await served.post(gzip.compress(body(alert())), **{"Content-Encoding": "gzip"}))[0] == 415


async def test_what_is_too_large_is_refused_before_it_is_read_and_while_it_is() -> None:
    async with serving() as served:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        told = await served.raw(f"{head}Content-Length: {LARGEST + 1}\r\n\r\n".encode())
        assert told.startswith(b"HTTP/1.1 413 ")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        untold = await served.raw(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), *[chunk] * 17)
        assert untold.startswith(b"HTTP/1.1 413 ") or untold == b""


async def test_a_body_that_trickles_is_ended() -> None:
    async with serving(bounds=QUICK) as served:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        answer = await served.raw(f"{head}Content-Length: 1000\r\n\r\n".encode(), *[b" "] * 5, wait_s=0.05)
        assert answer.startswith(b"HTTP/1.1 503 ")


async def test_headers_that_trickle_are_ended() -> None:
    """Many such connections hold nobody up."""
    async with serving(bounds=QUICK) as served:
        slow = [asyncio.create_task(served.raw(b"POST /alert", wait_s=0.1)) for _ in range(20)]
        assert (await served.post(body(alert())))[0] == 200
        assert await asyncio.gather(*slow) == [b""] * 20


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"GET /" + b"y" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_decent_http_is_refused(sent: bytes) -> None:
    async with serving(bounds=QUICK) as served:
        answer = await served.raw(sent)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 ", b"HTTP/1.1 404 "))
        assert (await served.post(body(alert())))[0] == 200


async def test_a_few_are_worked_on_at_once_and_others_are_told_to_come_again() -> None:
    async with serving(bounds=replace(PATIENT, room_s=0.1, working=2), take_s=60) as served:
        served.taken.gate.clear()
        first = [asyncio.create_task(served.post(body(alert()))) for _ in range(2)]
        await served.begun(2)
        async with served.send(body(alert())) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "5"
        served.taken.gate.set()
        assert [status for status, _ in await asyncio.gather(*first)] == [200, 200]


async def test_a_large_webhook_leaves_the_event_loop_free() -> None:
    """To redact a megabyte takes half a second; everybody else goes on meanwhile."""
    words = {"summary": "password=hunter2 and so on, " * 30}
    sent = body(*[alert(str(number), annotations=words) for number in range(800)])
    async with serving(bounds=PATIENT) as served, turns_watched() as watched:
        assert (await served.post(sent))[0] == 200
    assert len(served.taken.alerts) == 800
    assert watched.longest_s < 0.3


async def test_no_header_and_no_body_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as served:
        await served.post(b'{"version": "hunter2"}', Authorization=f"Bearer {TOKEN}", Cookie="hunter2")
        await served.post(b"{}", Authorization="Bearer hunter2")
        served.taken.failure = StoreUnavailable()
        await served.post(body(alert("hunter2")), Cookie="hunter2")
        served.taken.failure = RuntimeError("a bug")
        await served.post(body(alert("hunter2")))
    told = "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if record.name.startswith("bot")
    )
    assert "hunter2" not in told
    assert TOKEN not in told
    assert [getattr(record, "event", "") for record in caplog.records if record.name == "bot.alertmanager.server"] == [
        "alerts_malformed",
        "alerts_turned_away",
        "alerts_not_taken",
        "alerts_broken",
    ]


async def test_who_guesses_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as served:
        for number in range(20):
            await served.post(b"{}", Authorization=f"Bearer {number}")
    assert sum(getattr(record, "event", "") == "alerts_turned_away" for record in caplog.records) == 1


async def test_at_the_end_what_has_begun_is_finished() -> None:
    taken = Taken()
    async with aiohttp.ClientSession() as client:
        async with door(taken) as listen:
            served = Served(client, taken, listen)
            asked = asyncio.create_task(served.post(body(alert())))
            await served.begun(1)
            asyncio.get_running_loop().call_later(0.2, taken.gate.set)
        assert (await asked)[0] == 200


async def test_an_address_that_is_taken_is_a_fault_of_the_settings() -> None:
    async with serving() as served:
        with pytest.raises(SettingsError, match="RAGOPS_ALERTS_LISTEN: cannot listen at"):
            async with door(served.taken, served.listen):
                pass


async def test_without_a_token_there_is_no_door() -> None:
    """An empty one would let everybody in."""
    with pytest.raises(ValueError, match="without a token"):
        async with door(Taken(), token=""):
            pass
