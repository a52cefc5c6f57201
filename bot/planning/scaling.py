"""What another number of pods means: what speaks against it, what it takes, what goes and what stays. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain.catalogue import CatalogueEntry
from bot.domain.live import Json, metadata_of
from bot.domain.plans import Fact, Refusal
from bot.domain.snapshot import Freshness, Part
from bot.domain.steps.base import spec_of
from bot.domain.text import count, listed
from bot.planning.budgets import budgets_of
from bot.planning.ground import Ground
from bot.planning.rolling import rolling_of
from bot.planning.room import QuotaRoom, room_in_quotas, room_on_nodes
from bot.planning.troubles import MET_BY_MORE_PODS, own_trouble, refused_for_harm
from bot.planning.words import doubts, labels_of, word_for

_FEW = 2
_MOST_QUOTAS = 3
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """From `was` pods of a workload to `to`."""

    ground: Ground
    was: int
    to: int

    @property
    def more(self) -> int:
        """How many are added; negative when some go."""
        return self.to - self.was

    @property
    def deletes_claims(self) -> bool:
        """Whether the volume claims of the pods that go are deleted with them."""
        retention: Json = spec_of(self.ground.live.object).get("persistentVolumeClaimRetentionPolicy") or {}
        return self.more < 0 and bool(self.claims) and retention.get("whenScaled") == "Delete"

    @property
    def claims(self) -> tuple[str, ...]:
        """The names of the claims that each pod of a StatefulSet has for itself, without the pod's own name."""
        templates = spec_of(self.ground.live.object).get("volumeClaimTemplates") or ()
        return tuple(str(metadata_of(each).get("name", "")) for each in templates)


def refusal(sizing: Sizing) -> Refusal | None:
    """Refuse more pods that cannot start, or that would only make a trouble worse."""
    if sizing.more <= 0:
        return None
    trouble = own_trouble(sizing.ground, MET_BY_MORE_PODS)
    if trouble is not None:
        name = sizing.ground.name
        return refused_for_harm(trouble, f"More pods of {name} do not help: they would meet the same trouble.")
    return _over_quota(sizing) or _over_connections(sizing)


def _over_quota(sizing: Sizing) -> Refusal | None:
    room = next((each for each in room_in_quotas(sizing.ground) if each.certain), None)
    if room is None or room.pods >= sizing.more:
        return None
    bears = f"room for {count(room.pods, 'more pod')}" if room.pods else "no room for another pod"
    wanted = f", not for {sizing.more}" if room.pods or sizing.more > 1 else ""
    return Refusal(
        reason=f"Quota {room.quota} leaves {bears} of {sizing.ground.name}{wanted}.",
        facts=(
            Fact("quota", f"it would be {room.after(sizing.more)}"),
            Fact("by hand", f"kubectl -n {sizing.ground.scope.namespace} describe quota {room.quota}"),
        ),
        commands=_instead(sizing, sizing.was + room.pods, "as many as the quota bears"),
    )


def _over_connections(sizing: Sizing) -> Refusal | None:
    entry = _entry(sizing.ground)
    if entry is None or not entry.connections_limit or sizing.to * entry.connections_per_pod <= entry.connections_limit:
        return None
    each, most = entry.connections_per_pod, entry.connections_limit
    return Refusal(
        reason=f"{sizing.to} pods of {sizing.ground.name} may open {sizing.to * each} connections; its database bears"
        f" {most}.",
        facts=(Fact("connections", f"{each} for each pod: see pool sizes before there are more pods"),),
        commands=_instead(sizing, most // each, "as many as the database bears"),
    )


def _instead(sizing: Sizing, to: int, why: str) -> tuple[Fact, ...]:
    return (Fact(f"scale {word_for(sizing.ground)} {to}", why),) if to > sizing.was else ()


# --- facts ------------------------------------------------------------------------------------------------------------


def facts(sizing: Sizing) -> Iterator[Fact]:
    """Say what there is room for, what it takes of quotas and of the database, and what goes."""
    if sizing.more > 0:
        yield Fact("room", str(room_on_nodes(sizing.ground)))
        quotas = [each.after(sizing.more) for each in room_in_quotas(sizing.ground)[:_MOST_QUOTAS]]
        if quotas:
            yield Fact("quota", f"afterwards {listed(quotas)}")
    yield from _connections(sizing)
    if sizing.ground.target.kind == "StatefulSet":
        yield from _ordinals(sizing)


def _connections(sizing: Sizing) -> Iterator[Fact]:
    entry = _entry(sizing.ground)
    if entry is not None:
        most = f" of {entry.connections_limit}" if entry.connections_limit else ""
        yield Fact("database", f"up to {sizing.to * entry.connections_per_pod}{most} connections afterwards")


def _entry(ground: Ground) -> CatalogueEntry | None:
    """Return what the catalogue says of the workload, where it says how many connections its pods open."""
    entry = ground.catalogue.entries.get(ground.service)
    return entry if entry is not None and entry.connections_per_pod else None


def _ordinals(sizing: Sizing) -> Iterator[Fact]:
    spec = spec_of(sizing.ground.live.object)
    first, name = int((spec.get("ordinals") or {}).get("start", 0)), sizing.ground.target.name
    changed = range(min(sizing.was, sizing.to), max(sizing.was, sizing.to))
    pods = [f"{name}-{first + number}" for number in changed]
    if sizing.more < 0:
        yield Fact("pods that go", f"{listed(pods[::-1], _MOST_NAMED)}, the highest first")
    claims = [f"{claim}-{pod}" for pod in pods for claim in sizing.claims]
    if claims and sizing.more < 0:
        one = len(claims) == 1
        stay = f"stay{'s' if one else ''}, with {'its' if one else 'their'} data"
        gone = f"{'is' if one else 'are'} deleted"
        yield Fact("volumes", f"{listed(claims, _MOST_NAMED)} {gone if sizing.deletes_claims else stay}")
    elif claims:
        yield Fact("volumes", f"{listed(claims, _MOST_NAMED)}: those that are still there are used again")
    held = int(((spec.get("updateStrategy") or {}).get("rollingUpdate") or {}).get("partition") or 0)
    if held > first:
        yield Fact("partition", f"pods below {name}-{held} are of the revision before, also new ones")


# --- warnings ---------------------------------------------------------------------------------------------------------


def warnings(sizing: Sizing) -> tuple[str, ...]:
    """Say what could go wrong with the new number, and what of the picture is in doubt."""
    side: tuple[str, ...] = ()
    if sizing.more:
        side = (*(_growing(sizing) if sizing.more > 0 else _shrinking(sizing)), *_ordered(sizing))
    return (*side, *_scalers_unread(sizing.ground), *doubts(sizing.ground))


def _growing(sizing: Sizing) -> Iterator[str]:
    room = room_on_nodes(sizing.ground)
    if room.pods is not None and room.pods < sizing.more:
        yield f"{count(sizing.more - room.pods, 'pod')} would wait for a node with room."
    elif not room.takes(sizing.more):
        yield f"Whether the new pods find a node is not certain: {room.why or 'rules and volumes bind them'}."
    for quota in _unsure(sizing):
        yield f"Quota {quota.quota} may be about these pods, and leaves room for {quota.pods} only."


def _unsure(sizing: Sizing) -> list[QuotaRoom]:
    return [each for each in room_in_quotas(sizing.ground) if not each.certain and each.pods < sizing.more][:1]


def _shrinking(sizing: Sizing) -> Iterator[str]:
    if sizing.to < _FEW:
        yield "One pod is left: whenever it ends, nobody is served until another is ready."
    elif sizing.to * 2 < sizing.was:
        yield "More than half of the pods go at once; those that stay take over their load."
    for budget in budgets_of(sizing.ground.surroundings, labels_of(sizing.ground)):
        if budget.least is not None and budget.least >= sizing.to:
            yield (
                f"The disruption budget {budget.name} asks for {budget.least} healthy pods: with {sizing.to} none may"
                " be evicted, so no node that has one can be drained."
            )
    if sizing.deletes_claims:
        yield "The volume claims of the pods that go are deleted with them: their data is lost for good."


def _ordered(sizing: Sizing) -> Iterator[str]:
    """Warn of a StatefulSet that does one pod after the other, and stops at one that is not ready."""
    spec, kind = spec_of(sizing.ground.live.object), sizing.ground.target.kind
    if kind != "StatefulSet" or spec.get("podManagementPolicy", "OrderedReady") != "OrderedReady":
        return
    ready = rolling_of(kind, sizing.ground.live.object).ready
    if ready < sizing.was:
        lacking = count(sizing.was - ready, "pod")
        yield f"It adds and removes one pod after the other, and {lacking} not ready may keep it from going on."


def _scalers_unread(ground: Ground) -> Iterator[str]:
    status = ground.snapshot.status(Part.AUTOSCALERS)
    if status.freshness is Freshness.MISSING:
        yield f"Whether an autoscaler sets this number could not be read ({status.reason})."
