"""The checker for rich_text blocks: sections, lists, quotes, preformatted text and their leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sandbox.slack import limits
from sandbox.slack.shape import Sheet

_LEAVES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "text": (("text",), ("style",)),
    "link": (("url",), ("text", "unsafe", "style")),
    "emoji": (("name",), ("unicode", "skin_tone", "style")),
    "user": (("user_id",), ("style",)),
    "usergroup": (("usergroup_id",), ("style",)),
    "channel": (("channel_id",), ("style",)),
    "team": (("team_id",), ("style",)),
    "broadcast": (("range",), ("style",)),
    "color": (("value",), ("style",)),
    "date": (("timestamp", "format"), ("url", "fallback", "style")),
}
_STYLES: Final = ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink")
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "rich_text_section": (),
    "rich_text_preformatted": ("border",),
    "rich_text_quote": ("border",),
    "rich_text_list": ("style", "indent", "offset", "border"),
}
_MANY: Final = 10_000


def check_rich_text(sheet: Sheet, block: Mapping[str, Any], pointer: str) -> None:
    """Check the elements of a rich_text block or cell."""
    where = f"{pointer}/elements"
    for index, part in enumerate(sheet.count(block.get("elements"), where, least=1, most=_MANY)):
        _part(sheet, part, f"{where}/{index}")


def _part(sheet: Sheet, part: object, pointer: str) -> None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or not isinstance(kind, str) or kind not in _PARTS:
        sheet.add(f"unsupported rich text element: {kind}", pointer)
        return
    sheet.keys(part, pointer, required=("type", "elements"), optional=_PARTS[kind])
    where = f"{pointer}/elements"
    leaves = sheet.count(part.get("elements"), where, least=1, most=_MANY)
    if kind == "rich_text_list":
        if "style" not in part:
            sheet.add("missing required field: style", pointer)
        sheet.choice(part, "style", pointer, ("bullet", "ordered"))
        for index, item in enumerate(leaves):
            _section_of_list(sheet, item, f"{where}/{index}")
        return
    for index, leaf in enumerate(leaves):
        _leaf(sheet, leaf, f"{where}/{index}")


def _section_of_list(sheet: Sheet, item: object, pointer: str) -> None:
    if isinstance(item, Mapping) and item.get("type") == "rich_text_section":
        _part(sheet, item, pointer)
    else:
        sheet.add("must be a rich_text_section", pointer)


def _leaf(sheet: Sheet, leaf: object, pointer: str) -> None:
    kind = leaf.get("type") if isinstance(leaf, Mapping) else None
    if not isinstance(leaf, Mapping) or not isinstance(kind, str) or kind not in _LEAVES:
        sheet.add(f"unsupported rich text leaf: {kind}", pointer)
        return
    required, optional = _LEAVES[kind]
    sheet.keys(leaf, pointer, required=("type", *required), optional=optional)
    if "text" in leaf:
        sheet.leaf(leaf["text"], f"{pointer}/text", limits.ALL_BLOCKS_TEXT * 10)
    sheet.string(leaf, "url", pointer, limits.URL)
    if kind == "broadcast":
        sheet.choice(leaf, "range", pointer, ("here", "channel", "everyone"))
    style = leaf.get("style")
    if style is not None and sheet.is_object(style, f"{pointer}/style"):
        sheet.keys(style, f"{pointer}/style", required=(), optional=_STYLES)
