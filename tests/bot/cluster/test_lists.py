"""Paged lists and lines of streams."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cluster.http import KubernetesHttp
from bot.cluster.lines import read_lines
from bot.cluster.lists import read_all
from bot.cluster.resources import RESOURCES
from bot.domain.snapshot import Part
from bot.domain.targets import Namespace
from bot.errors import ClusterExpired, ClusterFault
from tests.support.fake_api import FakeApi, page, pod, status, text
from tests.support.waiting import turns_watched

PODS = "/api/v1/namespaces/shop/pods"
RESOURCE = RESOURCES[Part.PODS]
SHOP = Namespace("shop")


async def test_all_pages_are_read(api: FakeApi, http: KubernetesHttp) -> None:
    """The continue token leads from page to page; the version is the last one's."""
    api.on(PODS, page(pod("a"), more="t1"), page(pod("b"), more="t2"), page(pod("c"), version="12"))
    listed = await read_all(http, RESOURCE, SHOP, timeout_s=5)
    assert list(listed.items) == ["a", "b", "c"]
    assert listed.resource_version == "12"
    assert [query.get("continue") for _, query in api.asked] == [None, "t1", "t2"]
    assert {query["limit"] for _, query in api.asked} == {"250"}


async def test_a_token_that_grew_old_starts_the_list_over(api: FakeApi, http: KubernetesHttp) -> None:
    """No page of the broken attempt is kept: it could hold what is gone."""
    api.on(PODS, page(pod("gone"), more="t1"), status(410, "too old"), page(pod("a")))
    assert list((await read_all(http, RESOURCE, SHOP, timeout_s=5)).items) == ["a"]


async def test_a_list_that_is_always_too_old_ends(api: FakeApi, http: KubernetesHttp) -> None:
    """It is not tried for ever."""
    api.on(PODS, status(410, "too old"))
    with pytest.raises(ClusterExpired):
        await read_all(http, RESOURCE, SHOP, timeout_s=5)
    assert api.times(PODS) == 3


@pytest.mark.parametrize(
    "body",
    ["", "nonsense", "{}", '{"kind":"Status","code":403}', '{"metadata":{}}', '{"metadata":{},"items":[{}]}', "[]"],
)
async def test_what_is_no_list_is_never_an_empty_one(api: FakeApi, http: KubernetesHttp, body: str) -> None:
    """A body without items is a fault: it must not read as "no pods, all fine"."""
    api.on(PODS, text(body))
    with pytest.raises(ClusterFault, match="cannot be read"):
        await read_all(http, RESOURCE, SHOP, timeout_s=5)


async def test_null_items_are_an_empty_list(api: FakeApi, http: KubernetesHttp) -> None:
    """Some servers write null for none."""
    api.on(PODS, text('{"metadata":{"resourceVersion":"3"},"items":null}'))
    assert (await read_all(http, RESOURCE, SHOP, timeout_s=5)).items == {}


async def test_a_big_list_leaves_the_event_loop_free(api: FakeApi, http: KubernetesHttp) -> None:
    """2,500 pods in pages: other work goes on in between."""
    pods = [pod(f"pod-{number:04}") for number in range(2500)]
    pages = [
        page(*pods[at : at + 250], more="" if at + 250 >= len(pods) else str(at + 250)) for at in range(0, 2500, 250)
    ]
    api.on(PODS, *pages)
    async with turns_watched() as watched:
        listed = await read_all(http, RESOURCE, SHOP, timeout_s=60)
    assert len(listed.items) == 2500
    assert watched.longest_s < 0.5


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.data())
async def test_lines_do_not_depend_on_chunks(lines: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, the lines are the same; an unfinished last one is dropped."""
    whole = b"".join(line + b"\n" for line in lines) + b"unfinished"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    stream = aiohttp.StreamReader(_Protocol(), 2**16)
    for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
        if start < end:
            stream.feed_data(whole[start:end])
    stream.feed_eof()
    assert [line async for line in read_lines(stream)] == [line for line in lines if line]


async def test_a_line_without_end_is_an_error() -> None:
    """A stream that never ends its line does not fill the memory."""
    stream = aiohttp.StreamReader(_Protocol(), 2**16)
    stream.feed_data(b"x" * 200)
    stream.feed_eof()
    with pytest.raises(aiohttp.ClientPayloadError):
        [line async for line in read_lines(stream, longest=100)]


class _Protocol(aiohttp.base_protocol.BaseProtocol):
    """What a stream reader asks of its connection: nothing, here."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop())
