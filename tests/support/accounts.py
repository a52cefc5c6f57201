"""The accounts of the manifests on a real API server, each with the rights of the manifests and a token of its own."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.cluster import Connection
from tests.support.granted import CERTIFICATES, CHANGES, GUARD, NODES, READER, documents
from tests.support.hands import Hands
from tests.support.requests_seen import Need

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
REVIEWS = "/apis/authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks the API server with one token."""

    session: aiohttp.ClientSession
    server: str
    token: str

    async def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, str]:
        """Return the status and the text of an answer."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, self.server + path, headers=headers, data=data) as answer:
            return answer.status, await answer.text()

    async def may(self, need: Need, namespace: str) -> bool:
        """Ask the authorizer whether this account has a right."""
        resource, _, subresource = need.resource.partition("/")
        attributes = {
            "verb": need.verb,
            "group": need.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": namespace if need.namespaced else "",
        }
        of_path = {"nonResourceAttributes": {"verb": need.verb, "path": need.resource}}
        spec = of_path if need.is_path else {"resourceAttributes": attributes}
        status, text = await self.ask("POST", f"{REVIEWS}/selfsubjectaccessreviews", {"spec": spec})
        assert status == 201, text
        return bool(json.loads(text)["status"]["allowed"])


async def make_account(hands: Hands, namespace: str, name: str) -> None:
    """Make an account of the manifests."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    await hands.send("POST", path, {"metadata": {"name": name}})


async def grant_reader(hands: Hands, namespace: str, *, to: str = "") -> None:
    """Apply the rights for one namespace, to accounts in that namespace, or in another one."""
    await _grant(hands, namespace, READER, to or namespace)


async def grant_certificates(hands: Hands, namespace: str) -> None:
    """Apply the right to see cert-manager's Certificates of a namespace."""
    await _grant(hands, namespace, CERTIFICATES, namespace)


async def grant_changes(hands: Hands, namespace: str, *, to: str = "") -> None:
    """Apply what lets the worker in that namespace, or in another one, change workloads of it."""
    await _grant(hands, namespace, CHANGES, to or namespace)


async def _grant(hands: Hands, namespace: str, file: str, home: str) -> None:
    for document in documents(file):
        _bind_to(document, home)
        await hands.send("POST", f"{RBAC}/namespaces/{namespace}/{document['kind'].lower()}s", document)


@asynccontextmanager
async def guarded(hands: Hands, *repositories: str) -> AsyncIterator[None]:
    """Apply the guard under names of this test's own, and take it back. It is in force a moment later."""
    prefix, made = f"ragops-test-{secrets.token_hex(4)}", []
    try:
        for document in documents(GUARD):
            document["metadata"]["name"] = name = f"{prefix}-{document['metadata']['name']}"
            spec = document["spec"]
            if "policyName" in spec:
                spec["policyName"] = name
            for variable in spec.get("variables", ()):
                if variable["name"] == "repositories":
                    variable["expression"] = json.dumps(repositories)
            path = f"{ADMISSION}/{PLURALS[document['kind']]}"
            await hands.send("POST", path, document)
            made.append(f"{path}/{name}")
        yield
    finally:
        for path in made:
            await hands.send("DELETE", path)


@asynccontextmanager
async def granted_nodes(hands: Hands, namespace: str, *, file: str = NODES) -> AsyncIterator[None]:
    """Apply rights for the whole cluster, under names of this test's own, and take them back."""
    name, made = f"ragops-test-{secrets.token_hex(4)}", []
    try:
        for document in documents(file):
            document["metadata"]["name"] = name
            if "roleRef" in document:
                document["roleRef"]["name"] = name
            _bind_to(document, namespace)
            plural = f"{document['kind'].lower()}s"
            await hands.send("POST", f"{RBAC}/{plural}", document)
            made.append(f"{RBAC}/{plural}/{name}")
        yield
    finally:
        for path in made:
            await hands.send("DELETE", path)


def _bind_to(document: dict[str, Any], namespace: str) -> None:
    for subject in document.get("subjects", ()):
        subject["namespace"] = namespace


async def token_of(hands: Hands, namespace: str, name: str) -> str:
    """Return a token of an account, good for ten minutes."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
    made = await hands.send("POST", path, {"spec": {"expirationSeconds": 600}})
    return str(made["status"]["token"])


def write_kubeconfig(path: Path, server: str, token: str, authority: str = "") -> Path:
    """Write a kubeconfig with a token; `authority` is the file of the server's certificate authority."""
    cluster = {"server": server, **({"certificate-authority": authority} if authority else {})}
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    path.write_text(json.dumps(config))
    return path


def context_of(connection: Connection) -> ssl.SSLContext:
    """Return how the server's certificate is checked, without any credentials of ours."""
    return ssl.create_default_context(cafile=connection.api.configuration.ssl_ca_cert)
