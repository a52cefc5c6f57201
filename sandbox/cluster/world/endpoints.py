"""The controller of EndpointSlices: which pods stand behind a Service, and which of them are ready."""

from __future__ import annotations

from random import Random

from sandbox.cluster.store import Json
from sandbox.cluster.world import names
from sandbox.cluster.world.index import Key
from sandbox.cluster.world.machinery import Machinery, owner_reference
from sandbox.cluster.world.pods_view import is_ready

_MANAGER = "endpointslice-controller.k8s.io"


class EndpointSliceController:
    """Keep one slice for each Service that has a selector."""

    def __init__(self, machinery: Machinery) -> None:
        self._machinery = machinery
        self._slices: dict[str, str] = {}

    def reconcile(self, key: Key) -> None:
        """Bring the slice of one Service up to date."""
        service = self._machinery.peek(*key)
        if service is None:
            return
        service = self._with_address(service)
        selector = service["spec"].get("selector")
        if not selector:
            return
        pods = [pod for pod in self._machinery.selected(key.namespace, selector) if _is_listed(pod)]
        endpoints = [_endpoint(pod) for pod in pods]
        ports = [_port(entry, pods) for entry in service["spec"].get("ports", ())]
        self._write(service, endpoints, ports if endpoints else None)

    def _with_address(self, service: Json) -> Json:
        if service["spec"].get("clusterIP"):
            return service
        random = Random(f"{self._machinery.seed} {service['metadata']['uid']} address")
        address = f"10.96.{random.randrange(1, 250)}.{random.randrange(1, 250)}"
        spec = {**service["spec"], "clusterIP": address, "clusterIPs": [address]}
        return self._machinery.update("services", {**service, "spec": spec})

    def _write(self, service: Json, endpoints: list[Json], ports: list[Json] | None) -> None:
        metadata = service["metadata"]
        name = self._slices.get(metadata["uid"])
        old = self._machinery.peek("endpointslices", metadata["namespace"], name) if name else None
        if old is not None and (old["endpoints"] or []) == endpoints and old["ports"] == ports:
            return
        trigger = {"endpoints.kubernetes.io/last-change-trigger-time": self._machinery.stamp()}
        content = {"addressType": "IPv4", "endpoints": endpoints or None, "ports": ports}
        if old is not None:
            changed = {**old["metadata"], "annotations": trigger}
            self._machinery.update("endpointslices", {**old, **content, "metadata": changed})
            return
        prefix = f"{metadata['name']}-"
        name = prefix + names.suffix(Random(f"{self._machinery.seed} {metadata['uid']} slice"))
        self._slices[metadata["uid"]] = name
        self._machinery.create(
            "endpointslices",
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": name,
                    "generateName": prefix,
                    "namespace": metadata["namespace"],
                    "labels": {
                        "endpointslice.kubernetes.io/managed-by": _MANAGER,
                        "kubernetes.io/service-name": metadata["name"],
                    },
                    "annotations": trigger,
                    "ownerReferences": [owner_reference(service, "v1", "Service")],
                },
                **content,
            },
        )


def _is_listed(pod: Json) -> bool:
    return bool(pod["status"].get("podIP")) and pod["status"].get("phase") not in {"Succeeded", "Failed"}


def _endpoint(pod: Json) -> Json:
    metadata = pod["metadata"]
    serving, terminating = is_ready(pod), "deletionTimestamp" in metadata
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": serving and not terminating, "serving": serving, "terminating": terminating},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": {
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }


def _port(entry: Json, pods: list[Json]) -> Json:
    target = entry.get("targetPort", entry["port"])
    if isinstance(target, str):
        declared = [
            port["containerPort"]
            for pod in pods[:1]
            for container in pod["spec"]["containers"]
            for port in container.get("ports", ())
            if port.get("name") == target
        ]
        target = declared[0] if declared else entry["port"]
    return {"name": entry.get("name", ""), "port": target, "protocol": entry.get("protocol", "TCP")}
