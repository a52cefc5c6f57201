"""Records <-> plain JSON values, by the types of their fields: what is kept outlives the process and the version.

Records carry their tag. What an older version left out takes its default; what a newer one wrote is refused, never
guessed. Pure.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, ClassVar, NewType, Union, get_args, get_origin, get_type_hints

TAG = "is"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_TIME_LENGTH = 20


class Records:
    """Encodes and decodes records of the given kinds, each tagged by its class's name.

    A class that is renamed has to keep its tag. Both directions raise `TypeError` and `ValueError`.
    """

    def __init__(self, kinds: Iterable[type]) -> None:
        self._kinds = {kind.__name__: kind for kind in kinds}
        self._tags = {kind: tag for tag, kind in self._kinds.items()}

    def encoded(self, value: object) -> object:
        """Return plain JSON. Fields that have their default are left out: who does not know them can read the rest."""
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError("a moment without its offset from UTC")
            # Not by `strftime`: it writes years before 1000 with fewer digits than can be read again.
            return f"{value.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
        if isinstance(value, tuple):
            return [self.encoded(item) for item in value]
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            if kind not in self._tags:
                raise TypeError(f"a {kind.__name__} is not known here")
            # `object` is data for programs: plain JSON, passed through.
            content = {
                name: getattr(value, name) if hint is object else self.encoded(getattr(value, name))
                for name, hint in _hints(kind).items()
                if not _is_default(value, _fields(kind)[name])
            }
            return {TAG: self._tags[kind], **content}
        return value

    def decoded(self, value: Any, hint: Any) -> object:
        """Return the value that `encoded` wrote for a field of this type."""
        if isinstance(hint, NewType):
            hint = hint.__supertype__
        origin = get_origin(hint)
        if hint is object:
            return value
        if origin in (Union, types.UnionType):
            return self._choice(value, get_args(hint))
        if origin is tuple:
            return self._tuple(value, get_args(hint))
        if hint is datetime:
            return _moment(value)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return hint(value)
        if isinstance(hint, type) and is_dataclass(hint):
            return self._record(value, (hint,))
        if hint is float and type(value) is int:
            return float(value)
        if type(value) is not hint:
            raise TypeError(f"{type(value).__name__} where {hint.__name__} belongs")
        return value

    def _choice(self, value: Any, choices: tuple[Any, ...]) -> object:
        if value is None and type(None) in choices:
            return None
        some = tuple(choice for choice in choices if choice is not type(None))
        if isinstance(value, dict):
            return self._record(value, some)
        (only,) = some
        return self.decoded(value, only)

    def _tuple(self, value: Any, items: tuple[Any, ...]) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise TypeError(f"{type(value).__name__} where a list belongs")
        if len(items) == 2 and items[1] is Ellipsis:
            return tuple(self.decoded(item, items[0]) for item in value)
        return tuple(self.decoded(item, hint) for item, hint in zip(value, items, strict=True))

    def _record(self, value: Any, allowed: tuple[Any, ...]) -> object:
        if not isinstance(value, dict):
            raise TypeError(f"{type(value).__name__} where a record belongs")
        tag = value.get(TAG)
        kind = self._kinds.get(tag) if isinstance(tag, str) else None
        if kind is None or kind not in allowed:
            raise ValueError(f"a record {tag!r} is not known here")
        hints = _hints(kind)
        unknown = value.keys() - hints.keys() - {TAG}
        if unknown:
            raise ValueError(f"a {tag} has {', '.join(sorted(unknown))}, which is not known here")
        missing = [name for name in hints if name not in value and not _has_default(_fields(kind)[name])]
        if missing:
            raise ValueError(f"a {tag} lacks {', '.join(missing)}")
        return kind(**{name: self.decoded(value[name], hint) for name, hint in hints.items() if name in value})


def _moment(text: str) -> datetime:
    """Read a moment: by the quick way where it has our form, which the slow one knows to the letter."""
    if len(text) == _TIME_LENGTH and text[4] + text[7] + text[10] + text[13] + text[16] + text[19] == "--T::Z":
        return datetime.fromisoformat(text)
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)


def _is_default(value: object, field: Field[Any]) -> bool:
    return field.default is not MISSING and bool(getattr(value, field.name) == field.default)


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar}


@cache
def _fields(kind: Any) -> Mapping[str, Field[Any]]:
    return {field.name: field for field in fields(kind)}
