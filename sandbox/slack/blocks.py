"""The Block Kit checker: what Slack refuses, with the pointer it names.

Strict where Slack is silent: unknown keys, empty rich-text leaves and lone surrogates are refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from sandbox.slack import limits
from sandbox.slack.elements import BUTTONS, IN_ACTIONS, IN_INPUT, IN_SECTION, check_element, check_image
from sandbox.slack.richtext import check_rich_text
from sandbox.slack.shape import Problem, Sheet

Block = Mapping[str, Any]


class Surface(Enum):
    """Where blocks are shown; some types are not welcome everywhere."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


def check_message(blocks: object, attachments: object = (), *, ephemeral: bool = False) -> list[Problem]:
    """Return everything Slack would refuse in a message."""
    sheet = Sheet()
    total = _blocks(sheet, blocks, "/blocks", Surface.MESSAGE) if blocks else 0
    total += _attachments(sheet, attachments, ephemeral=ephemeral) if attachments else 0
    if total > limits.MESSAGE_BLOCKS:
        sheet.add(f"no more than {limits.MESSAGE_BLOCKS} items allowed", "/blocks")
    if sheet.tables > 1:
        sheet.add("only_one_table_allowed", "/blocks", "invalid_attachments")
    _sums(sheet)
    return sheet.problems


def check_view(view: object) -> list[Problem]:
    """Return everything Slack would refuse in a modal or a Home tab."""
    sheet = Sheet()
    if not isinstance(view, Mapping):
        return [Problem("must be an object", "/view", "invalid_arguments")]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [Problem("must be modal or home", "/view/type", "invalid_arguments")]
    if len(json.dumps(view).encode()) > limits.VIEW_BYTES:
        return [Problem("view is too large", "/view", "view_too_large")]
    _view_frame(sheet, view, modal=kind == "modal")
    found = sheet.count(view.get("blocks"), "/view/blocks", least=1, most=limits.VIEW_BLOCKS)
    _blocks(sheet, list(found), "/view/blocks", Surface(kind))
    if kind == "modal" and "submit" not in view and any(_is(block, "input") for block in found):
        sheet.add("a modal with input blocks must have a submit text", "/view/submit")
    return [Problem(problem.message, problem.pointer, "invalid_arguments") for problem in sheet.problems]


def _view_frame(sheet: Sheet, view: Block, *, modal: bool) -> None:
    common = ("private_metadata", "callback_id", "external_id")
    own = ("close", "submit", "clear_on_close", "notify_on_close", "submit_disabled") if modal else ()
    required = ("type", "title", "blocks") if modal else ("type", "blocks")
    sheet.keys(view, "/view", required=required, optional=(*common, *own))
    for key in ("title", "submit", "close"):
        if modal and key in view:
            sheet.text(view[key], f"/view/{key}", limits.MODAL_TITLE, plain_only=True)
    sheet.string(view, "private_metadata", "/view", limits.PRIVATE_METADATA, least=0)
    for key in ("callback_id", "external_id"):
        sheet.string(view, key, "/view", limits.ID, least=0)


def _sums(sheet: Sheet) -> None:
    if sheet.markdown_length > limits.MARKDOWN_SUM:
        sheet.add("markdown blocks are too long together", "/blocks", "markdown_text_too_long")
    if sheet.text_length > limits.ALL_BLOCKS_TEXT and not sheet.problems:
        sheet.add("blocks are too long together", "/blocks", "msg_blocks_too_long")


def _attachments(sheet: Sheet, attachments: object, *, ephemeral: bool) -> int:
    if not isinstance(attachments, list):
        sheet.add("must be an array", "/attachments", "invalid_attachments")
        return 0
    if len(attachments) > limits.ATTACHMENTS:
        sheet.add("too many attachments", "/attachments", "too_many_attachments")
    total = 0
    for index, attachment in enumerate(attachments):
        pointer = f"/attachments/{index}"
        if not isinstance(attachment, Mapping):
            sheet.add("must be an object", pointer, "invalid_attachments")
        elif "blocks" in attachment:
            total += _blocks(sheet, attachment["blocks"], f"{pointer}/blocks", Surface.MESSAGE)
            if ephemeral:
                sheet.add("an ephemeral message takes no blocks in attachments", pointer, "invalid_attachments")
    return total


def _blocks(sheet: Sheet, blocks: object, pointer: str, surface: Surface) -> int:
    if not isinstance(blocks, list):
        sheet.add("must be an array", pointer, "invalid_blocks_format")
        return 0
    for index, block in enumerate(blocks):
        _block(sheet, block, f"{pointer}/{index}", surface)
    return len(blocks)


def _block(sheet: Sheet, block: object, pointer: str, surface: Surface) -> None:
    if not isinstance(block, Mapping):
        sheet.add("must be an object", pointer)
        return
    kind = block.get("type")
    check = _CHECKS.get(kind) if isinstance(kind, str) else None
    if check is None or (surface is not Surface.MESSAGE and kind in _MESSAGE_ONLY):
        sheet.add(f"unsupported type: {kind}", f"{pointer}/type")
        return
    sheet.string(block, "block_id", pointer, limits.ID)
    block_id = block.get("block_id")
    if isinstance(block_id, str):
        if block_id in sheet.block_ids:
            sheet.add(f"`block_id` {block_id} already exists", f"{pointer}/block_id")
        sheet.block_ids.add(block_id)
    check(sheet, block, pointer)
    _unique_actions(sheet, block, pointer)


def _unique_actions(sheet: Sheet, block: Block, pointer: str) -> None:
    seen: set[str] = set()
    elements = block.get("elements")
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        action_id = element.get("action_id") if isinstance(element, Mapping) else None
        if isinstance(action_id, str) and action_id in seen:
            sheet.add(f"`action_id` {action_id} already exists", f"{pointer}/elements/{index}/action_id")
        elif isinstance(action_id, str):
            seen.add(action_id)


def _is(block: object, kind: str) -> bool:
    return isinstance(block, Mapping) and block.get("type") == kind


def _keys(sheet: Sheet, block: Block, pointer: str, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    sheet.keys(block, pointer, required=("type", *required), optional=("block_id", *optional))


def _section(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, (), ("text", "fields", "accessory", "expand"))
    if "text" not in block and "fields" not in block:
        sheet.add("must provide text or fields", pointer)
    if "text" in block:
        sheet.text(block["text"], f"{pointer}/text", limits.TEXT)
    if "fields" in block:
        where = f"{pointer}/fields"
        for index, item in enumerate(sheet.count(block["fields"], where, least=1, most=limits.SECTION_FIELDS)):
            sheet.text(item, f"{where}/{index}", limits.SECTION_FIELD)
    if "accessory" in block:
        check_element(sheet, block["accessory"], f"{pointer}/accessory", IN_SECTION)


def _header(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("text",))
    sheet.text(block.get("text"), f"{pointer}/text", limits.HEADER, plain_only=True)


def _divider(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ())


def _image(sheet: Sheet, block: Block, pointer: str) -> None:
    check_image(sheet, block, pointer, extra=("title", "block_id"))
    if "title" in block:
        sheet.text(block["title"], f"{pointer}/title", limits.IMAGE_TITLE, plain_only=True)


def _context(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("elements",))
    where = f"{pointer}/elements"
    for index, element in enumerate(sheet.count(block.get("elements"), where, least=1, most=limits.CONTEXT_ELEMENTS)):
        if isinstance(element, Mapping) and element.get("type") == "image":
            check_image(sheet, element, f"{where}/{index}")
        else:
            sheet.text(element, f"{where}/{index}", limits.TEXT)


def _actions(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("elements",))
    where = f"{pointer}/elements"
    elements = sheet.count(block.get("elements"), where, least=1, most=limits.ACTIONS_ELEMENTS)
    for index, element in enumerate(elements):
        check_element(sheet, element, f"{where}/{index}", IN_ACTIONS)


def _input(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("label", "element"), ("hint", "optional", "dispatch_action"))
    sheet.text(block.get("label"), f"{pointer}/label", limits.INPUT_LABEL, plain_only=True)
    if "hint" in block:
        sheet.text(block["hint"], f"{pointer}/hint", limits.INPUT_LABEL, plain_only=True)
    check_element(sheet, block.get("element"), f"{pointer}/element", IN_INPUT)


def _rich_text(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("elements",))
    check_rich_text(sheet, block, pointer)


def _markdown(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("text",))
    before = sheet.text_length
    sheet.leaf(block.get("text"), f"{pointer}/text", limits.ALL_BLOCKS_TEXT * 10, plain=False)
    sheet.markdown_length += sheet.text_length - before


def _table(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("rows",), ("column_settings",))
    sheet.tables += 1
    before = sheet.text_length
    for index, row in enumerate(sheet.count(block.get("rows"), f"{pointer}/rows", least=1, most=limits.TABLE_ROWS)):
        where = f"{pointer}/rows/{index}"
        for column, cell in enumerate(sheet.count(row, where, least=1, most=limits.TABLE_CELLS)):
            _cell(sheet, cell, f"{where}/{column}")
    if sheet.text_length - before > limits.TABLE_TEXT:
        sheet.add(f"table text must be less than {limits.TABLE_TEXT + 1} characters", f"{pointer}/rows")
    if "column_settings" in block:
        where = f"{pointer}/column_settings"
        settings = sheet.count(block["column_settings"], where, least=1, most=limits.TABLE_COLUMN_SETTINGS)
        for index, setting in enumerate(settings):
            if isinstance(setting, Mapping):
                sheet.keys(setting, f"{where}/{index}", required=(), optional=("align", "is_wrapped"))
                sheet.choice(setting, "align", f"{where}/{index}", ("left", "center", "right"))


def _cell(sheet: Sheet, cell: object, pointer: str) -> None:
    kind = cell.get("type") if isinstance(cell, Mapping) else None
    if not isinstance(cell, Mapping) or kind not in ("raw_text", "rich_text"):
        sheet.add(f"unsupported type of cell: {kind}", pointer)
    elif kind == "rich_text":
        _rich_text(sheet, cell, pointer)
    else:
        sheet.keys(cell, pointer, required=("type", "text"), optional=())
        sheet.leaf(cell.get("text"), f"{pointer}/text", limits.TABLE_TEXT)


def _alert(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("text",), ("level",))
    sheet.text(block.get("text"), f"{pointer}/text", limits.ALERT_TEXT)
    sheet.choice(block, "level", pointer, ("default", "info", "warning", "error", "success"))


def _card(sheet: Sheet, block: Block, pointer: str) -> None:
    shown = ("title", "subtitle", "body", "hero_image", "icon", "actions")
    _keys(sheet, block, pointer, (), shown)
    if not any(key in block for key in ("title", "body", "hero_image", "actions")):
        sheet.add("must provide a title, body, hero_image or actions", pointer)
    for key, longest in (("title", limits.CARD_TITLE), ("subtitle", limits.CARD_TITLE), ("body", limits.CARD_BODY)):
        if key in block:
            sheet.text(block[key], f"{pointer}/{key}", longest)
    for key in ("hero_image", "icon"):
        if key in block and sheet.is_object(block[key], f"{pointer}/{key}"):
            check_image(sheet, block[key], f"{pointer}/{key}")
    if "actions" in block:
        where = f"{pointer}/actions"
        for index, button in enumerate(sheet.count(block["actions"], where, least=1, most=limits.CARD_ACTIONS)):
            check_element(sheet, button, f"{where}/{index}", BUTTONS)


def _carousel(sheet: Sheet, block: Block, pointer: str) -> None:
    _keys(sheet, block, pointer, ("elements",))
    where = f"{pointer}/elements"
    cards = sheet.count(block.get("elements"), where, least=1, most=limits.CAROUSEL_CARDS)
    for index, card in enumerate(cards):
        if _is(card, "card"):
            _card(sheet, card, f"{where}/{index}")
        else:
            sheet.add("must be a card", f"{where}/{index}")


_CHECKS: Final[Mapping[str, Callable[[Sheet, Block, str], None]]] = {
    "section": _section,
    "header": _header,
    "divider": _divider,
    "image": _image,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "rich_text": _rich_text,
    "markdown": _markdown,
    "table": _table,
    "alert": _alert,
    "card": _card,
    "carousel": _carousel,
}
_MESSAGE_ONLY: Final = frozenset({"markdown", "table", "card", "carousel"})
