"""Image blocks that name uploaded files: the platform shows what is there, complete, and a picture."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.control import SlackControl
from sandbox.slack.world import Workspace
from tests.support.charts import a_day, png

PICTURE = png(a_day())


def block(file_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": "errors of a day", **more}


async def uploaded(client: AsyncWebClient, content: bytes = PICTURE) -> str:
    answer = await client.files_upload_v2(filename="picture.png", title="A day", content=content)
    return str(answer["file"]["id"])


async def post(client: AsyncWebClient, world: Workspace, *blocks: dict[str, Any]) -> None:
    await client.chat_postMessage(channel=world.channels["ops"].id, text="t", blocks=list(blocks))


async def refused(client: AsyncWebClient, world: Workspace, *blocks: dict[str, Any]) -> str:
    with pytest.raises(SlackApiError) as caught:
        await post(client, world, *blocks)
    return f"{caught.value.response['error']}: {caught.value.response['response_metadata']['messages'][0]}"


async def test_a_file_without_a_channel_is_shown_by_a_message(
    client: AsyncWebClient, world: Workspace, control: SlackControl
) -> None:
    """People see its words; its bytes can be looked at by its id."""
    file_id = await uploaded(client)
    assert await control.read(channel="ops", user="ann") == []
    await post(client, world, block(file_id, title={"type": "plain_text", "text": "The last day"}))
    (message,) = await control.read(channel="ops", user="ann")
    assert message.text == "The last day\n[picture: errors of a day]"
    assert await control.file(message.raw["blocks"][0]["slack_file"]["id"]) == PICTURE


async def test_files_that_cannot_be_shown_are_refused(client: AsyncWebClient, world: Workspace) -> None:
    """None of that id, one that is no picture, and one whose upload was not completed."""
    ticket = await client.files_getUploadURLExternal(filename="picture.png", length=len(PICTURE))
    for file_id in ("F00000000000", await uploaded(client, b"text"), str(ticket["file_id"])):
        said = await refused(client, world, block(file_id))
        assert said == "invalid_blocks: [ERROR] invalid slack file [json-pointer:/blocks/0/slack_file]"


async def test_a_picture_can_be_shown_after_a_while(client: AsyncWebClient, world: Workspace) -> None:
    """As long as the platform looks at it, blocks that name it are refused."""
    now = world.clock()
    world.picture_delay_s = 2.0
    file_id = await uploaded(client)
    assert (await refused(client, world, block(file_id))).startswith("invalid_blocks")
    world.clock = lambda: now + 2
    await post(client, world, block(file_id))


@pytest.mark.parametrize("file", [{}, {"id": "F1", "url": "u"}, {"name": "x"}, "F1", {"id": ""}])
async def test_a_file_is_named_by_its_id_or_its_address(client: AsyncWebClient, world: Workspace, file: object) -> None:
    """By exactly one of them."""
    assert (await refused(client, world, {**block("F1"), "slack_file": file})).startswith("invalid_blocks")
