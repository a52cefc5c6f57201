"""What it takes to change something: rules by risk and place, times, freezes, who is one person and on call. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.domain.approval import NOBODY_ON_CALL, OnCall, Rule, RuleSet, as_strict
from bot.domain.people import RoleName
from bot.domain.plans import Plan, Risk
from bot.domain.targets import Where

_APPROVERS = RuleSet(name="approvers", roles=(RoleName.APPROVER,))
_TWO_APPROVERS = RuleSet(name="approvers", count=2, roles=(RoleName.APPROVER,))
DEFAULT_RULES: Mapping[Risk, Rule] = MappingProxyType(
    {
        Risk.LOW: Rule(),
        Risk.MEDIUM: Rule(sets=(_APPROVERS,), humans=1),
        Risk.HIGH: Rule(sets=(_TWO_APPROVERS,), humans=2),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFor:
    """A rule of the configuration and where it holds; an empty set means any. `forbidden` allows it nobody."""

    rule: Rule = field(default_factory=Rule)
    forbidden: str = ""
    verbs: frozenset[str] = frozenset()
    risks: frozenset[Risk] = frozenset()
    clusters: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    def holds(self, verb: str, risk: Risk, where: Where) -> bool:
        """Tell whether this rule is about a change."""
        return (
            (not self.verbs or verb in self.verbs)
            and (not self.risks or risk in self.risks)
            and (not self.clusters or where.scope.cluster in self.clusters)
            and (not self.namespaces or where.scope.namespace in self.namespaces)
            and (not self.services or where.service in self.services)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rota:
    """A static rota: `people` take turns of `turn_days` days from `starts` on (an aware moment, the handover's time).

    Without `starts` there is nobody on call. Each tier is one rota.
    """

    people: tuple[str, ...] = ()
    starts: datetime | None = None
    turn_days: int = 7
    tier: int = 1

    def at(self, now: datetime) -> str:
        """Return the user id of who is on call; empty for nobody."""
        if not self.people or self.starts is None or now < self.starts:
            return ""
        turns = (now - self.starts) // timedelta(days=self.turn_days)
        return self.people[turns % len(self.people)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePolicy:
    """The part of `ragops.toml` about changes. The first of `rules` that is about a change decides, else its risk.

    `version` is a short digest of all of it. `humans` maps accounts (user ids) to the one person behind them, and
    `terminals` the user names of kubeconfigs to user ids. `channel` gets the cards of requests that were made where no
    others are. `direct_messages` is to how many approvers at most a card is sent directly, too: where more may approve,
    to none. Times are seconds.
    """

    version: str = "default"
    rules: Sequence[RuleFor] = ()
    defaults: Mapping[Risk, Rule] = field(default_factory=lambda: DEFAULT_RULES)
    time_to_live_s: int = 900
    times_to_live_s: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    execute_within_s: int = 120
    frozen: Sequence[RuleFor] = ()
    scale_cap: int = 20
    channel: str = ""
    direct_messages: int = 10
    humans: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    terminals: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rotas: Sequence[Rota] = ()

    def rule_for(self, verb: str, risk: Risk, where: Where) -> Rule:
        """Return the rule of a change. Call `refusal` first."""
        return next((each.rule for each in self.rules if each.holds(verb, risk, where)), self.defaults[risk])

    def refusal(self, verb: str, risk: Risk, where: Where) -> str:
        """Say why nobody may make a change now: forbidden, or frozen; empty when it can be asked for."""
        frozen = next((each.forbidden for each in self.frozen if each.holds(verb, risk, where)), "")
        if frozen:
            return f"changes are frozen here: {frozen}"
        return next((each.forbidden for each in self.rules if each.holds(verb, risk, where)), "")

    def against(self, plan: Plan) -> str:
        """Say what the policy of now has against a plan: forbidden, frozen, or stricter; empty for nothing."""
        draft = plan.draft
        refusal = self.refusal(draft.verb, draft.risk, draft.where)
        if refusal:
            return refusal
        if not as_strict(plan.rule, self.rule_for(draft.verb, draft.risk, draft.where)):
            return "it takes more to approve this than when it was asked for"
        return ""

    def lives_s(self, verb: str) -> int:
        """Return how long a request waits for its approvals."""
        return self.times_to_live_s.get(verb, self.time_to_live_s)

    def human_of(self, user_id: str) -> str:
        """Return the person behind an account; an account that nobody linked is its own person."""
        return self.humans.get(user_id, user_id)

    def on_call(self, now: datetime) -> OnCall:
        """Return who is on call."""
        people = tuple((who, rota.tier) for rota in self.rotas if (who := rota.at(now)))
        return OnCall(people) if people else NOBODY_ON_CALL
