"""The options of `ragops sandbox`'s gestures: what a person does in the local workspace."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping


def _add_channel(parser: argparse.ArgumentParser, default: str = "ops") -> None:
    words = f"default: {default}" if default else "default: wherever it is seen last"
    parser.add_argument(
        "--channel", default=default, metavar="CHANNEL", help=f"a name, or @rag for the bot's ({words})"
    )


def _add_say(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text")
    parser.add_argument("--thread", default="", metavar="TS", help="in the thread of this message")
    _add_channel(parser)


def _add_press(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="label", help="what stands on it, or its number in the newest message")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--message", default="", metavar="TS", help="of this message (default: the newest that has it)")
    place.add_argument("--home", action="store_true", help="of the bot's Home tab")
    _add_channel(parser, "")


def _add_read(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", "-o", choices=("text", "json"), default="text")
    parser.add_argument("--thread", default="", metavar="TS", help="only this thread")
    _add_channel(parser)


def _add_dm(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text")
    parser.add_argument("--thread", default="", metavar="TS", help="in the thread of this message")


def _add_shortcut(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", metavar="name", help="build, or explain")
    parser.add_argument("--message", default="", metavar="TS", help="on this message (explain: default the newest)")
    _add_channel(parser)


def _add_values(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("values", nargs="*", metavar="LABEL=VALUE", help="a field by its label, or how that begins")


def _add_nothing(_: argparse.ArgumentParser) -> None:
    pass


# Each with what it means, and what adds its options.
GESTURES: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "say": ("type something as a person", _add_say),
    "press": ("press a button as a person", _add_press),
    "read": ("show what a person sees", _add_read),
    "home": ("open the bot's Home tab as a person and show it", _add_nothing),
    "dm": ("write to the bot directly", _add_dm),
    "shortcut": ("use a shortcut of the app: build opens the dialog, explain takes a message", _add_shortcut),
    "dialog": ("show the dialog that a person has open", _add_nothing),
    "fill": ("fill in fields of the open dialog, and show it", _add_values),
    "submit": ("send the open dialog, after filling in what is given", _add_values),
    "close": ("close the open dialog without sending it", _add_nothing),
}
