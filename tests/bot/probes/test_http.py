from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind
from bot.probes.http import text_of, value_at
from tests.bot.probes.worlds import ask, codes, names_at, saying, served, silence, stages, target

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
PAGE = "<!DOCTYPE html><html><title>Sign in</title></html>"


@asynccontextmanager
async def site(answer: Answer) -> AsyncIterator[str]:
    """Serve one answer at every path; the address is yielded."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def giving(status: int = 200, text: str = "ok", **more: Any) -> Answer:
    async def give(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text, **more)

    return give


async def asked(answer: Answer, *, environ: dict[str, str] | None = None, **more: Any) -> Probed:
    async with site(answer) as address:
        return await ask(target(ProbeKind.HTTP, f"{address}/health", **more), environ)


async def test_each_stage_of_the_way_has_its_time() -> None:
    """DNS, TCP and HTTP are told apart."""
    probed = await asked(giving())
    assert probed.health is Health.OK
    assert probed.troubles == ()
    assert [name for name, ok in stages(probed) if ok] == ["DNS", "TCP", "HTTP"]
    assert all(stage.took_ms is not None and 0 <= stage.took_ms < 60_000 for stage in probed.stages)
    assert probed.took_ms is not None
    assert dict(probed.figures)["status"] == 200
    assert dict(probed.facts)["Status"] == "200"


@pytest.mark.parametrize(
    ("status", "severity"),
    [(503, Severity.CRITICAL), (500, Severity.CRITICAL), (404, Severity.WARNING), (401, Severity.WARNING)],
)
async def test_a_status_that_is_no_success_is_a_failure(status: int, severity: Severity) -> None:
    """What the server says with it is shown."""
    probed = await asked(giving(status, "database is away"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_HTTP_STATUS"])
    assert probed.troubles[0].severity is severity
    assert str(status) in probed.troubles[0].words
    assert "database is away" in probed.troubles[0].words


async def test_an_expected_status_is_a_success_whatever_it_is() -> None:
    """Some health URLs answer with what others take for an error."""
    assert (await asked(giving(418), expect_status=418)).health is Health.OK
    probed = await asked(giving(200), expect_status=204)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_HTTP_STATUS"])
    assert "expected was 204" in probed.troubles[0].words


async def test_a_redirect_is_said_and_not_followed() -> None:
    """A login page is no health URL; what stands behind the question mark may be a secret."""
    paths = []

    async def redirect(request: web.Request) -> web.Response:
        paths.append(request.path)
        raise web.HTTPFound("https://login.example.com/in?ticket=planted-ticket-1234")

    probed = await asked(redirect)
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_REDIRECTED"])
    assert "https://login.example.com/in" in probed.troubles[0].words
    assert "planted" not in repr(probed)
    assert paths == ["/health"]


async def test_an_expected_text_must_occur() -> None:
    """A page that says sorry with status 200 is found out."""
    assert (await asked(giving(text="all is well"), expect_body="well")).health is Health.OK
    probed = await asked(giving(text="sorry"), expect_body="well")
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_BODY"])
    assert "sorry" in probed.troubles[0].words


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("status", "ok"),
        ("checks.db.up", "true"),
        ("checks.db.lag", "0"),
        ("checks.cache", "null"),
        ("parts.1", "b"),
        ("dotted.key.inner", "1"),
    ],
)
async def test_values_of_a_json_answer_are_compared_by_their_text(path: str, wanted: str) -> None:
    """A dotted path leads through objects and lists."""
    document = {
        "status": "ok",
        "checks": {"db": {"up": True, "lag": 0}, "cache": None},
        "parts": ["a", "b"],
        "dotted.key": {"inner": 1},
    }
    assert (await asked(giving(text=json.dumps(document)), expect_json=((path, wanted),))).health is Health.OK
    probed = await asked(giving(text=json.dumps(document)), expect_json=((path, "something else"),))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_JSON"])
    assert path in probed.troubles[0].words


@pytest.mark.parametrize(
    "body", ["", "ok", "{", "[" * 60_000, "9" * 50_000, '{"status": "no"}', "[]", "null", '"status"', '{"a": [1]}']
)
async def test_a_body_that_is_not_as_expected_is_said_whatever_it_is(body: str) -> None:
    """No JSON, too deep, too long a number, another shape."""
    probed = await asked(giving(text=body), expect_json=(("status", "ok"),))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_JSON"])


@pytest.mark.parametrize("content_type", ["text/html", "text/plain"])
async def test_a_page_where_json_is_expected_is_said(content_type: str) -> None:
    """A login page with status 200 is the usual way to look healthy."""
    probed = await asked(giving(text=PAGE, content_type=content_type), expect_json=(("status", "ok"),))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_HTML"])


async def test_a_compressed_answer_is_not_unpacked() -> None:
    """A few bytes could become any number of them."""
    probed = await asked(giving(headers={"Content-Encoding": "gzip"}), expect_body="ok")
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_BODY"])


async def test_a_slow_answer_is_slow_and_not_failed() -> None:
    """People wait, but are served."""

    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response(text="ok")

    probed = await asked(slow, slow_s=0.1)
    assert (probed.health, codes(probed)) == (Health.SLOW, ["PROBE_SLOW"])
    assert probed.took_ms is not None
    assert probed.took_ms >= 300


async def test_a_body_without_end_is_cut_off() -> None:
    """A hundred megabytes cost 64 KiB."""
    sent = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1600):
            await response.write(b"x" * 65536)
            sent += 65536
        return response

    probed = await asked(flood)
    assert probed.health is Health.OK
    assert dict(probed.figures)["body_bytes"] == 64 * 1024
    assert sent < 50_000_000


@pytest.mark.parametrize(
    "headers", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], ids=["nothing", "half"]
)
async def test_a_server_that_hangs_costs_the_targets_own_time(headers: bytes) -> None:
    """The stage at which it hangs is named."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(headers)
        await silence(reader, writer)

    async with served(hang) as port:
        probed = await ask(target(ProbeKind.HTTP, f"http://127.0.0.1:{port}/", timeout_s=1.0))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])
    assert "HTTP" in probed.troubles[0].words
    assert stages(probed) == [("TCP", True), ("HTTP", False)]
    assert probed.took_ms is not None
    assert probed.took_ms < 30_000  # the server is silent for twice as long


async def test_a_server_that_trickles_is_bounded_too() -> None:
    """Each byte comes in time, the whole does not."""

    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async with served(trickle) as port:
        probed = await ask(target(ProbeKind.HTTP, f"http://127.0.0.1:{port}/", timeout_s=0.3))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_TIMEOUT"])


@pytest.mark.parametrize("words", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\xff" * 500, b"HTTP/1.1 200 OK\r\nX" * 9000])
async def test_what_does_not_speak_http_is_said(words: bytes) -> None:
    """Nothing, another protocol, noise, headers without end."""
    async with served(saying(words, after=b"\r\n\r\n")) as port:
        probed = await ask(target(ProbeKind.HTTP, f"http://127.0.0.1:{port}/"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_NOT_HTTP"])


async def test_a_port_that_nobody_listens_at_is_said() -> None:
    """Refused is not the same as silent."""
    async with served(silence) as port:
        pass
    probed = await ask(target(ProbeKind.HTTP, f"http://127.0.0.1:{port}/"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_CONNECT"])
    assert "refused" in probed.troubles[0].words


async def test_addresses_of_ipv6_are_asked_too() -> None:
    """In a URL they stand in brackets."""
    heard = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    try:
        async with served(answer, host="::1") as port:
            for resolve, host in ((None, "[::1]"), (names_at("::1"), "six.example.com")):
                probed = await ask(target(ProbeKind.HTTP, f"http://{host}:{port}/"), resolve=resolve)
                assert (probed.health, codes(probed)) == (Health.OK, [])
                assert f"host: {host}:{port}\r\n".encode() in heard[-1].lower()
    except OSError:
        pytest.skip("this machine has no IPv6")


async def test_a_name_that_is_not_known_is_said() -> None:
    """The name is looked up apart from everything else."""
    probed = await ask(target(ProbeKind.HTTP, "http://nobody.invalid/"))
    assert (probed.health, codes(probed)) == (Health.FAILED, ["PROBE_DNS"])
    assert stages(probed) == [("DNS", False)]


@pytest.mark.parametrize("host", ["a" * 70 + ".example.com", "a..b", "\u2603" * 80 + ".example.com"])
async def test_names_that_are_none_are_said(host: str) -> None:
    """Too long for DNS, an empty label."""
    probed = await ask(target(ProbeKind.HTTP, f"http://{host}/"))
    assert codes(probed) in (["PROBE_DNS"], ["PROBE_MISCONFIGURED"])


@pytest.mark.parametrize(
    "address",
    ["", "rag.example.com", "ftp://rag.example.com/", "http://", "http://u:planted-pw@x/", "http://x:99999999/"],
)
async def test_an_address_that_is_none_is_a_fault_of_the_configuration(address: str) -> None:
    """Nothing is known of the target then."""
    probed = await ask(target(ProbeKind.HTTP, address))
    assert (probed.health, codes(probed)) == (Health.UNKNOWN, ["PROBE_MISCONFIGURED"])
    assert "planted" not in repr(probed.troubles)


async def test_a_token_is_sent_and_never_repeated(caplog: pytest.LogCaptureFixture) -> None:
    """A server that repeats what it was sent gives nothing away."""
    caplog.set_level("DEBUG")
    sent = []

    async def repeat(request: web.Request) -> web.Response:
        sent.append(request.headers["Authorization"])
        return web.Response(status=500, text=f"who is {sent[-1]}?")

    probed = await asked(repeat, environ={"TOKEN": "planted-token-one"}, secret_env="TOKEN")
    assert sent == ["Bearer planted-token-one"]
    assert codes(probed) == ["PROBE_HTTP_STATUS"]
    assert "planted-token-one" not in repr(probed) + caplog.text


@pytest.mark.parametrize("before", range(40, 140, 5))
async def test_what_is_cut_does_not_halve_a_token(before: int) -> None:
    """Half of it would not be known for what it is."""

    async def redirect(request: web.Request) -> web.Response:
        place = f"https://a/{'x' * before}{request.headers['Authorization'].removeprefix('Bearer ')}"
        raise web.HTTPFound(place)

    async def tell(request: web.Request) -> web.Response:
        return web.json_response({"status": "x" * before + request.headers["Authorization"].removeprefix("Bearer ")})

    for answer in (redirect, tell):
        told = await asked(
            answer, environ={"TOKEN": "planted-token-one"}, secret_env="TOKEN", expect_json=(("status", "ok"),)
        )
        assert "xxx" in told.troubles[0].words
        assert "pla" not in repr(told.troubles)


async def test_a_variable_that_is_not_set_is_said() -> None:
    """It was asked all the same, and the rest of the environment is not read."""
    probed = await asked(giving(), environ={"OTHER": "x"}, secret_env="TOKEN")
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["PROBE_CREDENTIAL_MISSING"])


async def test_words_of_a_target_are_bounded_and_hold_no_controls() -> None:
    """A stack trace of a megabyte becomes a line."""
    probed = await asked(giving(500, "\x1b[31m\u202eevil\n" + "password=hunter22hunter22 " * 40_000))
    words = probed.troubles[0].words
    assert len(words) <= 240
    assert "\n" not in words
    assert "\x1b" not in words
    assert "hunter22" not in words


async def test_being_cancelled_is_the_one_thing_that_is_raised() -> None:
    """Whoever stops the bot does not wait for targets."""
    async with served(silence) as port:
        work = asyncio.create_task(ask(target(ProbeKind.HTTP, f"http://127.0.0.1:{port}/")))
        await asyncio.sleep(0.05)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(_JSON, st.text(alphabet="a.01", max_size=12))
def test_any_path_through_any_document_is_followed_without_raising(document: Any, path: str) -> None:
    """A path that leads nowhere is an answer."""
    value = value_at(document, path)
    assert type(value) is object or isinstance(text_of(value), str)
