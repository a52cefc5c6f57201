"""Names as the cluster makes them: suffixes, uids, and the hash of a pod template."""

from __future__ import annotations

import json
import uuid
from random import Random

from sandbox.cluster.store import Json

_SAFE = "bcdfghjklmnpqrstvwxz2456789"  # no vowels: no words by accident
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


def suffix(random: Random, length: int = 5) -> str:
    """Make the end of a generated name."""
    return "".join(random.choices(_SAFE, k=length))


def uid(random: Random) -> str:
    """Make the uid of an object."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def hexadecimal(random: Random, length: int = 64) -> str:
    """Make the id of a container or the digest of an image."""
    return f"{random.getrandbits(length * 4):0{length}x}"


def template_hash(template: Json) -> str:
    """Return the pod-template-hash of a template: equal templates have equal hashes, in every world."""
    value = _FNV_OFFSET
    for byte in json.dumps(template, sort_keys=True).encode():
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return "".join(_SAFE[ord(digit) % len(_SAFE)] for digit in str(value))
