"""Hands each verb the ports that it names, and nothing else."""

from __future__ import annotations

from typing import Any

from bot.admission import Admission
from bot.domain.actions import Need
from bot.domain.requests import Request
from bot.domain.targets import Scope, Where
from bot.equipment import Equipment
from bot.parser import Parsed
from bot.ports import Asker, Sources


class Sourcing:
    """Makes the sources of one command."""

    def __init__(self, equipment: Equipment, admission: Admission) -> None:
        self._equipment = equipment
        self._admission = admission

    def sources(self, parsed: Parsed, request: Request, where: Where, ask: Asker) -> Sources:
        """Return the sources of a verb. What is kept is None where there is no store."""
        equipment, needs = self._equipment, parsed.action.needs
        scope, store = where.scope, equipment.store
        ports: dict[Need, dict[str, Any]] = {
            Need.CLUSTER: {"cluster": equipment.cluster},
            Need.LOGS: {"logs": equipment.logs},
            Need.REGISTRY: {"registry": equipment.registry},
            Need.RIGHTS: {"rights": equipment.rights},
            Need.CATALOGUE: {"catalogue": self._admission.catalogue_at(scope)},
            Need.PLACES: {"places": equipment.scopes.all()},
            Need.ASK: {"ask": ask},
            Need.LIVE: {"live": equipment.live},
            Need.CHANGES: {"changes": equipment.policy},
            Need.PROBES: {"probes": equipment.probes, "watch": equipment.watch},
            Need.EXTRAS: {"extras": equipment.extras, "watch": equipment.watch},
            Need.DIGESTS: {"digests": equipment.digests},
            # The store's parts are asked for only where they are needed: one that is not open yet has none.
            Need.AUDIT: {"audit": store.audit_trail} if store and Need.AUDIT in needs else {},
            Need.INBOX: {"inbox": store.inbox} if store and Need.INBOX in needs else {},
            Need.RECORD: (
                {"record": store.record, "operations": store.operations} if store and Need.RECORD in needs else {}
            ),
            Need.WATCHED: {
                "watch": equipment.watch,
                "calendar": equipment.calendar,
                **(
                    {"history": store.history, "episodes": store.episodes, "slots": store.slots}
                    if store and Need.WATCHED in needs
                    else {}
                ),
            },
        }
        handed = {name: port for need in needs for name, port in ports[need].items()}
        return Sources(scope=scope, where=where, request=request, now=equipment.clock.now(), **handed)

    def words_to(self, scope: Scope) -> str:
        """Return the words by which a button's command comes back to `scope`.

        Where services have places of their own, a bare name could lead there: then the place is always named.
        """
        equipment = self._equipment
        default = equipment.scopes.default_of()
        entries = equipment.catalogue.entries.values()
        spread = any(
            (e.cluster or default.cluster, e.namespace or default.namespace) != (default.cluster, default.namespace)
            for e in entries
        )
        return equipment.scopes.words(scope, always=spread)
