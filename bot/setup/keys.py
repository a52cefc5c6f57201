"""How a key of `ragops.toml`, and a table of keys, is described."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table. `example` is its value as TOML; `low` and `high` are bounds that are both allowed.

    `default` is in words; a key that is required has none. `needs` are keys that must stand beside it.
    """

    name: str
    type: str
    meaning: str
    example: str
    default: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One kind of table. `header` is how one begins in an example; `heading` how all of them are called.

    `always` are keys without which no such table is accepted, although each of them may be left out; `apart` those that
    the page's example leaves out. With `free` the keys are names that the operator chooses, called so on the page, and
    the one key described stands for all of them.
    """

    name: str
    heading: str
    header: str
    text: str
    keys: tuple[Key, ...]
    after: str = ""
    always: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    free: str = ""

    def example(self, *names: str) -> str:
        """Return the table as TOML with these keys, and with what they cannot be without."""
        needed = {*names, *self.always, *(key.name for key in self.keys if key.required)}
        needed |= {need for key in self.keys if key.name in needed for need in key.needs}
        rows = [f"{key.name} = {key.example}" for key in self.keys if key.name in needed]
        return "\n".join([self.header, *rows]) + "\n"


def number(name: str, default: float, low: float, high: float, meaning: str, *, needs: tuple[str, ...] = ()) -> Key:
    """Describe a key that is a number between two bounds, both allowed."""
    whole = isinstance(default, int)
    return Key(
        name=name,
        type=f"{'whole number' if whole else 'number'}, {low} to {high}",
        meaning=meaning,
        default=f"{default:g}",
        example=f"{default:g}",
        low=low,
        high=high,
        needs=needs,
    )
