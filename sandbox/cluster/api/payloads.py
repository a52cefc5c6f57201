"""Bodies of POSTs: JSON, and the protobuf that kubectl sends for the reviews of its own rights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.cluster.api.errors import Refusal, bad_request
from sandbox.cluster.store import Json

_MAGIC = b"k8s\x00"
_PROTOBUF = "application/vnd.kubernetes.protobuf"
# Field numbers of k8s.io/api: a name for a string, a pair for a message.
_Fields = dict[int, "str | tuple[str, _Fields]"]
_RESOURCE: _Fields = {
    1: "namespace",
    2: "verb",
    3: "group",
    4: "version",
    5: "resource",
    6: "subresource",
    7: "name",
}
_SPECS: dict[str, _Fields] = {
    "SelfSubjectAccessReview": {
        1: ("resourceAttributes", _RESOURCE),
        2: ("nonResourceAttributes", {1: "path", 2: "verb"}),
    },
    "SelfSubjectRulesReview": {1: "namespace"},
    "SelfSubjectReview": {},
}


@dataclass(frozen=True, slots=True)
class Payload:
    """A body as it came."""

    content_type: str = ""
    data: bytes = b""
    agent: str = ""  # who sent it, by its User-Agent

    @property
    def media(self) -> str:
        """Return the content type without its parameters."""
        return self.content_type.split(";", maxsplit=1)[0].strip()

    def parse(self, kind: str) -> Json:
        """Read the body as an object of a kind. Raises Refusal (400, 415)."""
        if self.media == _PROTOBUF:
            return _parse_protobuf(self.data, kind)
        check_media(self.media)
        try:
            body = json.loads(self.data or b"{}")
        except ValueError:
            raise bad_request(f"{kind} in version is not readable: the body is no JSON") from None
        if not isinstance(body, dict):
            raise bad_request(f"{kind} in version is not readable: the body is no object")
        return body


def check_media(media: str) -> None:
    """Refuse a body that is no JSON. Raises Refusal (415)."""
    if media not in {"", "application/json"}:
        accepted = f"application/json, application/yaml, {_PROTOBUF}"
        message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        raise Refusal(415, "UnsupportedMediaType", message)


def _parse_protobuf(data: bytes, kind: str) -> Json:
    """Read the spec of a review: an envelope (runtime.Unknown) whose field 2 holds the object."""
    try:
        if not data.startswith(_MAGIC):
            raise ValueError("no magic")  # noqa: TRY301  # one way out for all that is unreadable
        for number, raw in _messages(data[len(_MAGIC) :]):
            if number == 2:
                specs = [_decode(spec, _SPECS[kind]) for field, spec in _messages(raw) if field == 2]
                return {"spec": specs[0]} if specs else {}
    except (ValueError, IndexError):
        raise bad_request("the body is no readable protobuf") from None
    return {}


def _decode(data: bytes, names: _Fields) -> Json:
    decoded: Json = {}
    for number, raw in _messages(data):
        field = names.get(number)
        if isinstance(field, str) and raw:
            decoded[field] = raw.decode()
        elif isinstance(field, tuple):
            decoded[field[0]] = _decode(raw, field[1])
    return decoded


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields that have a length; numbers are passed over."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _varint(data, at)
        if tag & 7 == 2:
            if at + value > len(data):
                raise ValueError("cut short")
            yield tag >> 3, data[at : at + value]
            at += value
        elif tag & 7:
            raise ValueError("no field of a review")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
