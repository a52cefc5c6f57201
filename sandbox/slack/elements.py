"""The checker for interactive elements and the objects they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.slack import limits
from sandbox.slack.shape import Problem, Sheet


@dataclass(frozen=True, slots=True)
class Element:
    """What one type of element must and may carry, and how many options it takes."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    most_options: int = limits.OPTIONS


_FOCUS = ("confirm", "focus_on_load")
_SELECT = (*_FOCUS, "placeholder")
_INPUT = ("placeholder", "initial_value", "dispatch_action_config", "focus_on_load")
_OPTIONS = ("options", "option_groups")
_MANY = ("max_selected_items",)

SELECTS: Final[Mapping[str, Element]] = {
    "static_select": Element((), (*_SELECT, *_OPTIONS, "initial_option")),
    "external_select": Element((), (*_SELECT, "initial_option", "min_query_length")),
    "users_select": Element((), (*_SELECT, "initial_user")),
    "conversations_select": Element(
        (), (*_SELECT, "initial_conversation", "default_to_current_conversation", "filter", "response_url_enabled")
    ),
    "channels_select": Element((), (*_SELECT, "initial_channel", "response_url_enabled")),
    "multi_static_select": Element((), (*_SELECT, *_OPTIONS, "initial_options", *_MANY)),
    "multi_external_select": Element((), (*_SELECT, "initial_options", "min_query_length", *_MANY)),
    "multi_users_select": Element((), (*_SELECT, "initial_users", *_MANY)),
    "multi_conversations_select": Element(
        (), (*_SELECT, "initial_conversations", "default_to_current_conversation", "filter", *_MANY)
    ),
    "multi_channels_select": Element((), (*_SELECT, "initial_channels", *_MANY)),
}
PICKERS: Final[Mapping[str, Element]] = {
    "datepicker": Element((), (*_SELECT, "initial_date")),
    "timepicker": Element((), (*_SELECT, "initial_time", "timezone")),
    "datetimepicker": Element((), (*_FOCUS, "initial_date_time")),
}
CHOICES: Final[Mapping[str, Element]] = {
    "checkboxes": Element(("options",), (*_FOCUS, "initial_options"), limits.CHOICE_OPTIONS),
    "radio_buttons": Element(("options",), (*_FOCUS, "initial_option"), limits.CHOICE_OPTIONS),
}
BUTTONS: Final[Mapping[str, Element]] = {
    "button": Element(("text",), ("url", "value", "style", "confirm", "accessibility_label")),
    "overflow": Element(("options",), ("confirm",), limits.OVERFLOW_OPTIONS),
}
INPUTS: Final[Mapping[str, Element]] = {
    "plain_text_input": Element((), (*_INPUT, "multiline", "min_length", "max_length")),
    "email_text_input": Element((), _INPUT),
    "url_text_input": Element((), _INPUT),
    "number_input": Element(("is_decimal_allowed",), (*_INPUT, "min_value", "max_value")),
    "rich_text_input": Element((), _INPUT),
    "file_input": Element((), ("filetypes", "max_files")),
}
IN_ACTIONS: Final = {**BUTTONS, **SELECTS, **PICKERS, **CHOICES}
IN_SECTION: Final = {**IN_ACTIONS, "image": Element()}
IN_INPUT: Final = {**INPUTS, **SELECTS, **PICKERS, **CHOICES}

_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_IMAGE_KEYS: Final = ("image_url", "slack_file")


def check_element(sheet: Sheet, element: object, pointer: str, allowed: Mapping[str, Element]) -> None:
    """Check one interactive element (or an image beside a section)."""
    if not isinstance(element, Mapping):
        sheet.add("must be an object", pointer)
        return
    kind = element.get("type")
    if not isinstance(kind, str) or kind not in allowed:
        sheet.add(f"unsupported type of element: {kind}", f"{pointer}/type")
        return
    if kind == "image":
        check_image(sheet, element, pointer)
        return
    spec = allowed[kind]
    sheet.keys(element, pointer, required=("type", *spec.required), optional=("action_id", *spec.optional))
    sheet.string(element, "action_id", pointer, limits.ID)
    for key, check in _BY_KEY.items():
        if key in element:
            check(sheet, element, pointer)
    if element.get("response_url_enabled") and allowed is not IN_INPUT:
        sheet.add("response_url_enabled only works in input blocks of modals", f"{pointer}/response_url_enabled")
    if "options" in element:
        _options(sheet, element, pointer, spec.most_options)
    if "options" in spec.optional and ("options" in element) == ("option_groups" in element):
        sheet.add("must provide either options or option_groups", pointer)
    if "options" in element or "option_groups" in element:
        _initial(sheet, element, pointer)


def check_image(sheet: Sheet, image: Mapping[str, Any], pointer: str, *, extra: tuple[str, ...] = ()) -> None:
    """Check an image element or the common part of an image block."""
    sheet.keys(image, pointer, required=("type", "alt_text"), optional=(*_IMAGE_KEYS, *extra))
    if ("image_url" in image) == ("slack_file" in image):
        sheet.add("must provide either image_url or slack_file", pointer)
    sheet.string(image, "image_url", pointer, limits.URL)
    if "slack_file" in image and sheet.is_object(image["slack_file"], f"{pointer}/slack_file"):
        file, where = image["slack_file"], f"{pointer}/slack_file"
        sheet.keys(file, where, required=(), optional=("id", "url"))
        if ("id" in file) == ("url" in file):
            sheet.add("must provide either id or url", where)
        for key, most in (("id", limits.ID), ("url", limits.URL)):
            sheet.string(file, key, where, most)
    sheet.string(image, "alt_text", pointer, limits.IMAGE_ALT)


def check_confirm(sheet: Sheet, confirm: object, pointer: str) -> None:
    """Check a confirmation dialog."""
    if not isinstance(confirm, Mapping):
        sheet.add("must be an object", pointer)
        return
    sheet.keys(confirm, pointer, required=("title", "text", "confirm", "deny"), optional=("style",))
    sheet.text(confirm.get("title"), f"{pointer}/title", limits.CONFIRM_TITLE, plain_only=True)
    sheet.text(confirm.get("text"), f"{pointer}/text", limits.CONFIRM_TEXT)
    for key in ("confirm", "deny"):
        sheet.text(confirm.get(key), f"{pointer}/{key}", limits.CONFIRM_BUTTON, plain_only=True)
    sheet.choice(confirm, "style", pointer, ("primary", "danger"))


def check_suggestions(answer: Mapping[str, Any]) -> list[Problem]:
    """Return what Slack would refuse in an app's answer for an external select."""
    sheet = Sheet()
    sheet.keys(answer, "", required=(), optional=("options", "option_groups"))
    if ("options" in answer) == ("option_groups" in answer):
        sheet.add("must provide either options or option_groups", "")
    elif "options" in answer:
        where = "/options"
        for index, option in enumerate(sheet.count(answer["options"], where, least=0, most=limits.OPTIONS)):
            _option(sheet, option, f"{where}/{index}", "external_select")
    else:
        _groups(sheet, {"type": "external_select", **answer}, "")
    return sheet.problems


def _option(sheet: Sheet, option: object, pointer: str, kind: str) -> None:
    if not isinstance(option, Mapping):
        sheet.add("must be an object", pointer)
        return
    more = ("url", "description") if kind == "overflow" else ("description",)
    sheet.keys(option, pointer, required=("text", "value"), optional=more)
    plain_only = kind not in CHOICES
    sheet.text(option.get("text"), f"{pointer}/text", limits.OPTION_TEXT, plain_only=plain_only)
    sheet.string(option, "value", pointer, limits.OPTION_VALUE)
    sheet.string(option, "url", pointer, limits.URL)
    if "description" in option:
        where = f"{pointer}/description"
        sheet.text(option["description"], where, limits.OPTION_DESCRIPTION, plain_only=plain_only)


def _options(sheet: Sheet, element: Mapping[str, Any], pointer: str, most: int) -> None:
    where = f"{pointer}/options"
    for index, option in enumerate(sheet.count(element["options"], where, least=1, most=most)):
        _option(sheet, option, f"{where}/{index}", element["type"])


def _groups(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    where = f"{pointer}/option_groups"
    groups = sheet.count(element["option_groups"], where, least=1, most=limits.OPTION_GROUPS)
    for index, group in enumerate(groups):
        here = f"{where}/{index}"
        if not sheet.is_object(group, here):
            continue
        sheet.keys(group, here, required=("label", "options"), optional=())
        sheet.text(group.get("label"), f"{here}/label", limits.GROUP_LABEL, plain_only=True)
        _options(sheet, {"type": element["type"], "options": group.get("options")}, here, limits.OPTIONS)


def _initial(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    """Refuse an initial choice that is not one of the options, to the letter."""
    offered = list(all_options(element))
    several = element.get("initial_options", [])
    chosen = [element["initial_option"]] if "initial_option" in element else several
    if not isinstance(chosen, list):
        sheet.add("must be an array", f"{pointer}/initial_options")
        return
    key = "initial_option" if "initial_option" in element else "initial_options"
    for option in chosen:
        if option not in offered:
            sheet.add("must match one of the options", f"{pointer}/{key}")


def all_options(element: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the options of a select, groups opened."""
    found = element.get("options", [])
    groups = element.get("option_groups", [])
    options = list(found) if isinstance(found, list) else []
    for group in groups if isinstance(groups, list) else []:
        inner = group.get("options") if isinstance(group, Mapping) else None
        options.extend(inner if isinstance(inner, list) else [])
    return options


def _button_text(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    sheet.text(element["text"], f"{pointer}/text", limits.BUTTON_TEXT, plain_only=True)


def _placeholder(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    sheet.text(element["placeholder"], f"{pointer}/placeholder", limits.PLACEHOLDER, plain_only=True)


def _confirm(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    check_confirm(sheet, element["confirm"], f"{pointer}/confirm")


def _length_bounds(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    for key, least in (("min_length", 0), ("max_length", 1)):
        value = element.get(key, least)
        if not isinstance(value, int) or not least <= value <= limits.INPUT_MAX_LENGTH:
            sheet.add(f"must be between {least} and {limits.INPUT_MAX_LENGTH}", f"{pointer}/{key}")


def _number(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    if element["type"] != "number_input":
        return
    for key in ("min_value", "max_value", "initial_value"):
        value = element.get(key, "0")
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            sheet.add("must be a number in a string", f"{pointer}/{key}")
            return
    least, most = float(element.get("min_value", "-inf")), float(element.get("max_value", "inf"))
    if not least <= float(element.get("initial_value", max(least, min(0.0, most)))) <= most:
        sheet.add("must be between min_value and max_value", f"{pointer}/initial_value")


def _initial_text(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    if element["type"] == "plain_text_input":
        most = element.get("max_length", limits.INPUT_MAX_LENGTH)
        sheet.string(element, "initial_value", pointer, most if isinstance(most, int) else 0)


def _filter(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    wanted, where = element["filter"], f"{pointer}/filter"
    if not sheet.is_object(wanted, where):
        return
    switches = ("exclude_external_shared_channels", "exclude_bot_users")
    sheet.keys(wanted, where, required=(), optional=("include", *switches))
    if not wanted:
        sheet.add("must provide at least one of include and the switches", where)
    for key in switches:
        sheet.choice(wanted, key, where, (True, False))
    if "include" in wanted:
        for kind in sheet.count(wanted["include"], f"{where}/include", least=1, most=4):
            sheet.choice({"include": kind}, "include", where, ("im", "mpim", "private", "public"))


def _string(key: str, longest: int) -> Callable[[Sheet, Mapping[str, Any], str], None]:
    return lambda sheet, element, pointer: sheet.string(element, key, pointer, longest)


def _style(sheet: Sheet, element: Mapping[str, Any], pointer: str) -> None:
    sheet.choice(element, "style", pointer, ("primary", "danger"))


_BY_KEY: Final[Mapping[str, Callable[[Sheet, Mapping[str, Any], str], None]]] = {
    "text": _button_text,
    "placeholder": _placeholder,
    "confirm": _confirm,
    "option_groups": _groups,
    "value": _string("value", limits.BUTTON_VALUE),
    "url": _string("url", limits.URL),
    "accessibility_label": _string("accessibility_label", limits.ACCESSIBILITY_LABEL),
    "style": _style,
    "min_length": _length_bounds,
    "max_length": _length_bounds,
    "is_decimal_allowed": _number,
    "initial_value": _initial_text,
    "filter": _filter,
}
