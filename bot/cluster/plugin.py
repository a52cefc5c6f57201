"""The program that a kubeconfig names for credentials: run as the library runs it, but never left running."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from kubernetes.aio.config import kube_config
from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.exec_provider import ExecProvider

# After being killed a process is gone at once; its output may be held open by a program that it started.
_GONE_S = 1.0


class StoppablePlugin(ExecProvider):
    """A credentials plugin that ends when the wait for it is cancelled."""

    async def run(self, previous_response: Any = None) -> Any:
        """Run the program and return the status that it prints. Raises `ConfigException`."""
        spec = {"interactive": sys.stdout.isatty()}
        if previous_response:
            spec["response"] = previous_response
        info = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": spec}
        process = await asyncio.create_subprocess_exec(
            *self.args,
            env={**self.env, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it may hold credentials, and nobody reads it
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                await _kill(process)
        if process.returncode != 0:
            raise ConfigException(f"exec: process returned {process.returncode}")
        return self._status(output)

    def _status(self, output: bytes) -> Any:
        try:
            credential = json.loads(output)
        except ValueError:
            raise ConfigException("exec: the output is not JSON") from None
        if not isinstance(credential, dict) or not {"apiVersion", "kind", "status"} <= credential.keys():
            raise ConfigException("exec: the output is no ExecCredential")
        if credential["apiVersion"] != self.api_version:
            raise ConfigException("exec: the output is of another version than was asked for")
        return credential["status"]


async def _kill(process: asyncio.subprocess.Process) -> None:
    try:
        process.kill()
        async with asyncio.timeout(_GONE_S):
            await process.wait()
    except (ProcessLookupError, TimeoutError):
        return


def install() -> None:
    """Have the library run plugins this way; it offers no other place to say so."""
    kube_config.ExecProvider = StoppablePlugin  # type: ignore[attr-defined]  # imported there, not exported
