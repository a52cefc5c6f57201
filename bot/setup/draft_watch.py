"""What a first `ragops.toml` says about watching, all of it in comments: whoever fills it in knows what may be asked.

Dependencies are proposed from the Services of a cluster, by the ports that they offer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.objects import Service
from bot.domain.watch.likely import likely_dependency
from bot.domain.watch.probes import ProbeKind
from bot.setup.names import LONGEST, Named, is_label
from bot.setup.written import PLACEHOLDER

_CREDENTIALS = {ProbeKind.POSTGRESQL: "DSN", ProbeKind.REDIS: "PASSWORD", ProbeKind.QDRANT: "API_KEY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """A dependency that a Service looks like; `alias` is the service of the catalogue that runs it, where known."""

    name: str
    kind: ProbeKind
    address: str
    namespace: str
    alias: str

    @property
    def variable(self) -> str:
        """The name of the variable that would hold its credential."""
        return f"PROBE_{self.name.upper().replace('-', '_')}_{_CREDENTIALS[self.kind]}"


def dependencies_draft(services: Sequence[Service], aliases: Mapping[Named, str], namespaces: Sequence[str]) -> str:
    """Return comments that propose dependencies; taken out of the comment they are accepted as they stand."""
    offers = list(_offers(services, aliases, namespaces))
    tables = [_table(offer, namespaces[0]) for offer in offers] or [_EXAMPLE]
    return "\n#\n".join([_HEAD_FOUND if offers else _HEAD_NONE, *tables])


def _offers(services: Sequence[Service], aliases: Mapping[Named, str], namespaces: Sequence[str]) -> Iterator[_Offer]:
    taken: set[str] = set()
    for service in sorted(services, key=lambda each: (each.meta.namespace, each.meta.name)):
        name, namespace = service.meta.name, service.meta.namespace
        likely = likely_dependency(service)
        called = f"{name}-{namespace}"[:LONGEST].rstrip("-") if name in taken else name
        fits = is_label(name) and namespace in namespaces
        if likely is None or not fits or called in taken:
            continue
        taken.add(called)
        yield _Offer(
            name=called,
            kind=likely.kind,
            address=likely.address,
            namespace=namespace,
            alias=next((each for by, each in aliases.items() if (by.namespace, by.name) == (namespace, name)), ""),
        )


def _table(offer: _Offer, first_namespace: str) -> str:
    rows = [f"[dependencies.{offer.name}]", f'kind = "{offer.kind}"', f'address = "{offer.address}"']
    if offer.alias:
        rows.append(f'service = "{offer.alias}"')
    elif offer.namespace != first_namespace:
        rows.append(f'namespace = "{offer.namespace}"')
    rows.append(f'secret_env = "{offer.variable}"')
    return "\n".join(f"# {row}" for row in rows)


_HEAD_FOUND = """\
# What services depend on, as it was found: take the comment marks away, and name it in the table of each service that
# needs it: depends_on = ["…"]. A health URL stands there, too: health_url = "https://…". Credentials come from the
# environment: put them into the variables that are named here, or leave `secret_env` out.\
"""
_HEAD_NONE = """\
# What services depend on. Nothing was found that looks like it; this is how it is written. Name it in the table of each
# service that needs it: depends_on = ["…"]. A health URL stands there, too: health_url = "https://…". Credentials come
# from the environment: put them into the variables that are named here, or leave `secret_env` out.\
"""
_EXAMPLE = """\
# [dependencies.postgres]
# kind = "postgresql"
# address = "postgres.example.com:5432"
# secret_env = "PROBE_POSTGRES_DSN"
# tls = true\
"""
WATCH = f"""\
# Where alerts go, by the channel's id; invite the bot there. `critical` and `info` may have channels of their own.
# [alerts]
# warning = "C-{PLACEHOLDER}-ALERTS"

# One message each morning that says how everything is.
# [digests.morning]
# cron = "0 9 * * 1-5"
# time_zone = "Europe/Berlin"
# channels = ["C-{PLACEHOLDER}-DIGEST"]\
"""
