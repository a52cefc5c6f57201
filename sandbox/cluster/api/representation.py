"""In which form an object is wanted: whole, as a table, or its metadata alone; read from the Accept header."""

from __future__ import annotations

from enum import Enum

from sandbox.cluster.api.errors import MEDIA_TYPES, no_representation, not_acceptable
from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.store import Json

META_VERSION = "meta.k8s.io/v1"
_JSON_TYPES = frozenset({"application/json", "application/*", "*/*"})


class Representation(Enum):
    """A form that one object, a list, or the events of a watch can take."""

    OBJECT = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"
    METADATA_LIST = "PartialObjectMetadataList"


_FORMS = {form.value: form for form in Representation if form.value}


def negotiate(accept: str, *, is_list: bool = False) -> Representation:
    """Choose the first form of an Accept header that is served. Raises Refusal (406)."""
    is_readable = False
    for offer in accept.split(",") if accept.strip() else ["*/*"]:
        media, *parameters = (part.strip() for part in offer.split(";"))
        if media not in _JSON_TYPES:
            continue
        is_readable = True
        wanted = dict(part.split("=", maxsplit=1) for part in parameters if "=" in part)
        if "as" not in wanted:
            return Representation.OBJECT
        if (wanted.get("g"), wanted.get("v")) == ("meta.k8s.io", "v1") and wanted["as"] in _FORMS:
            return _FORMS[wanted["as"]]
    if not is_readable:
        raise no_representation(is_list=is_list)
    raise not_acceptable(f"only the following media types are accepted: {MEDIA_TYPES}")


def typed(kind: Kind, obj: Json) -> Json:
    """Return the object with kind and apiVersion in front, as it stands alone."""
    rest = {key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}}
    return {"kind": kind.kind, "apiVersion": kind.api_version, **rest}


def untyped(obj: Json) -> Json:
    """Return the object as it stands in a list, without kind and apiVersion."""
    return {key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}}


def metadata_of(obj: Json) -> Json:
    """Return the metadata alone, as an object of its own."""
    return {"kind": "PartialObjectMetadata", "apiVersion": META_VERSION, "metadata": obj["metadata"]}


def check_for_list(kind: Kind, shape: Representation) -> None:
    """Refuse the form of a single object for a list. Raises Refusal (406)."""
    if shape is Representation.METADATA:
        raise not_acceptable(
            "you requested PartialObjectMetadata, but the requested object is a list "
            f"(*{kind.go_package}.{kind.kind}List)"
        )


def check_for_object(kind: Kind, shape: Representation) -> None:
    """Refuse the form of a list for a single object. Raises Refusal (406)."""
    if shape is Representation.METADATA_LIST:
        raise not_acceptable(
            "you requested PartialObjectMetadataList, but the requested object is not a list "
            f"(*{kind.go_package}.{kind.kind})"
        )
