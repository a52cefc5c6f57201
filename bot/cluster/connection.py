"""The way to one cluster: a kubeconfig or the pod's own service account, loaded into the client's transport.

Proxies: the library honours `proxy-url` of the kubeconfig and the environment's HTTPS_PROXY (its session trusts the
environment), so name the API server in NO_PROXY where a proxy is set for the rest of the world. Exec plugins run as the
library runs them, without a shell; their tokens are renewed before they expire.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import msgspec
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.incluster_config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config

from bot.cluster import plugin
from bot.cluster.once import send_once
from bot.cluster.words import words
from bot.errors import ClusterError, ClusterUnauthorized

_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

# What the library is known to raise on a kubeconfig that is wrong; its own error covers missing keys only.
_LOADING_ERRORS = (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError, binascii.Error)


# How long a kubeconfig's plugin may take for credentials: at the start, when a person may have to log in, and later.
LOADING_S = 30.0
RENEWING_S = 20.0

plugin.install()

# The library logs what an exec plugin wrote to its standard error, which may hold credentials.
logging.getLogger("kubernetes.aio.config.kube_config").disabled = True


class ConnectionUnusable(ClusterError):
    """The way to the cluster is not set up."""

    advice = "Name a kubeconfig and a context that exist (KUBECONFIG, --context), or run inside the cluster."


class _Named(msgspec.Struct):
    name: str


class _ContextBody(msgspec.Struct):
    cluster: str
    user: str = ""
    namespace: str = ""


class _Context(msgspec.Struct):
    name: str
    context: _ContextBody


class _Kubeconfig(msgspec.Struct, rename="kebab"):
    """The names of a kubeconfig; its secrets are left to the library."""

    current_context: str = ""
    contexts: list[_Context] | None = None
    clusters: list[_Named] | None = None
    users: list[_Named] | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """An open way to one cluster. `cluster` and `namespace` are what the kubeconfig calls them."""

    api: ApiClient
    host: str
    cluster: str
    namespace: str
    user: str = ""
    source: str = ""

    async def close(self) -> None:
        """Give the sockets back."""
        await self.api.close()  # type: ignore[no-untyped-call]  # the library has no annotations here


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who we are: headers, and files of a certificate; `authority` is the file of the cluster's own."""

    headers: Mapping[str, str] = field(repr=False)
    authority: str
    certificate: str
    key: str


async def credentials(connection: Connection) -> Credentials:
    """Return what the API server gets from us, renewed if it had to be."""
    configuration = connection.api.configuration
    _, _, headers, *_ = await connection.api.param_serialize("GET", "/", auth_settings=["BearerToken"])
    return Credentials(
        headers={name: value for name, value in headers.items() if name.lower() == "authorization"},
        authority=configuration.ssl_ca_cert or "",
        certificate=configuration.cert_file or "",
        key=configuration.key_file or "",
    )


def user_agent() -> str:
    """Return the name under which the API server's audit log knows us."""
    try:
        return f"ragops/{installed_version('ragops')}"
    except PackageNotFoundError:
        return "ragops/unreleased"


async def open_connection(
    kubeconfig: str = "",
    context: str = "",
    *,
    in_cluster: bool = False,
    loading_s: float = LOADING_S,
    renewing_s: float = RENEWING_S,
) -> Connection:
    """Load the configuration; nothing is sent yet. Raises `ConnectionUnusable`.

    `kubeconfig` is a path, or several joined by ":"; empty means KUBECONFIG, else ~/.kube/config, else the pod's
    service account when there is one. A plugin for credentials is stopped after `loading_s`, later `renewing_s`.
    """
    if in_cluster or (not kubeconfig and not context and _only_in_cluster()):
        return _from_service_account()
    return await _from_kubeconfig(kubeconfig or _default_kubeconfig(), context, loading_s, renewing_s)


def _default_kubeconfig() -> str:
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def _only_in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and not any(path.exists() for path in _paths(_default_kubeconfig()))


def _paths(kubeconfig: str) -> list[Path]:
    return [Path(part).expanduser() for part in kubeconfig.split(os.pathsep) if part]


def _from_service_account() -> Connection:
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # as above
        namespace = _SERVICE_ACCOUNT_NAMESPACE.read_text(encoding="utf-8").strip()
    except _LOADING_ERRORS as error:
        raise ConnectionUnusable(f"This is not a pod with a service account: {words(str(error))}") from error
    return Connection(_client(configuration), configuration.host, "in-cluster", namespace, source="service account")


async def _from_kubeconfig(kubeconfig: str, context: str, loading_s: float, renewing_s: float) -> Connection:
    chosen = _choose(_read_names(kubeconfig), kubeconfig, context)
    said = f"context {chosen.name!r} of {kubeconfig}"
    configuration = Configuration()
    try:
        async with asyncio.timeout(loading_s):
            loader = await load_kube_config(  # type: ignore[no-untyped-call]  # as above
                config_file=kubeconfig,
                context=chosen.name,
                client_configuration=configuration,
                persist_config=False,
            )
    except TimeoutError as error:
        raise ConnectionUnusable(
            f"The plugin that the {said} runs for credentials gave none within {loading_s:g} s."
        ) from error
    except _LOADING_ERRORS as error:
        raise ConnectionUnusable(f"The {said} cannot be used: {_without_values(error)}") from error
    if "host" not in vars(loader):  # the library would quietly take localhost
        raise ConnectionUnusable(f"The {said} cannot be used: its cluster {chosen.context.cluster!r} names no server.")
    _renew_token(configuration, loader, said, renewing_s)
    return Connection(
        api=_client(configuration, said),
        host=configuration.host,
        cluster=chosen.context.cluster,
        namespace=chosen.context.namespace or "default",
        user=chosen.context.user,
        source=said,
    )


def _read_names(kubeconfig: str) -> Sequence[_Kubeconfig]:
    read = []
    for path in _paths(kubeconfig):
        if not path.exists():
            continue
        try:
            read.append(msgspec.yaml.decode(path.read_bytes(), type=_Kubeconfig))
        except OSError as error:
            raise ConnectionUnusable(f"The kubeconfig {path} cannot be read: {error.strerror}.") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # The parser's words may quote the file, so only the kind of fault is told.
            what = "it lacks what a kubeconfig has" if isinstance(error, msgspec.ValidationError) else "it is not YAML"
            raise ConnectionUnusable(f"The kubeconfig {path} cannot be understood: {what}.") from None
    if not read:
        raise ConnectionUnusable(f"There is no kubeconfig at {kubeconfig}.")
    return read


def _choose(configs: Sequence[_Kubeconfig], kubeconfig: str, context: str) -> _Context:
    contexts = {c.name: c for config in reversed(configs) for c in config.contexts or ()}
    wanted = context or next((c.current_context for c in configs if c.current_context), "")
    if not wanted:
        raise ConnectionUnusable(f"The kubeconfig {kubeconfig} has no current context; choose one with --context.")
    if wanted not in contexts:
        known = ", ".join(sorted(contexts)[:10]) or "none"
        raise ConnectionUnusable(f"The kubeconfig {kubeconfig} has no context {wanted!r}. It has: {known}.")
    return contexts[wanted]


def _without_values(error: BaseException) -> str:
    """Say what is wrong; only the library's own errors are quoted, they name keys and files."""
    if isinstance(error, ConfigException):
        return str(words(str(error)))[:300]
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}."
    return "its user or cluster entry is incomplete or malformed."


def _renew_token(configuration: Configuration, loader: Any, said: str, renewing_s: float) -> None:
    """Ask the plugin again when its token expires; without this it would be used until the server says 401.

    A plugin that hangs costs each request at most `renewing_s`, the wait for those before it included.
    """
    if not _uses_plugin(loader):
        return
    if not configuration.api_key and not configuration.cert_file:
        raise ConnectionUnusable(f"The plugin that the {said} runs for credentials gave none.")
    if not hasattr(loader, "exec_plugin_expiry"):
        return
    one_at_a_time = asyncio.Lock()

    async def renew(configuration: Configuration) -> None:
        try:
            async with asyncio.timeout(renewing_s), one_at_a_time:
                await loader.load_from_exec_plugin()  # at once, unless the token is about to expire
        except TimeoutError as error:
            raise ClusterUnauthorized(
                f"The plugin that the {said} runs for credentials gave no new ones within {renewing_s:g} s."
            ) from error
        configuration.api_key["BearerToken"] = loader.token

    configuration.refresh_api_key_hook = renew  # type: ignore[assignment]  # the library infers None from its default


def _uses_plugin(loader: Any) -> bool:
    user = loader._user  # noqa: SLF001  # the library's own refresh_token() asks the same way
    return user is not None and "exec" in user


def _client(configuration: Configuration, said: str = "service account") -> ApiClient:
    configuration.client_session_kwargs = {"middlewares": (send_once,)}
    try:
        api = ApiClient(configuration)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConnectionUnusable(f"The certificates of the {said} cannot be read.") from error
    api.user_agent = user_agent()
    return api
