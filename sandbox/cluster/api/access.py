"""Who calls and what they may do: users by token, and rules in place of RBAC objects."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.cluster.api.errors import Refusal, details_of


class Right(NamedTuple):
    """What somebody asks to do; a subresource is named ``pods/log``, "" stands for all namespaces or no name."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


# Called with the five fields of a Right.
Allow = Callable[[str, str, str, str, str], bool]


def allow_everything(_verb: str, _group: str, _resource: str, _namespace: str, _name: str) -> bool:
    """Grant every request, as cluster-admin does."""
    return True


def allow_nothing(_verb: str, _group: str, _resource: str, _namespace: str, _name: str) -> bool:
    """Grant no request."""
    return False


@dataclass(frozen=True, slots=True)
class Deny:
    """A hole in everybody's rights; ``*`` stands for anything. A subresource is named ``pods/log``."""

    verb: str = "*"
    group: str = "*"
    resource: str = "*"
    namespace: str = "*"
    name: str = "*"

    def covers(self, right: Right) -> bool:
        wanted = (self.verb, self.group, self.resource, self.namespace, self.name)
        return all(rule in {"*", value} for rule, value in zip(wanted, right, strict=True))


Rbac = Collection[Deny] | Allow


def is_allowed_by(rbac: Rbac, right: Right) -> bool:
    """Apply the switch of the whole cluster: deny rules, or a callable that grants."""
    if callable(rbac):
        return rbac(*right)
    return not any(rule.covers(right) for rule in rbac)


@dataclass(frozen=True, slots=True)
class User:
    """A caller and the rights of their own."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)
    allow: Allow = allow_everything


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",), allow_nothing)


def forbidden(user: User, right: Right) -> Refusal:
    """Return the 403 of RBAC, word for word."""
    plural = right.resource.split("/", maxsplit=1)[0]
    qualified = f"{plural}.{right.group}" if right.group else plural
    subject = f'{qualified} "{right.name}"' if right.name else qualified
    where = f'in the namespace "{right.namespace}"' if right.namespace else "at the cluster scope"
    message = (
        f'{subject} is forbidden: User "{user.name}" cannot {right.verb} resource "{right.resource}" '
        f'in API group "{right.group}" {where}'
    )
    return Refusal(403, "Forbidden", message, details_of(right.group, plural, right.name))


def forbidden_path(user: User, path: str) -> Refusal:
    """Return the 403 for a path that is no resource."""
    return Refusal(403, "Forbidden", f'forbidden: User "{user.name}" cannot get path "{path}"', {})
