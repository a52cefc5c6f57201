"""How dependencies are named in `ragops.toml`, with what runs here as the example. Nothing is asked because of it."""

from __future__ import annotations

from bot.checkup.depending import Dependencies
from bot.domain.watch.likely import likely_dependency
from bot.domain.watch.probes import ProbeKind

_MOST_GUESSED = 3


def example_tables(seen: Dependencies) -> str:
    """Return tables of `ragops.toml` that name dependencies of what runs here, guessed; made-up ones if nothing is."""
    services = seen.report.seen.snapshot.services if seen.report.seen else ()
    likely = ((each.meta.name, likely_dependency(each)) for each in services)
    found = [(name, each.kind, each.address) for name, each in likely if each is not None][:_MOST_GUESSED]
    found = found or [("postgres", ProbeKind.POSTGRESQL, f"postgres.{seen.scope.namespace}.svc:5432")]
    names = ", ".join(f'"{name}"' for name, _, _ in found)
    tables = [f"{_service_table(seen)}\ndepends_on = [{names}]"]
    tables += [f'[dependencies.{name}]\nkind = "{kind}"\naddress = "{address}"' for name, kind, address in found]
    return "\n\n".join(tables)


def _service_table(seen: Dependencies) -> str:
    """Return the table that the example belongs into: one that is there, or as it would begin."""
    known = sorted(seen.catalogue.entries)
    if known:
        return f"[services.{seen.service if seen.service in known else known[0]}]"
    workloads = seen.report.seen.workloads if seen.report.seen else ()
    meant = next((each.target for each in workloads if each.target.name == seen.service), None)
    target = meant or next((each.target for each in workloads), None)
    kind, name = (target.kind.lower(), target.name) if target else ("deployment", "api")
    return f'[services.{name}]\nworkload = "{kind}/{name}"'
