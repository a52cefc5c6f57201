from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.findings import Severity
from bot.domain.watch.probes import Health, Probed, ProbeKind
from tests.bot.probes.worlds import ask, codes, stages, target

GREEN = {"status": "green", "optimizer_status": "ok", "points_count": 1000, "indexed_vectors_count": 900}


@asynccontextmanager
async def qdrant(
    collections: Mapping[str, Any],
    *,
    key: str = "",
    statuses: Mapping[str, int] | None = None,
    texts: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve what Qdrant serves; its address and the paths that were asked for are yielded."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        status = (statuses or {}).get(request.path, 200)
        if request.path in (texts or {}) or status != 200:
            return web.Response(status=status, text=(texts or {}).get(request.path, "no"))
        if request.path in ("/healthz", "/readyz"):
            return web.Response(text="healthz check passed")
        if key and request.headers.get("api-key") != key:
            return web.Response(status=401, text="Must provide an API key or an Authorization bearer token")
        if request.path == "/collections":
            return web.json_response({"result": {"collections": [{"name": name} for name in collections]}})
        name = request.path.removeprefix("/collections/")
        return web.json_response({"result": collections[name], "status": "ok", "time": 0.1})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def looked(collections: Mapping[str, Any], secret: str = "", **how: Any) -> Probed:
    async with qdrant(collections, **how) as (address, _):
        it = target(ProbeKind.QDRANT, address, secret_env="KEY" if secret else "")
        return await ask(it, {"KEY": secret})


async def test_a_healthy_one_tells_of_its_collections() -> None:
    """How many points, and how many of them are indexed."""
    probed = await looked({"docs": GREEN, "images": GREEN | {"points_count": 0, "indexed_vectors_count": 0}})
    assert (probed.health, codes(probed)) == (Health.OK, [])
    assert [name for name, ok in stages(probed) if ok] == ["DNS", "TCP", "HTTP", "query"]
    facts, figures = dict(probed.facts), dict(probed.figures)
    assert facts["Collection docs"] == "green, 1000 points, 90 % indexed"
    assert facts["Collection images"] == "green, 0 points"
    assert figures["collections"] == 2
    assert figures["indexed_percent:docs"] == 90


@pytest.mark.parametrize(
    ("change", "code", "severity", "health"),
    [
        ({"status": "red"}, "QDRANT_RED", Severity.CRITICAL, Health.DEGRADED),
        ({"status": "grey"}, "QDRANT_GREY", Severity.WARNING, Health.DEGRADED),
        ({"status": "yellow"}, "", None, Health.OK),
        ({"optimizer_status": {"error": "no space"}}, "QDRANT_OPTIMIZER_FAILED", Severity.CRITICAL, Health.DEGRADED),
        ({"points_count": 90_000}, "QDRANT_UNINDEXED", Severity.INFO, Health.OK),
        ({"points_count": None}, "", None, Health.OK),
    ],
)
async def test_the_state_of_a_collection_is_judged(
    change: dict[str, Any], code: str, severity: Severity | None, health: Health
) -> None:
    """Red and a failed optimizer need somebody; yellow is work in progress."""
    probed = await looked({"docs": GREEN | change, "other": GREEN})
    assert (probed.health, codes(probed)) == (health, [code] if code else [])
    assert all(trouble.severity is severity for trouble in probed.troubles)
    assert all("docs" in trouble.words for trouble in probed.troubles)


async def test_a_key_is_sent_and_its_want_is_said() -> None:
    """It is alive all the same."""
    assert (await looked({"docs": GREEN}, "planted-key", key="planted-key")).health is Health.OK
    probed = await looked({"docs": GREEN}, key="planted-key")
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["QDRANT_NEEDS_KEY"])
    probed = await looked({"docs": GREEN}, "planted-wrong", key="planted-key")
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["QDRANT_KEY_REFUSED"])
    assert "planted" not in repr(probed)


async def test_one_that_is_alive_but_not_ready_is_degraded() -> None:
    """It loads its shards after a start."""
    probed = await looked({}, statuses={"/readyz": 503}, texts={"/readyz": "some shards are not ready"})
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["QDRANT_NOT_READY"])
    assert "some shards are not ready" in probed.troubles[0].words


async def test_one_that_is_not_well_is_failed() -> None:
    """Nothing more is asked then."""
    probed = await looked({}, statuses={"/healthz": 500})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["QDRANT_NOT_HEALTHY"])


async def test_old_versions_without_these_pages_are_looked_at_all_the_same() -> None:
    """Their collections tell enough."""
    probed = await looked({"docs": GREEN}, statuses={"/healthz": 404, "/readyz": 404})
    assert (probed.health, codes(probed)) == (Health.OK, [])


async def test_a_collection_that_does_not_say_is_said() -> None:
    """The others are told."""
    probed = await looked({"docs": GREEN, "lost": GREEN}, statuses={"/collections/lost": 500})
    assert (probed.health, codes(probed)) == (Health.DEGRADED, ["QDRANT_COLLECTION_NOT_SEEN"])
    assert "Collection docs" in dict(probed.facts)


async def test_no_more_than_twenty_collections_are_asked_for() -> None:
    """A store of thousands is not walked through every minute."""
    async with qdrant({f"c{number:03}": GREEN for number in range(60)}) as (address, asked):
        probed = await ask(target(ProbeKind.QDRANT, address))
    assert probed.health is Health.OK
    assert sum(path.startswith("/collections/") for path in asked) == 20
    assert dict(probed.facts)["Collections"] == "20 of 60 were looked at"


async def test_a_name_of_a_collection_stays_one_part_of_the_path() -> None:
    """It comes from the target, and leads nowhere else."""
    async with qdrant({"../../admin?x=1#y": GREEN}) as (address, asked):
        await ask(target(ProbeKind.QDRANT, address))
    assert asked[-1].startswith("/collections/..%2F..%2Fadmin%3Fx%3D1%23y")


async def test_it_may_live_below_a_path() -> None:
    """Behind an ingress it often does; whatever letters the path has."""
    async with qdrant({}) as (address, asked):
        await ask(target(ProbeKind.QDRANT, f"{address}/größe/?x=1"))
    assert asked[0] == "/gr%C3%B6%C3%9Fe/healthz"


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"result": 3}', "[" * 50_000, "<html>", '{"result": {"c'])
async def test_what_is_no_qdrant_is_said(text: str) -> None:
    """A list of collections is what makes it one."""
    probed = await looked({}, texts={"/collections": text})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["NOT_QDRANT"])


async def test_a_page_for_people_is_no_health() -> None:
    """A login page answers 200 to everything."""
    probed = await looked({}, texts={"/healthz": "<!DOCTYPE html><html></html>"})
    assert (probed.health, codes(probed)) == (Health.FAILED, ["NOT_QDRANT"])


_VALUE = st.none() | st.integers() | st.text(max_size=5) | st.dictionaries(st.text(max_size=5), st.text(max_size=5))


@given(st.dictionaries(st.sampled_from(tuple(GREEN)), _VALUE))
def test_any_state_is_read_or_refused(change: dict[str, Any]) -> None:
    """What is not understood is no state; nothing raises."""
    import msgspec  # noqa: PLC0415  # for this test alone

    from bot.probes.qdrant import _CollectionAnswer  # noqa: PLC0415

    try:
        msgspec.json.decode(msgspec.json.encode({"result": GREEN | change}), type=_CollectionAnswer)
    except msgspec.ValidationError:
        return


@pytest.mark.parametrize("before", range(160, 220, 5))
async def test_what_is_cut_does_not_halve_a_key(before: int) -> None:
    """Half of it would not be known for what it is."""
    how = {"statuses": {"/readyz": 503}, "texts": {"/readyz": "x" * before + "planted-key-one"}}
    probed = await looked({"docs": GREEN}, secret="planted-key-one", **how)
    assert codes(probed) == ["QDRANT_NOT_READY"]
    assert "pla" not in repr(probed.troubles)
