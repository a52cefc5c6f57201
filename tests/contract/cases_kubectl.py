"""kubectl itself, the same commands at both sides: what it prints, how it ends, and what has become of the object."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sandbox.cluster.store import Json
from tests.contract.case import Case, NotYet
from tests.contract.pictures import SETS, all_ready, picture, removed, until_pods
from tests.contract.writing import DEPLOYMENTS, Scene, post, small_deployment, told

_PATH = f"{DEPLOYMENTS}/k"
_TIMEOUT_S = 60.0


class Kubectl:
    """Runs kubectl at one side, where time passes meanwhile."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        if shutil.which("kubectl") is None:
            raise NotYet("kubectl is not on the PATH")
        self._scene = scene
        self._folder = folder

    async def run(self, command: str, stdin: str = "") -> Json:
        """Run a command and return its exit code and the words of its last line, tidied."""
        side = self._scene.side
        words = shlex.split(command.replace("IMAGE", side.image))
        process = await asyncio.create_subprocess_exec(
            "kubectl",
            f"--kubeconfig={side.kubeconfig}",
            f"--namespace={side.namespace}",
            f"--cache-dir={self._folder}",
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
        )
        async with asyncio.timeout(_TIMEOUT_S):
            output, _ = await process.communicate(stdin.encode())
        lines = side.mask(output.decode()).splitlines()
        # A rollout's waiting is told by more or fewer lines, as it happens to go.
        kept = lines[-1:] if words[:2] == ["rollout", "status"] else lines
        told_lines: list[str] = self._scene.tidied([line.rstrip() for line in kept])
        return {"command": command, "exit": process.returncode, "lines": told_lines}


def _session(name: str, *commands: str, replicas: int = 1) -> Case:
    """Return a case of commands on a Deployment ``k``, each followed by a picture of it once it has settled."""

    async def tell(scene: Scene) -> list[Any]:
        with tempfile.TemporaryDirectory() as folder:
            kubectl = Kubectl(scene, Path(folder))
            await scene.raw(post(DEPLOYMENTS, small_deployment("k", scene.side.image, replicas)))
            async with scene.side.hands.passing_time():
                await scene.settled(_PATH)
                seen: list[Any] = []
                for command in commands:
                    seen.append(await kubectl.run(command))
                    await scene.settled(_PATH)
                seen.append(_without_moments(await picture(scene, "k")))
                await removed(scene, _PATH)
        return seen

    return told(f"kubectl-{name}", tell)


def _without_moments(seen: Any) -> Any:
    """Leave out how many pods came and went, and the generation of sets that tells it."""
    for item in seen["sets"]:
        item["status"].pop("observedGeneration", None)
    return seen


async def _applied(scene: Scene) -> list[Any]:
    """Apply, apply the same, apply a change by client and by server dry run, and something wrong."""
    made = small_deployment("k", scene.side.image, 1)
    changed = json.loads(json.dumps(made))
    changed["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    changed["metadata"]["labels"] = {"team": "x"}
    wrong = json.loads(json.dumps(changed))
    wrong["spec"]["replicas"] = -1
    unknown = json.loads(json.dumps(changed))
    unknown["spec"]["foo"] = 1
    with tempfile.TemporaryDirectory() as folder:
        kubectl = Kubectl(scene, Path(folder))
        async with scene.side.hands.passing_time():
            seen: list[Any] = []
            for arguments, manifest in (
                ("", made),
                ("", made),
                ("--dry-run=server", changed),
                ("", changed),
                ("", wrong),
                ("--dry-run=client", changed),
                ("--validate=false", unknown),
            ):
                answer = await kubectl.run(f"apply {arguments} -f -", json.dumps(manifest))
                seen.append({"exit": answer["exit"], "first": answer["lines"][:1]})
                await scene.settled(_PATH)
            applied = (await scene.get(_PATH))["metadata"]
            managers = sorted({entry["manager"] for entry in applied["managedFields"]} - {"kube-controller-manager"})
            seen += [managers, scene.tidied(applied["annotations"]), applied["labels"]]
            seen.append(await kubectl.run("delete deployment k --wait=false"))
            await until_pods(scene, "k", lambda pods: not pods)
    return seen


async def _stateful(scene: Scene) -> list[Any]:
    """Restart, scale and undo a StatefulSet."""
    body = {"metadata": {"name": "k"}, "spec": small_deployment("k", scene.side.image, 1)["spec"]}
    path = f"{SETS}/k"
    with tempfile.TemporaryDirectory() as folder:
        kubectl = Kubectl(scene, Path(folder))
        await scene.raw(post(SETS, body))
        async with scene.side.hands.passing_time():
            await until_pods(scene, "k", all_ready(1))
            seen: list[Any] = []
            for command in (
                "rollout status statefulset/k --timeout=60s",
                "rollout undo statefulset/k",
                "set env statefulset/k A=1",
                "rollout status statefulset/k --timeout=60s",
                "scale statefulset/k --replicas=2",
                "rollout status statefulset/k --timeout=60s",
                "rollout history statefulset/k",
                "rollout undo statefulset/k",
                "rollout status statefulset/k --timeout=60s",
                "rollout history statefulset/k",
            ):
                seen.append(await kubectl.run(command))
                await scene.until(path, _is_seen)
            await removed(scene, path)
    return seen


def _is_seen(found: Json) -> bool:
    return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])


async def _pods(scene: Scene) -> list[Any]:
    """Delete a pod by hand."""
    spec = small_deployment("p", scene.side.image)["spec"]["template"]["spec"]
    with tempfile.TemporaryDirectory() as folder:
        kubectl = Kubectl(scene, Path(folder))
        await scene.raw(post("/api/v1/namespaces/{ns}/pods", {"metadata": {"name": "p"}, "spec": spec}))
        async with scene.side.hands.passing_time():
            return [
                await kubectl.run(command)
                for command in (
                    "label pod p a=b",
                    "annotate pod p a=b",
                    "delete pod p --dry-run=server",
                    "delete pod p",
                    "delete pod p",
                )
            ]


_STATUS = "rollout status deployment/k --timeout=60s"
_MERGE = """patch deployment k --type=merge -p '{"spec":{"minReadySeconds":1}}'"""
_STRATEGIC = """patch deployment k -p '{"spec":{"template":{"spec":{"containers":[{"name":"main","tty":true}]}}}}'"""
_JSON = """patch deployment k --type=json -p '[{"op":"remove","path":"/spec/minReadySeconds"}]'"""
_FAILS = """patch deployment k --type=json -p '[{"op":"test","path":"/spec/replicas","value":9}]'"""

KUBECTL_CASES: tuple[Case, ...] = (
    _session(
        "scale",
        "scale deployment k --replicas=2",
        "scale deployment k --replicas=3 --current-replicas=5",
        "scale deployment k --replicas=1 --current-replicas=2",
        "scale deployment k --replicas=2 --resource-version=1",
        "scale deployment nobody --replicas=2",
        "scale deployment k --replicas=5 --dry-run=server",
        _STATUS,
    ),
    _session(
        "undo",
        "rollout undo deployment/k",
        "annotate deployment k kubernetes.io/change-cause=first",
        "set env deployment/k A=1",
        "annotate deployment k kubernetes.io/change-cause=second",
        "set env deployment/k A=2",
        "rollout history deployment/k",
        "rollout undo deployment/k",
        "rollout history deployment/k",
        "rollout undo deployment/k --to-revision=1",
        "rollout history deployment/k",
        "rollout history deployment/k --revision=9",
        "rollout undo deployment/k --to-revision=2",
        "rollout undo deployment/k --dry-run=server",
        _STATUS,
    ),
    _session(
        "pause",
        "rollout pause deployment/k",
        "rollout pause deployment/k",
        "set env deployment/k A=1",
        "rollout undo deployment/k",
        "rollout restart deployment/k",
        "rollout resume deployment/k",
        _STATUS,
        "rollout resume deployment/k",
    ),
    _session("restart", "rollout restart deployment/k", _STATUS, "rollout restart deployment/nobody"),
    _session(
        "set",
        "set image deployment/k main=IMAGE",
        "set image deployment/k other=IMAGE",
        "set resources deployment k --limits=memory=64Mi --requests=cpu=20m",
        "set resources deployment k --limits=cpu=10m --requests=cpu=20m",
        "set resources deployment k --limits=memory=abc",
        "set env deployment/k A=1 B=2",
        "set env deployment/k A- B=3",
        "set env deployment/k --list",
        _STATUS,
    ),
    _session("patch", _MERGE, _MERGE, _STRATEGIC, _JSON, _JSON, _FAILS, _STATUS),
    _session(
        "delete-refused",
        "delete deployment nobody",
        "delete deployment k --dry-run=server",
        "delete deployment k --dry-run=client",
    ),
    told("kubectl-apply", _applied),
    told("kubectl-stateful-set", _stateful),
    told("kubectl-pod", _pods),
)
