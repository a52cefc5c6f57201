"""Ingresses: their class, hosts, certificates and addresses."""

from __future__ import annotations

from bot.checkup.attentions import from_findings
from bot.checkup.kinds import SectionKind
from bot.checkup.seen import Seen, unread
from bot.domain.objects import Ingress
from bot.domain.snapshot import Part
from bot.domain.text import count, in_short
from bot.domain.watch.checkups import Section

NAME = "ingresses"
_MOST_NAMED = 2


def look(seen: Seen) -> Section:
    looks = seen.cluster.seen
    problem = unread(seen, (Part.INGRESSES,))
    if looks is None:
        return Section(name=NAME, problem=problem)
    ingresses = looks.extent.ingresses
    if not ingresses:
        return Section(name=NAME, problem=problem, absent=not problem)
    waiting = [each.meta.name for each in ingresses if not each.addresses]
    if len(ingresses) <= _MOST_NAMED:
        words = "; ".join(_words(each) for each in ingresses)
    else:
        hosts = {route.host for each in ingresses for route in each.routes if route.host}
        classes = sorted({each.ingress_class or "default" for each in ingresses})
        words = f"{len(ingresses)} for {count(len(hosts), 'host')} ({', '.join(classes[:3])})"
        words += f", without an address: {', '.join(waiting[:3])}" if waiting else ", all with an address"
    return Section(name=NAME, words=words, problem=problem, noted=bool(waiting), attentions=from_findings(seen, NAME))


def _words(ingress: Ingress) -> str:
    hosts = list(dict.fromkeys(route.host or "any host" for route in ingress.routes))
    parts = [
        f"{ingress.meta.name} ({ingress.ingress_class or 'default class'}) {in_short(hosts, 2)}".rstrip(),
        f"TLS {', '.join(ingress.tls_secrets[:2])}" if ingress.tls_secrets else "",
        f"at {ingress.addresses[0]}" if ingress.addresses else "without an address",
    ]
    return ", ".join(filter(None, parts))


SECTION = SectionKind(order=40, reading="cluster", look=look)
