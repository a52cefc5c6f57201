"""The kubelet's steps for one container: pull, create, start, probe, end, back off."""

from __future__ import annotations

from random import Random

from sandbox.cluster.store import Json
from sandbox.cluster.world import backoff, names
from sandbox.cluster.world.catalogue import Catalogue
from sandbox.cluster.world.containers import NEVER, Container, Run, Stage
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.images import normalized, pull_error
from sandbox.cluster.world.machinery import Machinery
from sandbox.cluster.world.pod_status import PodRuntime
from sandbox.cluster.world.probes import FIELDS, Prober, failure_message
from sandbox.cluster.world.quantities import memory_bytes
from sandbox.cluster.world.references import missing_config

_KILLED, _START_ERROR = 137, 128


class ContainerSteps:
    """Move containers from stage to stage when they are due."""

    def __init__(self, machinery: Machinery, events: EventRecorder, catalogue: Catalogue) -> None:
        self._machinery = machinery
        self._events = events
        self._catalogue = catalogue
        self._images: dict[str, dict[str, int]] = {}

    def step(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        """Do all that is due for a container now."""
        if container.stage is Stage.PENDING:
            self._pull(pod, runtime, container)
        now = self._machinery.now
        while container.wakes_at <= now:
            if container.due <= now:
                self._transition(pod, runtime, container)
            elif container.told <= now:
                self._tell_back_off(pod, runtime, container)
            else:
                self._probe(pod, runtime, container)

    def change_behaviour(self, pod: Json, container: Container) -> None:
        """Let a running container behave as the catalogue says now, from now on."""
        run, now = container.current, self._machinery.now
        if not container.running or run is None:
            return
        behaviour = self._catalogue.behaviour_of(pod, container.spec, container.role)
        if behaviour == run.behaviour:
            return
        run.behaviour, run.origin = behaviour, now - behaviour.start_delay  # it has started long ago
        run.fate = behaviour.ending(run.memory_limit)
        if container.stage is Stage.RUNNING:
            container.due = run.fated_at()
        for prober in container.probers:
            prober.reconsider(now)

    def _transition(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        stage, now = container.stage, self._machinery.now
        if stage is Stage.PULLING:
            self._finish_pull(pod, runtime, container)
        elif stage is Stage.PULL_FAILED:
            self._back_off_pull(pod, runtime, container)
        elif stage is Stage.START_FAILED or (stage is Stage.ENDED and backoff.delay(container.crashes) > 0):
            self._back_off(pod, runtime, container)
        elif stage in {Stage.PULL_BACKOFF, Stage.CONFIG_ERROR, Stage.ENDED, Stage.BACKOFF}:
            container.told = NEVER
            self._pull(pod, runtime, container)
        elif container.current is not None and stage is Stage.STOPPING:
            code = container.current.behaviour.stop_exit_code
            self._end(pod, runtime, container, code, "Completed" if code == 0 else "Error")
        elif container.current is not None and container.current.fate is not None and stage is Stage.RUNNING:
            fate = container.current.fate
            self._end(pod, runtime, container, fate.exit_code, fate.reason)
        else:
            raise RuntimeError(f"nothing is due for container {container.name} in stage {stage} at {now}")

    # Images

    def _pull(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        image = container.spec["image"]
        if self._is_present(runtime.node, image) and container.spec.get("imagePullPolicy") != "Always":
            message = f'Container image "{image}" already present on machine'
            self._tell(pod, runtime, container, "Pulled", message)
            self._create(pod, runtime, container)
            return
        self._tell(pod, runtime, container, "Pulling", f'Pulling image "{image}"')
        random = self._random(runtime, container, "pull")
        container.stage, container.due = Stage.PULLING, self._machinery.now + 0.5 + 2.0 * random.random()

    def _is_present(self, node_name: str, image: str) -> bool:
        """Tell whether a node has an image: pulled before, or there when the node was made."""
        if node_name not in self._images:
            node = self._machinery.peek("nodes", "", node_name) or {"status": {}}
            listed = node["status"].get("images") or ()
            self._images[node_name] = {name: entry["sizeBytes"] for entry in listed for name in entry["names"]}
        present = self._images[node_name]
        return image in present or normalized(image) in present

    def _finish_pull(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        image, now = container.spec["image"], self._machinery.now
        failure = self._catalogue.pull_failure(image)
        if failure is not None:
            error = pull_error(image, failure)
            container.pull_failures += 1
            container.stage, container.message = Stage.PULL_FAILED, error
            container.due = now + backoff.SYNC_SECONDS + self._random(runtime, container, "lag").uniform(-2, 2)
            self._tell(pod, runtime, container, "Failed", f'Failed to pull image "{image}": {error}', warning=True)
            self._tell(pod, runtime, container, "Failed", "Error: ErrImagePull", warning=True)
            return
        took = 0.5 + 2.0 * self._random(runtime, container, "pull").random()
        size = 20_000_000 + Random(image).randrange(180_000_000)
        present = self._images[runtime.node]
        message = f'Successfully pulled image "{image}" in {took:.3f}s ({took:.3f}s including waiting).'
        self._tell(pod, runtime, container, "Pulled", f"{message} Image size: {size} bytes.")
        if image not in present:
            present[image] = size
            self._list_images(runtime.node)
        container.pull_failures, container.message = 0, ""
        self._create(pod, runtime, container)

    def _list_images(self, node_name: str) -> None:
        node = self._machinery.peek("nodes", "", node_name)
        if node is None:
            return
        images = [{"names": [normalized(i)], "sizeBytes": size} for i, size in self._images[node_name].items()]
        self._machinery.set_status("nodes", node, {**node["status"], "images": images})

    def _back_off_pull(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        now, failures = self._machinery.now, container.pull_failures
        lag = self._random(runtime, container, "late").uniform(2, 6)
        container.stage = Stage.PULL_BACKOFF
        container.message = f'Back-off pulling image "{container.spec["image"]}": ErrImagePull: {container.message}'
        container.due = now + max(0.0, backoff.pull_delay(failures) - backoff.SYNC_SECONDS) + lag
        self._tell_back_off(pod, runtime, container)

    # Instances

    def _create(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        now = self._machinery.now
        trouble = missing_config(self._machinery.store, pod["metadata"]["namespace"], container.spec)
        if trouble is not None:
            container.stage, container.message = Stage.CONFIG_ERROR, trouble
            container.due = now + backoff.SYNC_SECONDS
            self._tell(pod, runtime, container, "Failed", f"Error: {trouble}", warning=True)
            return
        run = self._new_run(pod, runtime, container)
        self._tell(pod, runtime, container, "Created", f"Created container: {container.name}")
        container.begin(run)
        container.image_id = f"sha256:{names.hexadecimal(Random(container.spec['image']))}"
        failure = run.behaviour.start_failure
        if failure is not None:
            run.failed_to_start, run.message = True, failure
            container.end(now, _START_ERROR, "StartError", restart=True)
            container.stage, container.message, container.due = Stage.START_FAILED, failure, now + 1.0
            self._tell(pod, runtime, container, "Failed", f"Error: {failure}", warning=True)
            return
        self._tell(pod, runtime, container, "Started", f"Started container {container.name}")
        container.probers = self._probers(container, after_startup=False)
        container.started = not any(prober.kind == "startup" for prober in container.probers)
        container.ready = container.started and not self._has_readiness(container)

    def _new_run(self, pod: Json, runtime: PodRuntime, container: Container) -> Run:
        now = self._machinery.now
        started = container.restarts + (1 if container.current is not None else 0)
        random = Random(f"{self._machinery.seed} {runtime.uid} {container.name} run {started}")
        limit = (container.spec.get("resources") or {}).get("limits", {}).get("memory")
        run = Run(
            container_id=f"containerd://{names.hexadecimal(random)}",
            started=now,
            behaviour=self._catalogue.behaviour_of(pod, container.spec, container.role),
            origin=now,
            memory_limit=memory_bytes(limit) if limit else None,
        )
        run.fate = run.behaviour.ending(run.memory_limit)
        return run

    def _end(self, pod: Json, runtime: PodRuntime, container: Container, code: int, reason: str) -> None:
        now = self._machinery.now
        container.end(now, code, reason, restart=_restarts(pod, container, code))
        run = container.current
        if run is not None and code and container.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            run.message = "\n".join(run.behaviour.closing)
        if container.stage is Stage.ENDED:
            random, delay = self._random(runtime, container, "ended"), backoff.delay(container.crashes)
            container.due = now + (random.uniform(0.8, 2.0) if delay <= 0 else min(delay, random.uniform(1, 12)))

    def _back_off(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        run, now = container.current, self._machinery.now
        if run is None or run.finished is None:
            return
        delay = backoff.delay(max(2, container.crashes) if run.failed_to_start else container.crashes)
        metadata = pod["metadata"]
        where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        container.stage = Stage.BACKOFF
        container.message = (
            f"back-off {backoff.duration(delay)} restarting failed container={container.name} pod={where}"
        )
        container.due = max(now, run.finished + delay) + self._random(runtime, container, "late").uniform(0, 8)
        self._tell_back_off(pod, runtime, container)

    def _tell_back_off(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        """Repeat the events of a back-off, as each look of the kubelet at the pod does."""
        container.told = self._machinery.now + backoff.SYNC_SECONDS
        if container.stage is Stage.PULL_BACKOFF:
            message = f'Back-off pulling image "{container.spec["image"]}"'
            self._tell(pod, runtime, container, "BackOff", message)
            self._tell(pod, runtime, container, "Failed", "Error: ImagePullBackOff", warning=True)
            return
        metadata = pod["metadata"]
        where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        message = f"Back-off restarting failed container {container.name} in pod {where}"
        self._tell(pod, runtime, container, "BackOff", message, warning=True)

    # Probes

    def _probers(self, container: Container, *, after_startup: bool) -> list[Prober]:
        fields = [(kind, field) for kind, field in FIELDS if field in container.spec and container.role != "init"]
        if not after_startup and any(kind == "startup" for kind, _ in fields):
            fields = fields[:1]  # the others wait until the start is over
        elif after_startup:
            fields = [(kind, field) for kind, field in fields if kind != "startup"]
        return [Prober(kind, container.spec[field], self._machinery.now) for kind, field in fields]

    def _has_readiness(self, container: Container) -> bool:
        return "readinessProbe" in container.spec

    def _probe(self, pod: Json, runtime: PodRuntime, container: Container) -> None:
        run, now = container.current, self._machinery.now
        prober = next(prober for prober in container.probers if prober.due <= now)
        if run is None:
            return
        answer = prober.observe(run.behaviour, run.origin, now)
        if not answer.ok:
            message = failure_message(prober.kind, prober.spec, answer, runtime.address)
            self._tell(pod, runtime, container, "Unhealthy", message, warning=True)
        if prober.kind == "readiness":
            container.ready = prober.passed is True
        elif prober.passed is False:
            message = f"Container {container.name} failed {prober.kind} probe, will be restarted"
            self._tell(pod, runtime, container, "Killing", message)
            container.stage, container.due = Stage.STOPPING, now + run.behaviour.stop_seconds
        elif prober.kind == "startup" and prober.passed:
            container.started, container.ready = True, not self._has_readiness(container)
            container.probers = self._probers(container, after_startup=True)

    def _random(self, runtime: PodRuntime, container: Container, purpose: str) -> Random:
        count = f"{container.restarts} {container.pull_failures}"
        return Random(f"{self._machinery.seed} {runtime.uid} {container.name} {count} {purpose}")

    def _tell(
        self, pod: Json, runtime: PodRuntime, container: Container, reason: str, message: str, *, warning: bool = False
    ) -> None:
        self._events.record(
            reference(pod, "v1", "Pod"),
            reason,
            message,
            component="kubelet",
            host=runtime.node,
            warning=warning,
            field_path=container.field_path,
        )


def _restarts(pod: Json, container: Container, exit_code: int) -> bool:
    policy = pod["spec"].get("restartPolicy", "Always")
    if container.role == "sidecar":
        return True
    if container.role == "init":
        return exit_code != 0 and policy != "Never"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)
