"""The first `ragops.toml` for a cluster, as text. Pure.

Names of a cluster are hostile: what is no name is left out and told of, strings are quoted, comments are one line each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.objects import Service, Workload
from bot.domain.objects.pods import Role
from bot.domain.text import first_line
from bot.redaction import redact
from bot.setup.draft_watch import WATCH, dependencies_draft
from bot.setup.names import Named, aliases, is_label, is_object_name
from bot.setup.written import PLACEHOLDER

# Containers that meshes, agents and proxies put beside the one that matters.
_SIDECARS = frozenset(
    {"istio-proxy", "linkerd-proxy", "envoy", "envoy-sidecar", "vault-agent", "cloud-sql-proxy", "cloudsql-proxy",
     "oauth2-proxy", "kube-rbac-proxy", "fluent-bit", "filebeat", "datadog-agent", "otel-collector", "config-reloader"}
)  # fmt: skip
_WIDTH = 118


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known when the file is written. `remarks` are about what could not be read.

    An empty `kubeconfig` or `context` is the environment's.
    """

    cluster: str
    namespaces: Sequence[str]
    workloads: Sequence[Workload]
    services: Sequence[Service] = ()
    in_cluster: bool = False
    kubeconfig: str = ""
    context: str = ""
    source: str = ""
    remarks: Sequence[str] = ()


def configuration_draft(draft: Draft) -> str:
    """Return the file's text. `load_configuration` finds no fault in it."""
    parts = [
        _comment(
            f"Written by `ragops init` from {draft.source or 'a cluster'}. Look it through, fill in who may do what at"
            " the end, then let `ragops check` look at it. Every key: docs/reference/configuration.md."
        ),
        *(_comment(f"NOT READ: {remark}") for remark in draft.remarks),
        _cluster(draft),
        _services(draft),
        dependencies_draft(draft.services, _aliases(draft), draft.namespaces),
        _PEOPLE,
        WATCH,
    ]
    return "\n\n".join(parts) + "\n"


def main_container(workload: Workload, alias: str) -> str:
    """Return the container that matters: the one that is called like the service, else the first that is no helper."""
    regular = [each.name for each in workload.containers if each.role is Role.REGULAR and is_label(each.name)]
    likely = [name for name in regular if name not in _SIDECARS] or regular
    for wanted in (alias, workload.meta.name):
        if wanted in likely:
            return wanted
    return next(iter(likely), "")


def quoted(text: str) -> str:
    """Return a text as a TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    safe = "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in escaped)
    return f'"{safe}"'


def _cluster(draft: Draft) -> str:
    rows = [f"[clusters.{draft.cluster}]"]
    if draft.in_cluster:
        rows.append("in_cluster = true")
    elif draft.kubeconfig:
        rows.append(f"kubeconfig = {quoted(draft.kubeconfig)}")
    if draft.context and not draft.in_cluster:
        rows.append(f"context = {quoted(draft.context)}")
    if not (draft.in_cluster or draft.context):
        rows.append("# Without `context` this is whatever is the kubeconfig's current one.")
    names = ", ".join(map(quoted, draft.namespaces))
    note = _comment(
        "What people call the cluster is the name in the header. The first namespace is meant when none is named."
    )
    return "\n".join([note, *rows, f"namespaces = [{names}]"])


def _named(draft: Draft) -> Mapping[Named, Workload]:
    """Return the workloads that become services."""
    return {
        Named(each.kind, each.meta.namespace, each.meta.name): each
        for each in draft.workloads
        if is_object_name(each.meta.name) and each.meta.namespace in draft.namespaces and each.meta.deleted_at is None
    }


def _aliases(draft: Draft) -> Mapping[Named, str]:
    return aliases(list(_named(draft)))


def _services(draft: Draft) -> str:
    named = _named(draft)
    gone = sum(each.meta.deleted_at is not None for each in draft.workloads)
    odd = len(draft.workloads) - len(named) - gone
    tables = [_service(alias, named[key], draft) for key, alias in _aliases(draft).items()]
    head = "The short names that people say. Shorten them, remove what nobody asks for."
    notes = [
        head if tables else "No workload was found. A service is a short name that people say, such as:",
        f"Left out: {odd} whose names are none." if odd else "",
        f"Left out: {gone} that are being deleted." if gone else "",
    ]
    opening = "\n".join(_comment(note) for note in notes if note)
    return "\n\n".join([opening, *(tables or [_EXAMPLE])])


def _service(alias: str, workload: Workload, draft: Draft) -> str:
    rows = [f"[services.{alias}]", f"workload = {quoted(f'{workload.kind.lower()}/{workload.meta.name}')}"]
    if workload.meta.namespace != draft.namespaces[0]:
        rows.append(f"namespace = {quoted(workload.meta.namespace)}")
    container = main_container(workload, alias)
    if container:
        rows.append(f"container = {quoted(container)}")
    return "\n".join(rows)


def _comment(text: str) -> str:
    """Return a text as comment lines; whatever is in it, it stays a comment."""
    words = redact(first_line(text, limit=1000)).split()
    return "\n".join(f"# {line}" for line in _filled(words))


def _filled(words: Iterable[str]) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) >= _WIDTH:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


_EXAMPLE = """\
# [services.api]
# workload = "deployment/my-api"
# container = "api"\
"""
_PEOPLE = f"""\
# Who may do what. Nobody may do anything until somebody is named here: take the comment marks away and fill in ids, of
# user groups (S…: People, User groups, Copy group ID) or of people (U…: profile, Copy member ID). `ragops check` names
# every line that is still to be filled in.

# Every full member of the workspace may look.
# [roles.viewer]
# everyone = true

# [roles.operator]
# groups = ["S-{PLACEHOLDER}-OPERATORS"]

# [roles.approver]
# groups = ["S-{PLACEHOLDER}-APPROVERS"]

# [roles.admin]
# users = ["U-{PLACEHOLDER}-ADMIN"]

# Where the head of the audit chain is published, by the channel's id; invite the bot there.
# [audit]
# channel = "C-{PLACEHOLDER}-AUDIT"\
"""
