"""Any record of a kind, for properties; and each record that differs from one in a single place."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, ClassVar, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  # hypothesis wants naive bounds and adds the zone itself
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001  # see above
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=0))
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    int: st.integers(-(10**12), 10**12),
    bool: st.booleans(),
    datetime: MOMENTS,
    type(None): st.none(),
}


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for all values of a type as records declare them."""
    if isinstance(hint, NewType):
        return anything(hint.__supertype__)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return st.one_of(*map(anything, get_args(hint)))
    if origin is tuple:
        return st.lists(anything(get_args(hint)[0]), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if is_dataclass(hint):
        hints = {name: each for name, each in get_type_hints(hint).items() if get_origin(each) is not ClassVar}
        return st.builds(hint, **{name: anything(each) for name, each in hints.items()})  # type: ignore[arg-type]  # a class
    return _PLAIN[hint]


def neighbours(value: Any) -> Iterator[tuple[str, Any]]:
    """Return values that differ from one in exactly one place, each with that place."""
    if isinstance(value, tuple):
        for place, item in enumerate(value):
            yield f"[{place}] gone", (*value[:place], *value[place + 1 :])
            for where, other in neighbours(item):
                yield f"[{place}]{where}", (*value[:place], other, *value[place + 1 :])
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            for where, other in neighbours(getattr(value, field.name)):
                yield f".{field.name}{where}", replace(value, **{field.name: other})
    else:
        yield from (("", other) for other in _others(value))


def _others(value: Any) -> tuple[Any, ...]:
    match value:
        case Enum():
            return tuple(other for other in type(value) if other is not value)
        case bool():
            return (not value,)
        case int():
            return (value + 1,)
        case str():
            return (value + "x",)
        case datetime():
            return (value + timedelta(seconds=1),)
        case _:
            return ()
