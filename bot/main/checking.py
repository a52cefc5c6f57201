"""`ragops check`: every fault of the settings at once, then a look at everything they name. It changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import handlers
from bot.cli.arguments import Check
from bot.configuration import FILE_NAME, ClusterConfiguration, Configuration, default_configuration, read_configuration
from bot.domain.actions import Change
from bot.domain.targets import Scope
from bot.errors import Fault, SettingsError, StoreRefused, StoreUnavailable
from bot.main.clock import SystemClock
from bot.main.doors import LIMIT_S, ClusterReads, RedisTrouble, SlackMethods, database_facts, redis_facts, redis_label
from bot.main.logs import configure
from bot.probes import LiveProbes
from bot.registry import discover
from bot.settings import SLACK_KEYS, LogFormat, LogLevel, Secret, Settings
from bot.setup.change_checks import verbs_open
from bot.setup.cluster_checks import ClusterQuestion, check_cluster
from bot.setup.results import Result, as_json, as_text, exit_code, fault, of_faults, ok, warning
from bot.setup.slack_checks import SlackQuestion, check_slack
from bot.setup.state_checks import judge_database, judge_redis
from bot.setup.watch_checks import WatchQuestion, check_targets, check_watch_settings
from bot.setup.written import Written
from bot.slack.manifest import SCOPES
from bot.slack.outbound.client import make_client
from bot.slack.outbound.directory import standing
from bot.store.connections import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The settings as far as they can be used. `faulty` are variables that cannot; no configuration: it has faults."""

    environ: Mapping[str, str]
    settings: Settings
    faulty: frozenset[str]
    written: Written
    configuration: Configuration | None


async def check(command: Check, environ: Mapping[str, str]) -> int:
    """Print a line for each thing and return 0, or 2 when there is a fault."""
    # What is wrong is told as a result; the log would only say it twice.
    configure(LogLevel.ERROR, LogFormat.TEXT)
    read, results = _read(environ)
    if not command.offline:
        results = [*results, *await _reach_out(read)]
    print(as_json(results) if command.output == "json" else as_text(results, offline=command.offline))
    return exit_code(results)


def _read(environ: Mapping[str, str]) -> tuple[_Read, list[Result]]:
    """Read the environment and `ragops.toml`; every fault of both is a result."""
    settings, faults = _settings(environ)
    faulty = frozenset(each.where for each in faults)
    written, configuration, results = Written(""), None, of_faults(faults)
    if "RAGOPS_CONFIG" not in faulty:
        written, configuration, of_file = _file(settings)
        results += of_file
    read = _Read(environ=environ, settings=settings, faulty=faulty, written=written, configuration=configuration)
    results += [*_slack_settings(settings, faulty), *_state_settings(settings, faulty)]
    if configuration is not None:
        results += check_watch_settings(_watched(read, configuration))
    return read, results


def _settings(environ: Mapping[str, str]) -> tuple[Settings, Sequence[Fault]]:
    """Read the environment; what is faulty counts as unset, so that the rest can be looked at."""
    try:
        return Settings.from_env(environ), ()
    except SettingsError as error:
        faulty = {each.where for each in error.faults}
        rest = {key: value for key, value in environ.items() if key not in faulty}
        if "RAGOPS_DATA" in faulty:
            rest["RAGOPS_DATA"] = os.curdir
        return Settings.from_env(rest), error.faults


def _file(settings: Settings) -> tuple[Written, Configuration | None, list[Result]]:
    path = settings.config_path or Path(FILE_NAME)
    if settings.config_path is None and not path.exists():
        found = "there is none: the kubeconfig's current context is looked at, and nobody has a role"
        return Written(""), default_configuration(), [warning(FILE_NAME, found, "Write one with `ragops init`.")]
    verbs = {action.name for action in discover(handlers).all()}
    try:
        configuration = read_configuration(path, verbs=verbs)
    except SettingsError as error:
        return _written(path), None, of_faults(error.faults)
    written = _written(path)
    counts = (len(configuration.clusters), len(configuration.catalogue.entries), len(configuration.policy.bindings))
    told = "clusters: {}, services: {}, roles and grants: {}".format(*counts)
    results = [ok("", f"no fault ({told})", where=str(path))]
    for where, left in written.placeholders():
        todo = "Fill it in and take the comment mark away, or remove these lines."
        results.append(warning("", f"the placeholder {left} is not filled in", todo, where=where))
    if not configuration.policy.bindings:
        todo = "Bind people: [roles.viewer] and the like."
        results.append(warning("roles", "nobody holds a role: in Slack everything is refused", todo, where=str(path)))
    return written, configuration, results


def _written(path: Path) -> Written:
    try:
        return Written.of(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError):
        return Written(str(path))


def _slack_settings(settings: Settings, faulty: frozenset[str]) -> list[Result]:
    """Say what the settings of Slack lack for `ragops run`."""
    if faulty.intersection(SLACK_KEYS):
        return []
    ways = (settings.slack_app_token, settings.slack_signing_secret)
    if settings.slack_bot_token is None and not any(ways):
        found = "not set: `ragops run` will not start; reading at a terminal works"
        return [warning("", found, where="SLACK_BOT_TOKEN")]
    if settings.slack_bot_token is not None and not any(ways):
        found = "neither this nor SLACK_SIGNING_SECRET is set: only `ragops run --role worker` will start"
        return [warning("", found, where="SLACK_APP_TOKEN")]
    try:
        settings.for_slack()
    except SettingsError as error:
        return of_faults(error.faults)
    return []


def _state_settings(settings: Settings, faulty: frozenset[str]) -> list[Result]:
    """Say where state will be kept when no database is named."""
    if settings.database_url is not None or faulty.intersection({"DATABASE_URL", "RAGOPS_DATA"}):
        return []
    folder = settings.data_folder
    nearest = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    tried = f"embedded PostgreSQL in {folder / 'postgres'}"
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        todo = "Name another folder, or a DATABASE_URL."
        return [fault(tried, f"{nearest} is no folder that may be written", todo, where="RAGOPS_DATA")]
    results = [ok(tried, "may be made there; it was not started", where="RAGOPS_DATA")]
    if settings.redis_url is not None:
        found = "several replicas share REDIS_URL, but each would have a database of its own"
        results.append(warning("", found, "Set DATABASE_URL, unless there is one replica.", where="DATABASE_URL"))
    return results


async def _reach_out(read: _Read) -> list[Result]:
    """Look at everything that the settings name, side by side, in the order of the settings."""
    settings = read.settings
    looks = [_slack(read)]
    if settings.database_url is not None:
        looks.append(_database(settings.database_url))
    if settings.redis_url is not None:
        looks.append(_redis(settings.redis_url))
    if read.configuration is not None:
        looks += [_cluster(read, read.configuration, each) for each in read.configuration.clusters.values()]
        looks.append(_targets(read, read.configuration))
    found = [result for results in await asyncio.gather(*looks) for result in results]
    if read.configuration is None:
        found.append(
            warning("clusters, services and dependencies", "not looked at: ragops.toml has faults", "Mend them first.")
        )
    return found


async def _slack(read: _Read) -> list[Result]:
    settings = read.settings
    doors = [
        SlackMethods(make_client(token.reveal(), settings.slack_api_url)) if token is not None else None
        for token in (settings.slack_bot_token, settings.slack_app_token)
    ]
    return await check_slack(
        SlackQuestion(
            bot=doors[0],
            app=doors[1],
            mentions=read.written.mentions(),
            scopes=SCOPES,
            standing=standing,
        )
    )


async def _database(url: Secret) -> list[Result]:
    try:
        return judge_database(await database_facts(url.reveal()))
    except StoreUnavailable as error:
        todo = error.advice if isinstance(error, StoreRefused) else _UP
        return [fault("PostgreSQL", error.message, todo, where="DATABASE_URL")]
    except TimeoutError:
        tried = f"PostgreSQL at {Address.parse(url.reveal()).label}"
        return [fault(tried, f"no answer within {LIMIT_S:g} s", _UP, where="DATABASE_URL")]


_BETWEEN_LOOKS_S = 1.0
_UP = "Check that it is up and that this machine may reach it."


async def _redis(url: Secret) -> list[Result]:
    tried = f"Redis at {redis_label(url.reveal())}, PING"
    try:
        return judge_redis(await redis_facts(url.reveal()))
    except RedisTrouble as error:
        return [fault(tried, f"no answer ({error})", f"{_UP} Without it each replica counts alone.", where="REDIS_URL")]


async def _targets(read: _Read, configuration: Configuration) -> list[Result]:
    probes = LiveProbes(read.environ, SystemClock(), interval_s=_BETWEEN_LOOKS_S)
    return await check_targets(probes, _watched(read, configuration))


def _watched(read: _Read, configuration: Configuration) -> WatchQuestion:
    return WatchQuestion(
        policy=configuration.watch,
        is_set=lambda name: bool(read.environ.get(name, "").strip()),
        unreadable=_unreadable,
        at=read.written.at,
    )


def _unreadable(path: str) -> str:
    """Say why a file cannot be read; empty when it can."""
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except (OSError, ValueError) as error:
        return (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
    return ""


async def _cluster(read: _Read, configuration: Configuration, cluster: ClusterConfiguration) -> list[Result]:
    entries = configuration.catalogue.entries.values()
    changes = [action for action in discover(handlers).all() if isinstance(action, Change)]
    return await check_cluster(
        ClusterQuestion(
            name=cluster.name,
            open=lambda: ClusterReads(cluster, read.settings.kubeconfig or ""),
            namespaces=cluster.namespaces,
            services=[each for each in entries if each.cluster == cluster.name],
            at=read.written.at,
            verbs=lambda namespace: verbs_open(
                changes, configuration.policy, configuration.changes, Scope(cluster.name, namespace)
            ),
        )
    )
