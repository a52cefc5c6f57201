"""From what an app sent to a message that Slack accepts: texts, blocks, attachments and metadata checked."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.slack import limits
from sandbox.slack.blocks import check_message
from sandbox.slack.errors import SlackError
from sandbox.slack.ids import Ids
from sandbox.slack.mentions import read_message
from sandbox.slack.records import Content, Json
from sandbox.slack.shape import Problem
from sandbox.slack.world import Workspace


def compose(
    world: Workspace,
    sent: Mapping[str, Any],
    *,
    ephemeral: bool = False,
    parse: str = "none",
    longest_text: int | None = None,
) -> Content:
    """Return the content of a message; raise SlackError where Slack refuses it."""
    text, blocks, attachments = sent.get("text") or "", sent.get("blocks") or [], sent.get("attachments") or []
    if not isinstance(text, str):
        raise SlackError("invalid_arguments")
    if not (text.strip() or blocks or attachments):
        raise SlackError("no_text")
    if longest_text is not None and len(text) > longest_text:
        raise SlackError("msg_too_long")
    refuse(check_message(blocks, attachments, ephemeral=ephemeral))
    refuse(_pictures(world, blocks, "/blocks"))
    metadata = _metadata(sent.get("metadata"))
    reading = read_message(
        {**sent, "text": text, "parse": sent.get("parse", parse), "link_names": _flag(sent.get("link_names"))},
        world.names(),
    )
    filled = [
        {**item, "blocks": fill_ids(item["blocks"], world.ids)} if "blocks" in item else item for item in attachments
    ]
    return Content(
        text[: limits.POST_TEXT_TRUNCATED],
        tuple(fill_ids(blocks, world.ids)),
        tuple(copy.deepcopy(filled)),
        metadata,
        reading,
    )


def refuse(problems: Sequence[Problem]) -> None:
    """Raise the SlackError for the first of the problems, naming all of them."""
    if problems:
        messages = [str(problem) for problem in problems]
        raise SlackError(problems[0].code, errors=messages, response_metadata={"messages": messages})


def _pictures(world: Workspace, blocks: Sequence[Mapping[str, Any]], where: str) -> list[Problem]:
    """Return what is wrong with the files that image blocks name: each has to be there, complete, and a picture."""
    found = []
    for index, block in enumerate(blocks):
        named = block.get("slack_file")
        if isinstance(named, Mapping) and not _can_be_shown(world, str(named.get("id", ""))):
            found.append(Problem("invalid slack file", f"{where}/{index}/slack_file"))
    return found


def _can_be_shown(world: Workspace, file_id: str) -> bool:
    file = world.files.get(file_id)
    return file is not None and file.is_image and file.shown_from is not None and file.shown_from <= world.clock()


def fill_ids(blocks: Sequence[Mapping[str, Any]], ids: Ids) -> list[Json]:
    """Return the blocks with a block_id and, on interactive elements, an action_id where the app left them out."""
    filled: list[Json] = copy.deepcopy([dict(block) for block in blocks])
    for block in filled:
        block.setdefault("block_id", ids.block())
        for element in interactive_elements(block):
            element.setdefault("action_id", ids.block())
    return filled


def interactive_elements(block: Mapping[str, Any]) -> list[Json]:
    """Return what can be pressed, chosen, or filled in within one block."""
    kind = block.get("type")
    found: list[Any] = []
    if kind == "actions":
        found = list(block.get("elements", ()))
    elif kind == "card":
        found = list(block.get("actions", ()))
    elif kind == "carousel":
        found = [button for card in block.get("elements", ()) for button in card.get("actions", ())]
    elif kind in {"section", "input"}:
        found = [block.get("accessory") or block.get("element")]
    return [element for element in found if isinstance(element, dict) and element.get("type") != "image"]


def _flag(value: object) -> bool:
    return value in (True, "true", "1")


def _metadata(metadata: object) -> Json | None:
    """Check message metadata: a name, and flat values or collections of flat objects."""
    if metadata in (None, {}, ""):
        return None
    if not isinstance(metadata, Mapping):
        raise SlackError("invalid_metadata_format")
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(event_type, str) or not re.fullmatch(r"[A-Za-z0-9_]{1,255}", event_type):
        raise SlackError("invalid_metadata_format")
    if not isinstance(payload, Mapping) or set(metadata) != {"event_type", "event_payload"}:
        raise SlackError("invalid_metadata_format")
    if not all(_is_flat(value) or _is_collection(value) for value in payload.values()):
        raise SlackError("invalid_metadata_schema")
    if len(json.dumps(payload).encode()) > limits.METADATA_BYTES:
        raise SlackError("metadata_too_large")
    return copy.deepcopy(dict(metadata))


def _is_flat(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_collection(value: object) -> bool:
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else None
    if items is None:
        return False
    return all(_is_flat(item) or (isinstance(item, Mapping) and all(map(_is_flat, item.values()))) for item in items)
