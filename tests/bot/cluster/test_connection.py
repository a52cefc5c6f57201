"""Kubeconfigs: what they name is known, what is wrong with them is told, their secrets never are."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cluster import ConnectionUnusable, KubernetesHttp, open_connection
from bot.errors import ClusterUnauthorized
from tests.support.clocks import WallClock
from tests.support.fake_api import FakeApi, connected, status, text, write_kubeconfig

SECRET = "t0ken-of-the-test"


async def test_a_kubeconfig_tells_cluster_namespace_and_user(tmp_path: Path) -> None:
    """The defaults of the terminal."""
    async with connected("http://127.0.0.1:1", tmp_path) as connection:
        assert (connection.cluster, connection.namespace, connection.user) == ("fake", "shop", "me")
        assert connection.host == "http://127.0.0.1:1"


async def test_kubeconfig_of_the_environment_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kubectl does; several paths are merged."""
    path = write_kubeconfig(tmp_path, "http://127.0.0.1:1")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'missing'}{os.pathsep}{path}")
    connection = await open_connection()
    await connection.close()
    assert connection.cluster == "fake"


def write(folder: Path, content: str | bytes) -> str:
    path = folder / "config"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def config(**changes: Any) -> str:
    whole: dict[str, Any] = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": SECRET}}],
    }
    return json.dumps({**whole, **changes})


@pytest.mark.parametrize(
    ("content", "context", "part"),
    [
        (f"token: {SECRET}\n  bad: [", "", "it is not YAML"),
        (b"\xff\xfe\x00", "", "it is not YAML"),
        (f'"{SECRET}"', "", "it lacks what a kubeconfig has"),
        ("{}", "", "has no current context"),
        (config(), "prod", "has no context 'prod'. It has: here."),
        (config(**{"current-context": "old"}), "", "has no context 'old'"),
        (config(clusters=[]), "", "cannot be used"),
        (config(clusters=[{"name": "c", "cluster": {}}]), "", "cannot be used"),
        (
            config(clusters=[{"name": "c", "cluster": {"server": "https://x", "certificate-authority": "/no/ca.crt"}}]),
            "",
            "/no/ca.crt",
        ),
        (
            config(users=[{"name": "u", "user": {"client-certificate-data": "!", "client-key-data": "!"}}]),
            "",
            "context 'here'",
        ),
        (
            config(users=[{"name": "u", "user": {"client-certificate-data": "YQ==", "client-key-data": "YQ=="}}]),
            "",
            "certificates of the context 'here'",
        ),
        (config(users=[{"name": "u", "user": {"exec": {"command": "/no/plugin", "apiVersion": "v1"}}}]), "", "plugin"),
    ],
    ids=[
        "broken YAML",
        "binary",
        "a word",
        "empty",
        "unknown context",
        "stale current context",
        "no cluster",
        "no server",
        "missing authority",
        "bad base64",
        "bad certificate",
        "plugin missing",
    ],
)
async def test_what_is_wrong_is_told_without_secrets(
    tmp_path: Path, content: str | bytes, context: str, part: str, caplog: pytest.LogCaptureFixture
) -> None:
    """File and context are named; neither the error nor the log holds the token."""
    path = write(tmp_path, content)
    with pytest.raises(ConnectionUnusable) as caught:
        await open_connection(path, context)
    assert part in caught.value.message
    assert path in caught.value.message
    assert SECRET not in caught.value.message + caplog.text


async def test_a_missing_file_is_named() -> None:
    """And nothing else is tried behind the person's back."""
    with pytest.raises(ConnectionUnusable, match="There is no kubeconfig at /no/such/file"):
        await open_connection("/no/such/file")


async def test_outside_a_pod_there_is_no_service_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said so, when it was asked for."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConnectionUnusable, match="not a pod with a service account"):
        await open_connection(in_cluster=True)


async def test_an_expired_token_is_told_at_the_first_read(api: FakeApi, http: KubernetesHttp) -> None:
    """Without the token."""
    api.on("/x", status(401, "Unauthorized"))
    with pytest.raises(ClusterUnauthorized) as caught:
        await http.get("/x")
    assert SECRET not in caught.value.message
    assert "expired" in caught.value.advice


async def test_a_plugin_gives_the_token(api: FakeApi, tmp_path: Path) -> None:
    """Exec plugins run as the library runs them."""
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "abc"}}
    script = tmp_path / "plugin.py"
    script.write_text(f"print({json.dumps(credential)!r})")
    plugin = {"apiVersion": credential["apiVersion"], "command": sys.executable, "args": [str(script)]}
    api.on("/x", text("ok"))
    async with connected(api.url, tmp_path, exec=plugin) as connection:
        assert connection.api.configuration.api_key == {"BearerToken": "Bearer abc"}
        assert await KubernetesHttp(connection, WallClock(), lambda: 0.5).get("/x") == b"ok"


async def test_the_adapter_does_without_the_clients_api_classes_and_models() -> None:
    """They cost most of the memory and a second of the start."""
    look = (
        "import sys, bot.cluster; heavy = ('.client.api.', '.client.models.');"
        "print([m for m in sys.modules if any(part in m for part in heavy)])"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", look, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert output.strip() == b"[]"


async def test_a_plugin_is_asked_again_when_its_token_expires(api: FakeApi, tmp_path: Path) -> None:
    """Nobody has to restart the bot after an hour."""
    script = tmp_path / "plugin.py"
    script.write_text(
        "import json, pathlib\n"
        f"runs = pathlib.Path({str(tmp_path / 'runs')!r})\n"
        "number = len(runs.read_text()) if runs.exists() else 0\n"
        "runs.write_text('x' * (number + 1))\n"
        "status = {'token': f'token-{number}', 'expirationTimestamp': '2020-01-01T00:00:00Z'}\n"
        "print(json.dumps({'apiVersion': 'v1', 'kind': 'ExecCredential', 'status': status}))\n"
    )
    api.on("/x", text("ok"))
    plugin = {"apiVersion": "v1", "command": sys.executable, "args": [str(script)]}
    async with connected(api.url, tmp_path, exec=plugin) as connection:
        http = KubernetesHttp(connection, WallClock(), lambda: 0.5)
        assert connection.api.configuration.api_key == {"BearerToken": "Bearer token-0"}
        await http.get("/x")
        assert connection.api.configuration.api_key == {"BearerToken": "Bearer token-1"}


def hanging_plugin(folder: Path, *, first: str) -> dict[str, Any]:
    """Give a plugin that does `first` when it runs the first time, and hangs whenever it is run again."""
    script = folder / "plugin.py"
    script.write_text(
        "import json, os, pathlib, time\n"
        f"pids = pathlib.Path({str(folder / 'pids')!r})\n"
        "is_first = not pids.exists()\n"
        "with pids.open('a') as file: file.write(f'{os.getpid()}\\n')\n"
        "status = {'token': 'abc', 'expirationTimestamp': '2020-01-01T00:00:00Z'}\n"
        f"if is_first: {first}\n"
        "else: time.sleep(60)\n"
    )
    return {"apiVersion": "v1", "command": sys.executable, "args": [str(script)]}


GIVES_ONE = "print(json.dumps({'apiVersion': 'v1', 'kind': 'ExecCredential', 'status': status}))"


def is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_plugin_that_hangs_at_the_start_is_told_in_words(tmp_path: Path) -> None:
    """And it is not left running."""
    path = write_kubeconfig(tmp_path, "http://127.0.0.1:1", exec=hanging_plugin(tmp_path, first="time.sleep(60)"))
    with pytest.raises(ConnectionUnusable, match=r"plugin that the context 'here' .* gave none within 1 s"):
        await open_connection(str(path), loading_s=1.0)
    assert not any(is_running(pid) for pid in (tmp_path / "pids").read_text().split())


async def test_a_plugin_that_hangs_later_wedges_nobody(api: FakeApi, tmp_path: Path) -> None:
    """Streams have no time limit of their own here; who waits behind the first is let go as well."""
    api.on("/x", text("ok"))
    path = write_kubeconfig(tmp_path, api.url, exec=hanging_plugin(tmp_path, first=GIVES_ONE))
    connection = await open_connection(str(path), renewing_s=1.0)
    http = KubernetesHttp(connection, WallClock(), lambda: 0.5)

    async def follow() -> None:
        async with http.stream("/x", {}, total_s=60, silence_s=60):
            pass

    try:
        async with asyncio.timeout(55):
            told = await asyncio.gather(*(follow() for _ in range(3)), return_exceptions=True)
    finally:
        await connection.close()
    assert [type(error) for error in told] == [ClusterUnauthorized] * 3
    assert all("gave no new ones within 1 s" in str(error) for error in told)
    assert not any(is_running(pid) for pid in (tmp_path / "pids").read_text().split())
