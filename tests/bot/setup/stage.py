"""The servers around a configuration, and the ways in which they can be unlike what it says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from sandbox.cluster.api.access import Deny
from sandbox.cluster.server import ClusterServer
from sandbox.cluster.world.world import World
from sandbox.slack.server import SlackServer
from sandbox.slack.world import demo_workspace

FUTURE = "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_future', repeat('f', 64))"


@dataclass(slots=True)
class Stage:
    """What a test may touch; `environ` is what a person has set."""

    folder: Path
    slack: SlackServer
    cluster: ClusterServer
    store_url: str
    environ: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def given(self, words: str) -> Iterator[None]:
        """Let the world be so; words that are not known are an error."""
        undo: list[Callable[[], None]] = []
        try:
            for part in words.split(" and ") if words else ():
                self._arrange(part, undo)
            yield
        finally:
            for step in reversed(undo):
                step()

    def _arrange(self, words: str, undo: list[Callable[[], None]]) -> None:
        workspace = self.slack.workspace
        right = re.fullmatch(r"no right to (\w+) ([\w/]+)", words)
        if right is not None:
            self.cluster.rbac = [Deny(verb=right[1], resource=right[2])]
        elif words.startswith("no scope "):
            token = workspace.tokens[workspace.bot_token]
            workspace.tokens[token.value] = replace(token, scopes=token.scopes - {words.removeprefix("no scope ")})
        elif words in self._simple:
            self._simple[words]()
        elif words.endswith(" database"):
            self.environ["DATABASE_URL"] = _database(words.removesuffix(" database"), self.store_url, undo)
        else:
            raise AssertionError(f"nothing is known of {words!r}")

    @property
    def _simple(self) -> Mapping[str, Callable[[], object]]:
        workspace = self.slack.workspace
        token = workspace.tokens[workspace.bot_token]
        away = "http://127.0.0.1:1"
        return {
            "disabled group": lambda: workspace.set_group("rag-oncall", ["ann"], disabled=True),
            "empty group": lambda: workspace.set_group("rag-oncall", []),
            "free plan": lambda: setattr(workspace, "paid_plan", False),
            "revoked token": lambda: workspace.tokens.update({token.value: replace(token, revoked=True)}),
            "wrong app token": lambda: self.environ.update(SLACK_APP_TOKEN="xapp-1-A1-2-beef"),
            "no Slack": lambda: self.environ.update(SLACK_API_URL=f"{away}/api/"),
            "uninvited": lambda: workspace.channels["general"].members.remove(workspace.bot.id),
            "only reads": lambda: setattr(self.cluster, "rbac", _reads),
            "changes of rag-engine-api alone": lambda: setattr(self.cluster, "rbac", _of_api_alone),
            "no cluster": lambda: _put(Path(self.environ["KUBECONFIG"]), self.cluster.url, away),
            "wrong credentials": lambda: _put(Path(self.environ["KUBECONFIG"]), "sandbox-token", "expired-token"),
            "no Redis": lambda: self.environ.update(REDIS_URL="redis://:hunter2@127.0.0.1:1/0"),
            "no database": lambda: self.environ.update(DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/nothing"),
        }


async def open_stage(stack: AsyncExitStack, folder: Path, store_url: str, world: World) -> Stage:
    """Start the servers."""
    slack = await stack.enter_async_context(SlackServer(demo_workspace()))
    cluster = await stack.enter_async_context(ClusterServer(world.store, world, world))
    cluster.write_kubeconfig(folder / "kubeconfig")
    workspace = slack.workspace
    environ = {
        "HOME": str(folder),
        "SLACK_BOT_TOKEN": workspace.bot_token,
        "SLACK_APP_TOKEN": workspace.app_token,
        "SLACK_API_URL": slack.base_url,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "DATABASE_URL": store_url,
    }
    return Stage(folder, slack, cluster, store_url, environ)


def _reads(verb: str, _group: str, resource: str, _namespace: str, _name: str) -> bool:
    """Grant what an account has that only looks; what it may do, each may ask."""
    return verb in {"get", "list", "watch"} or resource.startswith("selfsubject")


def _of_api_alone(verb: str, group: str, resource: str, namespace: str, name: str) -> bool:
    """Grant patches of one Deployment by its name, and what else changes need of pods and autoscalers."""
    of_pods = (verb, resource) in {("create", "pods/eviction"), ("delete", "pods")}
    of_api = verb == "patch" and (resource == "horizontalpodautoscalers" or name == "rag-engine-api")
    return of_pods or of_api or _reads(verb, group, resource, namespace, name)


def _put(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def _database(kind: str, store_url: str, undo: list[Callable[[], None]]) -> str:
    """Make the database so and return its address; what was made beside it goes away again."""
    if kind == "newer":
        with psycopg.connect(store_url) as connection:
            connection.execute(FUTURE)
        return store_url
    if kind in {"empty", "latin", "closed"}:
        url = _another(store_url, "LATIN1" if kind == "latin" else "UTF8", undo)
        return _for_visitor(url, undo) if kind == "closed" else url
    if kind == "locked":
        return _for_visitor(store_url, undo)
    if kind == "read-only":
        with psycopg.connect(store_url, autocommit=True) as connection:
            name = sql.Identifier(connection.info.dbname)
            connection.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        return store_url
    raise AssertionError(f"nothing is known of a {kind} database")


def _another(store_url: str, encoding: str, undo: list[Callable[[], None]]) -> str:
    """Make a database without tables."""
    name = f"{urlsplit(store_url).path.removeprefix('/')}_{encoding.lower()}"
    words = sql.SQL("CREATE DATABASE {} ENCODING {} LOCALE 'C' TEMPLATE template0")
    _run(store_url, words.format(sql.Identifier(name), sql.Literal(encoding)))
    undo.append(lambda: _run(store_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))))
    return urlsplit(store_url)._replace(path=f"/{name}").geturl()


def _for_visitor(url: str, undo: list[Callable[[], None]]) -> str:
    """Make a role that may sign in and nothing else."""
    name = f"visitor_{os.getpid()}"
    _run(url, sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'hunter2'").format(sql.Identifier(name)))
    _run(url, sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    undo.append(lambda: _run(url, sql.SQL("DROP ROLE {}").format(sql.Identifier(name))))
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:hunter2@{parts.netloc.rpartition('@')[2]}").geturl()


def _run(url: str, statement: sql.Composed | sql.SQL) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
