"""Names, labels and annotations of every object, and what may not change of them."""

from __future__ import annotations

import re

from sandbox.cluster.api.kinds import Kind
from sandbox.cluster.store import Json
from sandbox.cluster.validation.faults import IMMUTABLE, Faults, forbidden, invalid, required

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SERVICE = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_KEY_NAME})?"
SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and"
    f" end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with"
    f" an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_SERVICE_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character,"
    " and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is"
    f" '{_SERVICE}')"
)
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
    f" character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_KEY_NAME}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and"
    " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is"
    f" '({_KEY_NAME})?')"
)
_TOO_LONG = "must be no more than {} characters"
_NAME_FORMS = {"services": (_SERVICE, _SERVICE_TEXT, 63), "namespaces": (_LABEL, LABEL_TEXT, 63)}


def metadata_faults(kind: Kind, metadata: Json) -> Faults:
    """Return what is wrong with the metadata of an object that is to be created."""
    name = metadata.get("name", "")
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    pattern, text, limit = _NAME_FORMS.get(kind.resource, (_SUBDOMAIN, SUBDOMAIN_TEXT, 253))
    faults = name_faults("metadata.name", name, pattern, text, limit)
    return [*faults, *labels_faults("metadata.labels", metadata), *annotations_faults("metadata.annotations", metadata)]


def metadata_update_faults(before: Json, after: Json) -> Faults:
    """Return what may not change of an object's metadata."""
    faults: Faults = []
    if after.get("uid", before["uid"]) != before["uid"]:
        fault = invalid("metadata.uid", after["uid"], IMMUTABLE)
        faults += [fault, fault]  # the server says it twice
    if "deletionTimestamp" in before:
        added = set(after.get("finalizers") or ()) - set(before.get("finalizers") or ())
        if added:
            text = "no new finalizers can be added if the object is being deleted, found new finalizers"
            fault = forbidden("metadata.finalizers", f"{text} []string{{{_listed(sorted(added))}}}")
            faults += [fault, fault]
    return [*faults, *labels_faults("metadata.labels", after), *annotations_faults("metadata.annotations", after)]


def name_faults(path: str, name: str, pattern: str = _LABEL, text: str = LABEL_TEXT, limit: int = 63) -> Faults:
    """Return what is wrong with a name."""
    faults = [] if len(name) <= limit else [invalid(path, name, _TOO_LONG.format(limit))]
    return faults if re.fullmatch(pattern, name) else [*faults, invalid(path, name, text)]


def labels_faults(path: str, metadata: Json) -> Faults:
    """Return what is wrong with labels."""
    faults: Faults = []
    for key, value in sorted((metadata.get("labels") or {}).items()):
        faults += _key_faults(path, key)
        if len(value) > 63:
            faults.append(invalid(path, value, _TOO_LONG.format(63)))
        if not re.fullmatch(_LABEL_VALUE, value):
            faults.append(invalid(path, value, _VALUE_TEXT))
    return faults


def annotations_faults(path: str, metadata: Json) -> Faults:
    """Return what is wrong with the names of annotations."""
    return [fault for key in sorted(metadata.get("annotations") or {}) for fault in _key_faults(path, key.lower(), key)]


def _key_faults(path: str, key: str, shown: str = "") -> Faults:
    prefix, slash, name = key.rpartition("/")
    faults: Faults = []
    if slash and not re.fullmatch(_SUBDOMAIN, prefix):
        faults.append(invalid(path, shown or key, f"prefix part {SUBDOMAIN_TEXT}"))
    if not re.fullmatch(_KEY_NAME, name):
        faults.append(invalid(path, shown or key, _KEY_TEXT))
    return faults


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
