"""The method table: everything the Web API knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sandbox.slack.methods import apps, chat, conversations, files, reactions, usergroups, users, views
from sandbox.slack.methods.base import Method

_FAMILIES: Final = (apps, chat, conversations, files, reactions, usergroups, users, views)
METHODS: Final[Mapping[str, Method]] = {method.name: method for family in _FAMILIES for method in family.METHODS}
