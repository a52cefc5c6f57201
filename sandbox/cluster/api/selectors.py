"""Label and field selectors: parsing with the server's own messages, and matching. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.cluster.api.errors import bad_request
from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.store import Json

_SPECIAL = frozenset("=!(),><")
_SYMBOLS = frozenset({"!", "=", "==", "!=", ">", "<", "(", ")", ","})
_OPERATORS = {
    "in": "in",
    "notin": "notin",
    "=": "=",
    "==": "=",
    "!=": "!=",
    ">": ">",
    "<": "<",
}
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


class SelectorSyntaxError(ValueError):
    """The text is no selector; the message is the one that the API answers with."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: operator is one of in, notin, =, !=, exists, !, > and <."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "in" | "=":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        if value is None or not _is_integer(value):
            return False
        (bound,) = self.values
        return int(value) > int(bound) if self.operator == ">" else int(value) < int(bound)


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All of its requirements must hold; none means everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)


def parse_labels(text: str) -> LabelSelector:
    """Parse a label selector as the server does. Raises SelectorSyntaxError."""
    return _LabelParser(_tokens(text)).parse()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "word", "end", "bad" or the symbol itself
    text: str


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at] in " \r\t\n":
            at += 1
        elif text[at] in _SPECIAL:
            symbol = next((text[at : at + size] for size in (2, 1) if text[at : at + size] in _SYMBOLS), "")
            tokens.append(_Token(symbol, symbol))
            at += len(symbol)
        else:
            end = at
            while end < len(text) and text[end] not in _SPECIAL and text[end] not in " \r\t\n":
                end += 1
            tokens.append(_Token("word", text[at:end]))
            at = end
    return [*tokens, _Token("end", "")]


class _LabelParser:
    """Recursive descent in the server's order of checks, so that the first complaint is the same."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def parse(self) -> LabelSelector:
        requirements: list[Requirement] = []
        while self._peek().kind != "end":
            if self._peek().kind not in {"word", "!"}:
                raise SelectorSyntaxError(f"found '{self._peek().text}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self._requirement())
            except SelectorSyntaxError as error:
                raise SelectorSyntaxError(f"unable to parse requirement: {error}") from None
            self._separator()
        return LabelSelector(tuple(requirements))

    def _separator(self) -> None:
        token = self._take()
        if token.kind == "end":
            return
        if token.kind != ",":
            raise SelectorSyntaxError(f"found '{token.text}', expected: ',' or 'end of string'")
        if self._peek().kind not in {"word", "!"}:
            raise SelectorSyntaxError(f"found '{self._peek().text}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        token = self._take()
        absent = token.kind == "!"
        if absent:
            token = self._take()
        if token.kind != "word":
            raise SelectorSyntaxError(f"found '{token.text}', expected: identifier")
        _check_key(token.text)
        if self._peek().kind in {"end", ","}:
            return Requirement(token.text, "!" if absent else "exists")
        operator_token = self._take()
        operator = _OPERATORS.get(operator_token.text)
        if operator is None:
            raise SelectorSyntaxError(f"found '{operator_token.text}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._set() if operator in {"in", "notin"} else frozenset({self._exact()})
        _check_values(token.text, operator, values)
        return Requirement(token.text, operator, values)

    def _exact(self) -> str:
        if self._peek().kind in {"end", ","}:
            return ""
        token = self._take()
        if token.kind != "word":
            raise SelectorSyntaxError(f"found '{token.text}', expected: identifier")
        return token.text

    def _set(self) -> frozenset[str]:
        token = self._take()
        if token.kind != "(":
            raise SelectorSyntaxError(f"found '{token.text}' expected: '('")
        if self._peek().kind not in {"word", ",", ")"}:
            raise SelectorSyntaxError(f"found '{self._peek().text}', expected: ',', ')' or identifier")
        values = {self._item()}
        while True:
            token = self._take()
            if token.kind == ")":
                return frozenset(values)
            if token.kind != ",":
                raise SelectorSyntaxError(f"found '{token.text}', expected: ',' or ')'")
            values.add(self._item())

    def _item(self) -> str:
        """Return a member of a set; an empty one may stand between, before and after the commas."""
        return self._take().text if self._peek().kind == "word" else ""


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if len(name) > 63 or not _NAME.fullmatch(name):
        raise SelectorSyntaxError(f'key: Invalid value: "{key}": {_NAME_RULE}')
    if slash and (len(prefix) > 253 or not _PREFIX.fullmatch(prefix)):
        raise SelectorSyntaxError(f'key: Invalid value: "{key}": prefix part a lowercase RFC 1123 subdomain must hold')


def _check_values(key: str, operator: str, values: frozenset[str]) -> None:
    if operator in {"<", ">"} and not all(_is_integer(value) for value in values):
        (value,) = values
        message = "for 'Gt', 'Lt' operators, the value must be an integer"
        raise SelectorSyntaxError(f'values[0]: Invalid value: "{value}": {message}')
    for position, value in enumerate(sorted(values)):
        if value and (len(value) > 63 or not _NAME.fullmatch(value)):
            raise SelectorSyntaxError(f'values[{position}][{key}]: Invalid value: "{value}": {_VALUE_RULE}')


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,18}", text) is not None


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One ``field=value`` or ``field!=value``."""

    field: str
    equal: bool
    value: str


def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """Parse a field selector; a backslash escapes ``,``, ``=`` and itself. Raises SelectorSyntaxError."""
    terms: list[FieldTerm] = []
    for part in re.findall(r"(?:[^,\\]|\\.)+", text):
        split = re.fullmatch(r"((?:[^=!\\]|\\.)*)(!=|==|=)(.*)", part, re.DOTALL)
        if split is None:
            raise SelectorSyntaxError(f"invalid selector: '{text}'; can't understand '{part}'")
        name, operator, value = split.groups()
        terms.append(FieldTerm(name, operator != "!=", re.sub(r"\\([\\,=])", r"\1", value)))
    return tuple(terms)


def check_fields(kind: Kind, terms: tuple[FieldTerm, ...]) -> None:
    """Refuse a field by which the kind cannot be selected. Raises SelectorSyntaxError."""
    for term in terms:
        if term.field in {"metadata.name", "metadata.namespace"} or term.field in kind.fields:
            continue
        if kind.fields:
            raise SelectorSyntaxError(f"field label not supported: {term.field}")
        raise SelectorSyntaxError(
            f'"{term.field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )


def field_value(kind: Kind, obj: Json, field: str) -> str:
    """Return the text that a field selector compares; what is absent is empty."""
    if kind.resource == "events" and field == "source":
        return str((obj.get("source") or {}).get("component") or obj.get("reportingComponent") or "")
    value: object = obj
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if field in {"spec.hostNetwork", "spec.unschedulable"}:
        return "true" if value else "false"
    if field == "status.successful":
        return str((obj.get("status") or {}).get("succeeded", 0))
    return "" if value is None else str(value)


Matcher = Callable[[Json], bool]


def matcher(kind: Kind, label_selector: str, field_selector: str) -> Matcher | None:
    """Return the test of both selectors, or None when everything matches. Raises Refusal (400)."""
    try:
        labels, terms = parse_labels(label_selector), parse_fields(field_selector)
        check_fields(kind, terms)
    except SelectorSyntaxError as error:
        raise bad_request(str(error)) from None
    if not labels.requirements and not terms:
        return None

    def matches(obj: Json) -> bool:
        if not labels.matches(obj["metadata"].get("labels") or {}):
            return False
        return all((field_value(kind, obj, term.field) == term.value) == term.equal for term in terms)

    return matches


def selector_text(selector: Json | None) -> str:
    """Write a label selector object as text, ``app=api,tier in (a,b)``."""
    if not selector:
        return ""
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for entry in selector.get("matchExpressions") or []:
        key, values = entry["key"], ",".join(sorted(entry.get("values") or []))
        match entry["operator"]:
            case "Exists":
                terms.append(key)
            case "DoesNotExist":
                terms.append(f"!{key}")
            case operator:
                terms.append(f"{key} {operator.lower()} ({values})")
    return ",".join(terms)
