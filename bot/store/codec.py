"""Requests and posts <-> JSON text, so that rows outlive the process and the version that wrote them.

Records carry their tag, the whole carries a version. What an older version left out takes its default; what a newer one
wrote is refused, never guessed. Text is ASCII: every character that JSON can hold can be stored.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bot.domain.people import Actor
from bot.domain.requests import Place, Post, Request
from bot.domain.view import Block, Button, Mention, Span, View
from bot.errors import StoreRefused

VERSION = 1
TAG = "is"

# What may be stored, by tag. The tags are the class names of version 1; a class that is renamed keeps its tag here.
RECORDS: Mapping[str, type] = {
    kind.__name__: kind for kind in (Request, Actor, Place, Post, View, Button, Mention, Span, *get_args(Block))
}
_TAGS = {kind: tag for tag, kind in RECORDS.items()}

T = TypeVar("T", Request, Post)


def encode(record: Request | Post) -> str:
    """Write a request or a post as JSON. Raises `StoreRefused` when a view's data is no JSON."""
    try:
        return json.dumps({"v": VERSION, "record": _encoded(record)}, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreRefused(f"This cannot be stored: its data is no JSON ({error}).") from error


def decode(text: str, kind: type[T]) -> T:
    """Read what `encode` wrote. Raises `StoreRefused` when another version wrote it or it is damaged."""
    try:
        outer = json.loads(text)
        version = outer["v"]
        if version != VERSION:
            raise StoreRefused(
                f"A stored {kind.__name__} has format {version}; this program reads {VERSION}.",
                advice="A newer version of ragops wrote it: let that version finish its work.",
            )
        record = _decoded(outer["record"], kind)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StoreRefused(f"A stored {kind.__name__} cannot be read ({error}).") from error
    if not isinstance(record, kind):
        raise StoreRefused(f"A stored {kind.__name__} is a {type(record).__name__}.")
    return record


def _encoded(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_encoded(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        # `object` is data for programs: plain JSON, passed through. What has its default is left out: a version that
        # does not know the field yet can read the rest.
        content = {
            name: getattr(value, name) if hint is object else _encoded(getattr(value, name))
            for name, hint in _hints(kind).items()
            if not _is_default(value, _fields(kind)[name])
        }
        return {TAG: _TAGS[kind], **content}
    return value


def _decoded(value: Any, hint: Any) -> object:
    origin = get_origin(hint)
    if hint is object:
        return value
    if origin in (Union, types.UnionType):
        return _decoded_choice(value, get_args(hint))
    if origin is tuple:
        return _decoded_tuple(value, get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return _decoded_record(value, (hint,))
    if type(value) is not hint:
        raise TypeError(f"{type(value).__name__} where {hint.__name__} belongs")
    return value


def _decoded_choice(value: Any, choices: tuple[Any, ...]) -> object:
    if value is None and type(None) in choices:
        return None
    some = tuple(choice for choice in choices if choice is not type(None))
    if isinstance(value, dict):
        return _decoded_record(value, some)
    (only,) = some
    return _decoded(value, only)


def _decoded_tuple(value: Any, items: tuple[Any, ...]) -> tuple[object, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{type(value).__name__} where a list belongs")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_decoded(item, items[0]) for item in value)
    return tuple(_decoded(item, hint) for item, hint in zip(value, items, strict=True))


def _decoded_record(value: Any, allowed: tuple[Any, ...]) -> object:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} where a record belongs")
    tag = value.get(TAG)
    kind = RECORDS.get(tag) if isinstance(tag, str) else None
    if kind is None or kind not in allowed:
        raise ValueError(f"a record {tag!r} is not known here")
    hints = _hints(kind)
    unknown = value.keys() - hints.keys() - {TAG}
    if unknown:
        raise ValueError(f"a {tag} has {', '.join(sorted(unknown))}, which is not known here")
    return kind(**{name: _decoded(value[name], hint) for name, hint in hints.items() if _is_given(value, kind, name)})


def _is_default(value: object, field: Field[Any]) -> bool:
    return field.default is not MISSING and bool(getattr(value, field.name) == field.default)


def _is_given(value: Mapping[str, object], kind: type, name: str) -> bool:
    return name in value or not _has_default(_fields(kind)[name])


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


@cache
def _fields(kind: Any) -> Mapping[str, Field[Any]]:
    return {field.name: field for field in fields(kind)}
