"""People at terminals: a kubeconfig's user is taken for the person that the configuration names. Pure.

What a terminal writes down says which user that was, and whoever carries it out decides by its own configuration whose
word it is.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain.change_policy import ChangePolicy
from bot.domain.people import Actor
from bot.domain.requests import Place, Request, Surface
from bot.errors import UsageError
from bot.ports import Claimed

_KEY = "terminal"


def person_at(policy: ChangePolicy, user: str) -> str:
    """Return the user id that a kubeconfig's user stands for. Raises `UsageError` saying how to configure it."""
    person = policy.terminals.get(user, "")
    if not person:
        raise UsageError(
            f'The user of this kubeconfig, "{user}", stands for nobody: an administrator has to list it under the'
            f' terminals of its person, [people.NAME] in ragops.toml (terminals = ["{user}"]).'
        )
    return person


def terminal_request(policy: ChangePolicy, user: str, text: str, *, nonce: str) -> Request:
    """Make the request of a terminal to be written down. Raises `UsageError` when its user is nobody.

    What its person alone is told reaches them by a direct message.
    """
    person = person_at(policy, user)
    return Request(
        key=f"{_KEY}:{nonce}:{user}",
        actor=Actor(person, ""),
        surface=Surface.TERMINAL,
        text=text,
        place=Place(person),
    )


def of_terminal(claimed: Claimed, policy: ChangePolicy, team_id: str) -> Claimed:
    """Return a request with the workspace of its person, where a terminal wrote it down; any other as it is.

    Raises `UsageError` when the terminal's user is not, or no longer, that person.
    """
    request = claimed.request
    if request.surface is not Surface.TERMINAL:
        return claimed
    kind, _, rest = request.key.partition(":")
    user = rest.partition(":")[2]
    person = person_at(policy, user)
    if kind != _KEY or request.actor != Actor(person, ""):
        raise UsageError(f'The user of that kubeconfig, "{user}", is somebody else here.')
    return replace(claimed, request=replace(request, actor=Actor(person, team_id)))
