"""A message or view as a person reads it, in plain text. Pure."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

_SEQUENCE: Final = re.compile(r"<([^<>]*)>")
_Labels = Mapping[str, str]
_NO_LABELS: Final[_Labels] = {}


def render_text(shown: Mapping[str, Any] | Sequence[Mapping[str, Any]], labels: _Labels = _NO_LABELS) -> str:
    """Return what a person sees of a message, a view, or a list of blocks."""
    if not isinstance(shown, Mapping):
        return "\n".join(filter(None, (_block(block, labels) for block in shown)))
    if shown.get("type") in {"modal", "home"}:
        return _view(shown, labels)
    parts = [
        render_text(shown["blocks"], labels) if shown.get("blocks") else decode(str(shown.get("text", "")), labels)
    ]
    parts += [_attachment(attachment, labels) for attachment in shown.get("attachments") or ()]
    parts += [f"[file: {file.get('name', '')}]" for file in shown.get("files") or ()]
    return "\n".join(filter(None, parts))


def decode(text: str, labels: _Labels = _NO_LABELS) -> str:
    """Return mrkdwn with control sequences and entities turned into what people read."""
    named = _SEQUENCE.sub(lambda match: _sequence(match[1], labels), text)
    return named.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _sequence(inside: str, labels: _Labels) -> str:
    body, _, label = inside.partition("|")
    if inside.startswith("!date^"):
        return label
    key = body.lstrip("@#!").removeprefix("subteam^")
    if body.startswith(("@", "#", "!")):
        return labels.get(key) or label or body.replace("!", "@", 1)
    return f"{label} ({body})" if label else body


def _view(view: Mapping[str, Any], labels: _Labels) -> str:
    title = _text(view.get("title"), labels)
    buttons = [_text(view.get(key), labels) for key in ("submit", "close")]
    foot = " ".join(f"[{text}]" for text in buttons if text)
    return "\n".join(
        filter(None, [f"== {title} ==" if title else "", render_text(view.get("blocks", []), labels), foot])
    )


def _attachment(attachment: Mapping[str, Any], labels: _Labels) -> str:
    inner = [decode(str(attachment.get(key, "")), labels) for key in ("pretext", "title", "text")]
    inner.append(render_text(attachment.get("blocks") or [], labels))
    lines = "\n".join(filter(None, inner)).splitlines()
    return "\n".join(f"| {line}" for line in lines)


def _text(value: Any, labels: _Labels) -> str:
    if not isinstance(value, Mapping):
        return ""
    words = str(value.get("text", ""))
    return words if value.get("type") == "plain_text" else decode(words, labels)


def _block(block: Mapping[str, Any], labels: _Labels) -> str:
    draw = _DRAW.get(str(block.get("type")))
    return draw(block, labels) if draw else f"({block.get('type')})"


def _section(block: Mapping[str, Any], labels: _Labels) -> str:
    lines = [_text(block.get("text"), labels)]
    lines += [_field(_text(item, labels)) for item in block.get("fields", ())]
    accessory = block.get("accessory")
    if accessory:
        lines[0 if lines[0] else -1] += f"  {element_label(accessory, labels)}"
    return "\n".join(filter(None, lines))


def _field(text: str) -> str:
    return "  " + text.replace("\n", "  ")


def _header(block: Mapping[str, Any], labels: _Labels) -> str:
    text = _text(block.get("text"), labels)
    return f"{text}\n{'=' * min(len(text), 60)}"


def _context(block: Mapping[str, Any], labels: _Labels) -> str:
    parts = [element.get("alt_text", "") if element.get("type") == "image" else _text(element, labels)
             for element in block.get("elements", ())]  # fmt: skip
    return "  ".join(filter(None, parts))


def _actions(block: Mapping[str, Any], labels: _Labels) -> str:
    return " ".join(element_label(element, labels) for element in block.get("elements", ()))


def element_label(element: Mapping[str, Any], labels: _Labels = _NO_LABELS) -> str:
    """Return an element as ``[Label]``, a select as ``[Label ▾]``, an input as a line to fill in."""
    kind = element.get("type")
    if kind == "button":
        return f"[{_text(element.get('text'), labels)}]"
    if kind == "image":
        return f"({element.get('alt_text', '')})"
    options = " / ".join(_text(option.get("text"), labels) for option in element.get("options", ()))
    chosen = _text((element.get("initial_option") or {}).get("text"), labels)
    words = chosen or _text(element.get("placeholder"), labels) or element.get("initial_value") or options
    if kind in {"checkboxes", "radio_buttons", "overflow"}:
        return f"[{'⋯ ' if kind == 'overflow' else ''}{options}]"
    return f"[{words} ▾]" if "select" in str(kind) else f"[{words or '…'}]"


def confirm_text(element: Mapping[str, Any]) -> str:
    """Return what the client asks before a press counts, as people see it; empty when it asks nothing."""
    asked = element.get("confirm")
    if not isinstance(asked, Mapping):
        return ""
    parts = {key: _text(asked.get(key), _NO_LABELS) for key in ("title", "text", "confirm", "deny")}
    return f"== {parts['title']} ==\n{parts['text']}\n[{parts['confirm']}] [{parts['deny']}]"


def _input(block: Mapping[str, Any], labels: _Labels) -> str:
    optional = " (optional)" if block.get("optional") else ""
    line = f"{_text(block.get('label'), labels)}{optional}: {element_label(block.get('element', {}), labels)}"
    hint = _text(block.get("hint"), labels)
    return f"{line}\n  {hint}" if hint else line


def _rich(block: Mapping[str, Any], labels: _Labels) -> str:
    return "\n".join(_rich_part(part, labels) for part in block.get("elements", ()))


def _rich_part(part: Mapping[str, Any], labels: _Labels) -> str:
    kind = part.get("type")
    if kind == "rich_text_list":
        marks = (f"{index}." if part.get("style") == "ordered" else "•" for index in range(1, 10_000))
        items = zip(marks, part.get("elements", ()), strict=False)
        return "\n".join(f"{'  ' * part.get('indent', 0)}{mark} {_rich_part(item, labels)}" for mark, item in items)
    text = "".join(_leaf(leaf, labels) for leaf in part.get("elements", ()))
    if kind == "rich_text_preformatted":
        return "\n".join(f"    {line}" for line in text.splitlines())
    if kind == "rich_text_quote":
        return "\n".join(f"> {line}" for line in text.splitlines())
    return text


def _leaf(leaf: Mapping[str, Any], labels: _Labels) -> str:
    match leaf.get("type"):
        case "text":
            return str(leaf.get("text", ""))
        case "link":
            return f"{leaf['text']} ({leaf.get('url')})" if leaf.get("text") else str(leaf.get("url", ""))
        case "emoji":
            return f":{leaf.get('name')}:"
        case "broadcast":
            return f"@{leaf.get('range')}"
        case "date":
            moment = time.gmtime(int(leaf.get("timestamp", 0)))
            return str(leaf.get("fallback") or time.strftime("%Y-%m-%d %H:%M UTC", moment))
    key = str(leaf.get("user_id") or leaf.get("usergroup_id") or leaf.get("channel_id") or leaf.get("value") or "")
    return labels.get(key, key)


def _picture(block: Mapping[str, Any], labels: _Labels) -> str:
    title = _text(block.get("title"), labels)
    return "\n".join(filter(None, (title, f"[picture: {block.get('alt_text', '')}]")))


def _table(block: Mapping[str, Any], labels: _Labels) -> str:
    rows = [[_cell(cell, labels) for cell in row] for row in block.get("rows", ())]
    columns = max((len(row) for row in rows), default=0)
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(columns)]
    settings = block.get("column_settings", ())
    aligns = [(settings[i] or {}).get("align") if i < len(settings) else None for i in range(columns)]
    lines = ["  ".join(_pad(cell, widths[i], aligns[i]) for i, cell in enumerate(row)).rstrip() for row in rows]
    return "\n".join(lines)


def _pad(text: str, width: int, align: str | None) -> str:
    return text.rjust(width) if align == "right" else text.center(width) if align == "center" else text.ljust(width)


def _cell(cell: Mapping[str, Any], labels: _Labels) -> str:
    return _rich(cell, labels).strip() if cell.get("type") == "rich_text" else str(cell.get("text", ""))


def _card(block: Mapping[str, Any], labels: _Labels) -> str:
    lines = [_text(block.get(key), labels) for key in ("title", "subtitle", "body")]
    lines.append(" ".join(element_label(button, labels) for button in block.get("actions", ())))
    return "\n".join(filter(None, lines))


_DRAW: Final[Mapping[str, Callable[[Mapping[str, Any], _Labels], str]]] = {
    "section": _section,
    "header": _header,
    "divider": lambda _block, _labels: "-" * 40,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "rich_text": _rich,
    "table": _table,
    "card": _card,
    "carousel": lambda block, labels: "\n".join(_card(card, labels) for card in block.get("elements", ())),
    "markdown": lambda block, labels: decode(str(block.get("text", "")), labels),
    "alert": lambda block, labels: f"! {_text(block.get('text'), labels)}",
    "image": _picture,
}
