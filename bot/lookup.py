"""From the words people use to the objects they mean: aliases, names, `kind/name`. What several verbs need."""

from __future__ import annotations

from bot.diagnosis import DECISIVE_PARTS
from bot.domain.catalogue import Catalogue
from bot.domain.snapshot import Snapshot
from bot.domain.targets import ObjectRef
from bot.domain.text import suggest
from bot.errors import UsageError


def find_workload(verb: str, word: str, snapshot: Snapshot, catalogue: Catalogue) -> ObjectRef:
    """Return the workload that a person means: an alias, `name` or `kind/name`.

    Raises `UsageError` with the nearest names as complete commands of `verb`; when workloads could not be read it says
    so instead of claiming that there is none.
    """
    entry = catalogue.entries.get(word)
    wanted = (entry.kind, entry.name) if entry else None
    kind, _, name = word.rpartition("/")
    where = snapshot.scope.namespace
    for workload in snapshot.workloads:
        ref = ObjectRef(workload.kind, workload.meta.namespace, workload.meta.name)
        if (ref.kind, ref.name) == wanted:
            return ref
        if wanted is None and ref.name == name and (not kind or kind.lower() == ref.kind.lower()):
            return ref
    unseen = [part.value for part in DECISIVE_PARTS if not snapshot.has(part)]
    if unseen:
        raise UsageError(f'I see no workload "{word}", but I could not read the {", ".join(unseen)} of {where}.')
    known = [*catalogue.entries, *(workload.meta.name for workload in snapshot.workloads)]
    raise UsageError(
        f'There is no workload "{word}" in {where}.',
        suggestions=[f"{verb} {name}" for name in suggest(word, known)],
    )
