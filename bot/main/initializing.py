"""`ragops init`: first versions of `ragops.toml`, `.env` and the Slack app manifest, from what a cluster shows.

The cluster is only read. Files that are there stay as they are, unless `--force`; an `.env` always does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.cli.arguments import Init
from bot.configuration import FILE_NAME, ClusterConfiguration
from bot.domain.objects import Service, Workload
from bot.domain.targets import WORKLOAD_KINDS, ClusterName, Namespace
from bot.domain.text import count
from bot.errors import BotError, ClusterError, ClusterForbidden, UsageError
from bot.main.called import called
from bot.main.doors import ClusterReads
from bot.main.logs import configure
from bot.redaction import clean
from bot.settings import LogFormat, LogLevel, Settings
from bot.setup.draft import Draft, configuration_draft
from bot.setup.environment import environment_file
from bot.setup.names import cluster_name, is_label
from bot.slack.manifest import EXAMPLE_URL, app_manifest

MANIFEST = "slack-app-manifest.yaml"
ENVIRONMENT = ".env"


class FilesInTheWay(BotError):
    """Files are there already."""

    advice = "Name another --output-folder, or write over them with --force."


class NotWritable(BotError):
    """The files cannot be written."""

    advice = "Name another --output-folder."


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one namespace shows, and what it does not."""

    workloads: tuple[Workload, ...]
    services: tuple[Service, ...]
    remarks: tuple[str, ...]


async def initialize(command: Init, settings: Settings) -> int:
    """Look at the cluster, write the files, and say what comes next; 0.

    Raises `FilesInTheWay`, `NotWritable`, `UsageError`, and `ClusterError` when the cluster cannot be reached at all.
    """
    configure(LogLevel.ERROR, LogFormat.TEXT)
    folder = Path(command.output_folder)
    _check_words(command)
    _check_files(folder, command)
    manifest = _manifest(command.http)
    draft = await _look(command, settings)
    _write(folder, {FILE_NAME: configuration_draft(draft), MANIFEST: manifest}, force=command.force)
    kept = _write_environment(folder)
    print("\n".join(_told(folder, draft, command, kept=kept)))
    return 0


def _check_words(command: Init) -> None:
    wrong = [name for name in command.namespaces if not is_label(name)]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is no name of a namespace: small letters, digits and '-' only.")
    if not _is_text(command.kubeconfig) or not _is_text(command.context):
        raise UsageError("A name in --kubeconfig or --context is not UTF-8, so it cannot stand in a file.")


def _manifest(http_url: str) -> str:
    try:
        return app_manifest(http_url=http_url or None)
    except ValueError as error:
        raise UsageError(f"--http: {error}. An example: {EXAMPLE_URL}") from error


def _is_text(value: str) -> bool:
    return all(not "\ud800" <= each <= "\udfff" for each in value)


def _check_files(folder: Path, command: Init) -> None:
    if folder.exists() and not folder.is_dir():
        raise NotWritable(f"{folder} is no folder; nothing was written.")
    there = [str(folder / name) for name in (FILE_NAME, MANIFEST) if (folder / name).exists()]
    if there and not command.force:
        verb = "is" if len(there) == 1 else "are"
        raise FilesInTheWay(f"There {verb} {' and '.join(there)} already.")


async def _look(command: Init, settings: Settings) -> Draft:
    # With --in-cluster the bot will run inside, but whoever writes its file may stand outside.
    cluster = ClusterConfiguration(
        name=ClusterName("looked-at"), kubeconfig=command.kubeconfig, context=command.context
    )
    async with ClusterReads(cluster, settings.kubeconfig or "") as reads:
        version = await reads.version()
        names = tuple(dict.fromkeys(command.namespaces)) or (reads.namespace,)
        usable = [Namespace(name) for name in names if is_label(name)]
        if not usable:
            raise UsageError("The context names no namespace that could be looked at; name one with --namespace.")
        seen = await asyncio.gather(*(_namespace(reads, name) for name in usable))
        inside = reads.connection.source == "service account"
        called = reads.connection.cluster
    return Draft(
        cluster="main" if inside else cluster_name(called),
        namespaces=usable,
        workloads=[workload for each in seen for workload in each.workloads],
        services=[service for each in seen for service in each.services],
        in_cluster=command.in_cluster or inside,
        kubeconfig=_absolute(command.kubeconfig),
        context=command.context,
        source=f"the cluster {called}, Kubernetes {version}",
        remarks=[remark for each in seen for remark in each.remarks],
    )


async def _namespace(reads: ClusterReads, namespace: Namespace) -> _Seen:
    """Read the workloads and Services of a namespace; what cannot be read becomes a remark."""
    remarks: list[str] = []
    try:
        if not await reads.has_namespace(namespace):
            return _Seen((), (), (f"there is no namespace {namespace}.",))
    except ClusterForbidden:
        pass  # whether it is there may not be asked; what is in it tells
    except ClusterError as error:
        remarks.append(f"whether there is a namespace {namespace}: {_words(error)}.")
    workloads: list[Workload] = []
    for kind in WORKLOAD_KINDS:
        try:
            found = await reads.listed(kind, namespace)
        except ClusterError as error:
            remarks.append(f"the {kind.lower()}s of {namespace}: {_words(error)}.")
        else:
            workloads += sorted(found, key=lambda each: each.meta.name)
    try:
        services = await reads.services(namespace)
    except ClusterError as error:
        remarks.append(f"the services of {namespace}: {_words(error)}.")
        services = ()
    return _Seen(tuple(workloads), services, tuple(remarks))


def _words(error: ClusterError) -> str:
    return error.message.partition("\n")[0].rstrip(".")


def _absolute(kubeconfig: str) -> str:
    """Return a path that holds wherever the bot is started; several joined ones stay as they were written."""
    if not kubeconfig or os.pathsep in kubeconfig:
        return kubeconfig
    return str(Path(kubeconfig).expanduser().absolute())


def _write(folder: Path, texts: Mapping[str, str], *, force: bool) -> None:
    """Write the files; without `force` none that is there. Raises `FilesInTheWay`, `NotWritable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            with (folder / name).open("w" if force else "x", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError as error:
        raise FilesInTheWay(f"There is {error.filename} already.") from error
    except OSError as error:
        raise NotWritable(f"{error.filename or folder} cannot be written: {error.strerror}.") from error


def _write_environment(folder: Path) -> bool:
    """Write an `.env` for its owner's eyes only; True when there was one, which is kept: it may hold secrets."""
    path = folder / ENVIRONMENT
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return True
    except OSError as error:
        raise NotWritable(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(environment_file())
    return False


def _told(folder: Path, draft: Draft, command: Init, *, kept: bool) -> Sequence[str]:
    """Say what was written, what could not be read, and the next three steps."""
    ways = "SLACK_SIGNING_SECRET" if command.http else "SLACK_APP_TOKEN"
    environment = "was there already and is kept" if kept else "to be filled in; keep it out of version control"
    found = f"{count(len(draft.namespaces), 'namespace')}, {count(len(draft.workloads), 'workload')}"
    secrets = f"SLACK_BOT_TOKEN and {ways} into {ENVIRONMENT}"
    rows = [
        f"Wrote {folder / FILE_NAME}: cluster {draft.cluster}, {found}.",
        f"Wrote {folder / MANIFEST}: the Slack app.",
        f"{folder / ENVIRONMENT}: {environment}.",
        *(f"Not read: {remark}" for remark in draft.remarks),
        "",
        "Next:",
        f"1. At https://api.slack.com/apps, create an app from {MANIFEST}, install it, and put {secrets}.",
        f"2. Fill in who may do what at the end of {FILE_NAME}.",
        f"3. set -a; . ./{ENVIRONMENT}; set +a; {called()} check && {called()} run",
    ]
    return [clean(row) for row in rows]
