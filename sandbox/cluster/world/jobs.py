"""The Job controller: pods until enough of them succeeded, or too many failed."""

from __future__ import annotations

from sandbox.cluster.admission.denied import Denied
from sandbox.cluster.store import Json, copied
from sandbox.cluster.world import backoff, names
from sandbox.cluster.world.clock import parse_stamp
from sandbox.cluster.world.defaults import defaulted
from sandbox.cluster.world.events import EventRecorder, reference
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import is_active, is_ready, without_zeros
from sandbox.cluster.world.retries import Retries
from sandbox.cluster.world.templates import pod_from_template

COMPONENT = "job-controller"


class JobController:
    """Run Jobs to their end."""

    def __init__(self, machinery: Machinery, events: EventRecorder) -> None:
        self._machinery = machinery
        self._events = events
        self._retries = Retries(machinery)

    def reconcile(self, key: Key) -> None:
        """Take the next step of one Job."""
        stored = self._machinery.peek(*key)
        ended = stored is None or bool((stored.get("status") or {}).get("conditions"))
        if stored is None or ended or "deletionTimestamp" in stored["metadata"]:
            return
        job = self._labelled(stored)
        spec, pods = job["spec"], self._machinery.owned("pods", job)
        active = [pod for pod in pods if is_active(pod)]
        succeeded = sum(pod["status"].get("phase") == "Succeeded" for pod in pods)
        failed = [pod for pod in pods if pod["status"].get("phase") == "Failed"]
        verdict: list[Json] = []
        if succeeded >= spec["completions"]:
            message = "Reached expected number of succeeded pods"
            verdict = self._close(job, "Complete", "SuccessCriteriaMet", "CompletionsReached", message)
        elif len(failed) > spec["backoffLimit"]:
            message = "Job has reached the specified backoff limit"
            verdict = self._close(job, "Failed", "FailureTarget", "BackoffLimitExceeded", message)
        elif not active and not spec["suspend"]:
            self._replace(key, job, failed)
        self._count(key, verdict, succeeded, len(failed))

    def _labelled(self, stored: Json) -> Json:
        """Give a Job the selector and labels that bind its pods to it."""
        if stored["spec"].get("selector"):
            return stored
        job, metadata = defaulted("jobs", stored), stored["metadata"]
        labels = {
            "batch.kubernetes.io/controller-uid": metadata["uid"],
            "batch.kubernetes.io/job-name": metadata["name"],
            "controller-uid": metadata["uid"],
            "job-name": metadata["name"],
        }
        job["spec"]["template"]["metadata"]["labels"] |= labels
        job["spec"]["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": metadata["uid"]}}
        return self._machinery.update("jobs", job)

    def _replace(self, key: Key, job: Json, failed: list[Json]) -> None:
        """Create the next pods, after a failure with a back-off."""
        if failed:
            last = max(parse_stamp(pod["metadata"]["creationTimestamp"]) for pod in failed)
            due = last + backoff.pull_delay(len(failed))
            if due > self._machinery.now:
                self._machinery.wake(key, due)
                return
        try:
            self._create_pods(job)
            self._retries.forget(key)
        except Denied as denied:
            self._tell(job, "FailedCreate", f"Error creating: {denied}", warning=True)
            self._retries.again(key)

    def _create_pods(self, job: Json) -> None:
        metadata, random = job["metadata"], self._machinery.random
        for _ in range(min(job["spec"]["parallelism"], job["spec"]["completions"])):
            name = f"{metadata['name']}-{names.suffix(random)}"
            pod = pod_from_template(
                copied(job["spec"]["template"]),
                name=name,
                namespace=metadata["namespace"],
                owner=owner_reference(job, "batch/v1", "Job"),
                random=random,
            )
            pod["metadata"]["generateName"] = f"{metadata['name']}-"
            self._machinery.create_pod(pod)
            self._tell(job, "SuccessfulCreate", f"Created pod: {name}")

    def _close(self, job: Json, kind: str, criterion: str, reason: str, message: str) -> list[Json]:
        at = self._machinery.stamp()
        times = {"lastProbeTime": at, "lastTransitionTime": at}
        if kind == "Failed":
            self._tell(job, reason, message, warning=True)
        else:
            self._tell(job, "Completed", "Job completed")
        return [
            {"type": which, "status": "True", **times, "reason": reason, "message": message}
            for which in (criterion, kind)
        ]

    def _count(self, key: Key, verdict: list[Json], succeeded: int, failed: int) -> None:
        stored = self._machinery.peek(*key)
        if stored is None:
            return
        active = [pod for pod in self._machinery.owned("pods", stored) if is_active(pod)]
        started = (stored.get("status") or {}).get("startTime", self._machinery.stamp())
        counts = {"active": len(active), "succeeded": succeeded, "failed": failed}
        status = {
            **without_zeros(counts),
            "ready": sum(is_ready(pod) for pod in active),
            "terminating": 0,
            "uncountedTerminatedPods": {},
            "startTime": started,
        }
        if verdict:
            status["conditions"] = verdict
            if verdict[-1]["type"] == "Complete":
                status["completionTime"] = self._machinery.stamp()
        self._machinery.set_status("jobs", stored, status)

    def _tell(self, job: Json, reason: str, message: str, *, warning: bool = False) -> None:
        about = reference(job, "batch/v1", "Job")
        self._events.record(about, reason, message, component=COMPONENT, warning=warning)
