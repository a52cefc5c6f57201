"""kubectl and kustomizations, as an operator uses them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests" / "kubernetes"


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The program with one kubeconfig; empty where no cluster is asked."""

    kubeconfig: str = ""

    async def __call__(self, *words: str, stdin: str = "", within_s: float = 60.0) -> str:
        """Run it and return what it prints. Raises `AssertionError` with its complaint when it fails."""
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            *words,
            env={**os.environ, "KUBECONFIG": self.kubeconfig or os.devnull},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(within_s):
                out, err = await process.communicate(stdin.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, f"kubectl {' '.join(words)}\n{out.decode()}{err.decode()}"
        return out.decode()

    async def json(self, *words: str) -> dict[str, Any]:
        """Ask for an object, or a list of them."""
        return dict(json.loads(await self(*words, "-o", "json")))

    async def build(self, folder: Path) -> list[dict[str, Any]]:
        """Return what a kustomization makes."""
        return [made for made in yaml.safe_load_all(await self("kustomize", str(folder))) if made]


def kustomization(
    folder: Path,
    *,
    resources: Sequence[Path | str] = (),
    components: Sequence[Path] = (),
    files: Mapping[str, str] | None = None,
    **more: Any,
) -> Path:
    """Write a kustomization into `folder`, with the files that it names, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [_named(each, folder) for each in resources],
        "components": [_named(each, folder) for each in components],
        **more,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return folder


def _named(place: Path | str, folder: Path) -> str:
    """Return a path as a kustomization must name it: from its own folder."""
    return place if isinstance(place, str) else os.path.relpath(place, folder.resolve())
