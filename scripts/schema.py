"""Write sandbox/cluster/schema/types.json from the OpenAPI documents of a real API server.

Usage: scripts/schema.py [KUBECONFIG]. Only what the simulated cluster asks is kept: the types of the fields, how lists
are told apart and merged, and which structs stand in an object even when they are empty. No words of help.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

Json = dict[str, Any]

TARGET = Path(__file__).parent.parent / "sandbox" / "cluster" / "schema" / "types.json"
GROUPS = {
    "api/v1": (
        "ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolumeClaim PersistentVolume Pod"
        " ReplicationController ResourceQuota Secret ServiceAccount Service Eviction"
    ),
    "apis/apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet Scale",
    "apis/autoscaling/v2": "HorizontalPodAutoscaler",
    "apis/batch/v1": "CronJob Job",
    "apis/coordination.k8s.io/v1": "Lease",
    "apis/discovery.k8s.io/v1": "EndpointSlice",
    "apis/networking.k8s.io/v1": "Ingress NetworkPolicy",
    "apis/policy/v1": "PodDisruptionBudget",
    "apis/storage.k8s.io/v1": "StorageClass",
}
_SCALARS = {
    "Quantity": "quantity",
    "IntOrString": "int-or-string",
    "Time": "time",
    "MicroTime": "time",
    "FieldsV1": "any",
    "RawExtension": "any",
}
# These stand in the documents of the groups whose subresources they are.
_OTHER_HOMES = {"Scale": "autoscaling/v1/Scale", "Eviction": "policy/v1/Eviction"}


class Reader:
    """Reads schemas of OpenAPI 3, and the schemas that they refer to."""

    def __init__(self) -> None:
        self.schemas: Json = {}
        self.types: Json = {}

    def take(self, reference: str) -> str:
        """Return the short name of a type, read in when it is seen first."""
        full = reference.rpartition("/")[2]
        short = ".".join(full.rsplit(".", 3)[-3:]) if ".api." in full else full.rpartition(".")[2]
        if short not in self.types:
            schema = self.schemas[full]
            self.types[short] = entry = {}
            entry["fields"] = {name: self.field(value) for name, value in sorted(schema.get("properties", {}).items())}
            for name in schema.get("required", ()):
                if entry["fields"][name]["type"] in {"list", "map"}:
                    entry["fields"][name]["present"] = True  # sent as null where it is empty
            if schema.get("x-kubernetes-map-type") == "atomic":
                entry["atomic"] = True
        return short

    def field(self, schema: Json) -> Json:
        """Return the type of one field."""
        built = self.plain(schema)
        if schema.get("default") == {}:
            built["present"] = True
        if schema.get("default") in ("", 0, False):  # the zero of a scalar that is always sent
            built["zero"] = schema["default"]
        if "x-kubernetes-patch-merge-key" in schema:
            built["merge"] = schema["x-kubernetes-patch-merge-key"]
        strategy = schema.get("x-kubernetes-patch-strategy", "")
        if "retainKeys" in strategy:
            built["retain"] = True
        if "merge" in strategy and "merge" not in built and schema.get("type") == "array":
            built["merge"] = ""
        if schema.get("x-kubernetes-list-type") == "map":
            built["keys"] = schema["x-kubernetes-list-map-keys"]
        if schema.get("x-kubernetes-list-type") == "set":
            built["set"] = True
        if schema.get("x-kubernetes-map-type") == "atomic":
            built["atomic"] = True
        return built

    def plain(self, schema: Json) -> Json:
        reference = schema.get("$ref") or next((part["$ref"] for part in schema.get("allOf", ())), None)
        if reference:
            name = reference.rpartition(".")[2]
            return {"type": _SCALARS[name]} if name in _SCALARS else {"type": "struct", "of": self.take(reference)}
        match schema.get("type"):
            case "array":
                return {"type": "list", "items": self.plain(schema["items"])}
            case "object" if "additionalProperties" in schema:
                return {"type": "map", "items": self.plain(schema["additionalProperties"])}
            case "string" if schema.get("format") == "byte":
                return {"type": "bytes"}
            case "integer":
                return {"type": schema.get("format", "int32")}
            case str() as name if name != "object":
                return {"type": name}
            case _:
                return {"type": "any"}


def main() -> int:
    kubectl = ["kubectl", *([f"--kubeconfig={sys.argv[1]}"] if len(sys.argv) > 1 else []), "get", "--raw"]
    reader, kinds = Reader(), {}
    for path, names in GROUPS.items():
        text = subprocess.run([*kubectl, f"/openapi/v3/{path}"], check=True, capture_output=True).stdout  # noqa: S603
        reader.schemas = json.loads(text)["components"]["schemas"]
        version = path.removeprefix("apis/").removeprefix("api/")
        for kind in names.split():
            full = next(name for name in reader.schemas if ".api." in name and name.endswith(f".{kind}"))
            kinds[_OTHER_HOMES.get(kind, f"{version}/{kind}")] = reader.take(full)
        reader.take("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")
    kinds["v1/DeleteOptions"] = "DeleteOptions"
    rows = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(reader.types.items()))
    TARGET.write_text(f'{{"kinds": {json.dumps(kinds)},\n"types": {{\n' + ",\n".join(rows) + "\n}}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
