"""A last look at a message before it is sent: raw dictionaries get no check in the platform's own library.

It knows the limits, not the renderer, and trusts nothing that the renderer promised.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bot.slack.outbound import limits
from bot.slack.outbound.escape import size
from bot.slack.outbound.planner import Message

Problems = Iterator[str]
Node = Mapping[str, Any]


def check(message: Message) -> list[str]:
    """Return what the platform would refuse, each with the place; empty when the message is fine."""
    return list(_message(message))


def _message(message: Message) -> Problems:
    yield from _length("text", message.text, limits.MESSAGE_TEXT, escaped=True)
    if len(message.blocks) > limits.MESSAGE_BLOCKS:
        yield f"{len(message.blocks)} blocks"
    if size(json.dumps(message.blocks, ensure_ascii=False, separators=(",", ":"))) > limits.ALL_BLOCKS:
        yield "blocks are too long together"
    seen: set[str] = set()
    for index, block in enumerate(message.blocks):
        where = f"block {index}"
        look = _BLOCKS.get(block.get("type", ""))
        if look is None:
            yield f"{where}: unknown type"
            continue
        yield from look(where, block)
        yield from _identifier(where, block.get("block_id"), seen)


def _header(where: str, block: Node) -> Problems:
    yield from _text(where, block.get("text"), limits.HEADER, kinds=("plain_text",))


def _section(where: str, block: Node) -> Problems:
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        yield f"{where}: neither text nor fields"
    if "text" in block:
        yield from _text(where, block["text"], limits.TEXT)
    if len(fields) > limits.SECTION_FIELDS:
        yield f"{where}: {len(fields)} fields"
    for item in fields:
        yield from _text(where, item, limits.SECTION_FIELD)


def _context(where: str, block: Node) -> Problems:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= limits.CONTEXT_ELEMENTS:
        yield f"{where}: {len(elements)} elements"
    for element in elements:
        yield from _text(where, element, limits.TEXT)


def _actions(where: str, block: Node) -> Problems:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= limits.ACTIONS_ELEMENTS:
        yield f"{where}: {len(elements)} elements"
    seen: set[str] = set()
    for element in elements:
        if element.get("type") != "button":
            yield f"{where}: not a button"
            continue
        yield from _text(where, element.get("text"), limits.BUTTON_LABEL, kinds=("plain_text",))
        yield from _identifier(where, element.get("action_id"), seen)
        yield from _length(where, element.get("value"), limits.BUTTON_VALUE)
        if element.get("style", "primary") not in {"primary", "danger"}:
            yield f"{where}: unknown style"
        if "confirm" in element:
            yield from _confirm(where, element["confirm"])


def _confirm(where: str, confirm: Node) -> Problems:
    parts = {"title": limits.CONFIRM_TITLE, "text": limits.CONFIRM_TEXT}
    for part, limit in {**parts, **dict.fromkeys(("confirm", "deny"), limits.CONFIRM_BUTTON)}.items():
        yield from _text(f"{where}, {part}", confirm.get(part), limit, kinds=("plain_text",))


def _rich_text(where: str, block: Node) -> Problems:
    elements = block.get("elements", [])
    if not elements:
        yield f"{where}: no elements"
    for element in elements:
        if element.get("type") not in {"rich_text_section", "rich_text_preformatted", "rich_text_quote"}:
            yield f"{where}: unknown element"
            continue
        leaves = element.get("elements", [])
        if not leaves:
            yield f"{where}: empty element"
        for leaf in leaves:
            if leaf.get("type") == "text":
                yield from _length(where, leaf.get("text"), limits.TEXT)
            elif leaf.get("type") not in ("user", "channel"):
                yield f"{where}: a leaf that nothing here makes"
        if sum(size(leaf.get("text", "")) for leaf in leaves) > limits.TEXT:
            yield f"{where}: section too long"


def _image(where: str, block: Node) -> Problems:
    file = block.get("slack_file")
    if not isinstance(file, Mapping) or not isinstance(file.get("id"), str) or not file["id"]:
        yield f"{where}: no file"
    yield from _length(where, block.get("alt_text"), limits.IMAGE_ALT)


def _divider(_where: str, _block: Node) -> Problems:
    yield from ()


def _text(where: str, node: object, limit: int, *, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> Problems:
    if not isinstance(node, Mapping) or node.get("type") not in kinds:
        yield f"{where}: not a text object"
        return
    yield from _length(where, node.get("text"), limit, escaped=node["type"] == "mrkdwn")


def _length(where: str, text: object, limit: int, *, escaped: bool = False) -> Problems:
    if not isinstance(text, str) or not text:
        yield f"{where}: empty text"
        return
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2 if escaped else size(text)
    if length > limit:
        yield f"{where}: {length} characters, {limit} are allowed"
    if any("\ud800" <= character <= "\udfff" for character in text):
        yield f"{where}: half of a character"


def _identifier(where: str, identifier: object, seen: set[str]) -> Problems:
    if not isinstance(identifier, str) or not 1 <= len(identifier) <= limits.IDENTIFIER:
        yield f"{where}: identifier missing or too long"
    elif identifier in seen:
        yield f"{where}: identifier used twice"
    else:
        seen.add(identifier)


_BLOCKS: Final[Mapping[str, Callable[[str, Node], Problems]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "divider": _divider,
    "image": _image,
}
