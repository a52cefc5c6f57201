"""What a pod refers to and what of it is missing: the reasons why a container is not created."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.cluster.store import Json, ObjectStore


def missing_mount(store: ObjectStore, pod: Json) -> str | None:
    """Return the message of a FailedMount event, or None when all volumes can be set up."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes", ()):
        for field, name_field, resource, word in (
            ("secret", "secretName", "secrets", "secret"),
            ("configMap", "name", "configmaps", "configmap"),
        ):
            source = volume.get(field)
            if source is None or source.get("optional"):
                continue
            if store.get(resource, namespace, source[name_field]) is None:
                trouble = f'{word} "{source[name_field]}" not found'
                return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {trouble}'
    return None


def missing_config(store: ObjectStore, namespace: str, container: Json) -> str | None:
    """Return the message of a CreateContainerConfigError, or None when the environment can be built."""
    for resource, word, title, reference in _sources(container):
        if reference.get("optional"):
            continue
        found = store.get(resource, namespace, reference["name"])
        if found is None:
            return f'{word} "{reference["name"]}" not found'
        key = reference.get("key")
        if key is not None and not any(key in (found.get(part) or {}) for part in ("data", "stringData", "binaryData")):
            return f"couldn't find key {key} in {title} {namespace}/{reference['name']}"
    return None


def unbound_claim(store: ObjectStore, pod: Json) -> str | None:
    """Return why the pod's claims keep it from being scheduled, or None."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes", ()):
        name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if name is None:
            continue
        claim = store.get("persistentvolumeclaims", namespace, name)
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        if claim.get("status", {}).get("phase") != "Bound":
            return "pod has unbound immediate PersistentVolumeClaims"
    return None


def _sources(container: Json) -> Iterator[tuple[str, str, str, Json]]:
    kinds = (("configMap", "configmaps", "configmap", "ConfigMap"), ("secret", "secrets", "secret", "Secret"))
    for field, resource, word, title in kinds:
        for entry in container.get("envFrom", ()):
            if f"{field}Ref" in entry:
                yield resource, word, title, entry[f"{field}Ref"]
        for entry in container.get("env", ()):
            source = entry.get("valueFrom") or {}
            if f"{field}KeyRef" in source:
                yield resource, word, title, source[f"{field}KeyRef"]
