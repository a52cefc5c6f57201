"""kubectl's words, as people type them, and the command of ours that is suggested for them."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.kubectl_words import in_our_words


@pytest.mark.parametrize(
    ("typed", "ours"),
    [
        ("kubectl get pods -n shop", "pods -n shop"),
        ("get po", "pods"),
        ("get pods -l app=api", "pods api"),
        ("get pod api-1 -o yaml", "describe pod/api-1"),
        ("get pods -n shop -o wide", "pods -n shop"),
        ("get nodes", "top nodes"),
        ("get deployments", "status"),
        ("get events --sort-by=.lastTimestamp", "status"),
        ("get hpa", "health"),
        ("get svc postgres", "describe svc/postgres"),
        ("get endpoints", "health"),
        ("describe pod api-1", "describe pod/api-1"),
        ("describe pod/api-1 --namespace=shop", "describe pod/api-1 -n shop"),
        ("logs -l app=api --tail=100", "logs api --tail 100"),
        ("logs -f deployment/api --since 10m", "logs api --since 10m"),
        ("logs api-1 --previous -c web", "logs api-1 --previous --container web"),
        ("top pod", "top pods"),
        ("top node node-1", "top nodes"),
        ("scale deployment api --replicas=10", "scale api 10"),
        ("scale --replicas 10 deployment/api", "scale api 10"),
        ("autoscale deployment api --min=2 --max=8", "scale api --min 2 --max 8"),
        ("rollout undo deployment/api", "rollback api"),
        ("rollout undo deployment/api --to-revision=3 -n shop", "rollback api --to 3 -n shop"),
        ("rollout history deployment api", "history api"),
        ("rollout restart deploy/api", "restart api"),
        ("rollout status deploy/api", "status api"),
        ("set image deployment/api web=registry/api:v2", "set image api registry/api:v2 --container web"),
        ("set resources deployment api --limits=cpu=2,memory=1Gi", "set memory api 1Gi"),
        ("set resources deployment api --limits=cpu=2", "set cpu api 2"),
        ("delete pod api-1", "evict api-1"),
        ("delete pods --field-selector=status.phase=Failed", "clear failed"),
    ],
)
def test_what_kubectl_would_do_is_said_in_our_words(typed: str, ours: str) -> None:
    """With the namespace, and the options that both have."""
    assert in_our_words(typed.split()) == ours


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "kubectl",
            "get",
            "get secrets",
            "get netpol",
            "get secret db",
            "describe secret db",
            "exec -it api-1 -- sh",
            "get sa default",
        ),
        *("apply -f x.yaml", "set env deployment/api LOG_LEVEL=DEBUG", "delete secret tls", "delete pods"),
        *("port-forward svc/api 8080:80", "scale deployment api", "rollout undo", "helm list", "logs"),
    ],
)
def test_what_has_no_counterpart_is_not_translated(typed: str) -> None:
    """Nothing is suggested that would do something else."""
    assert not in_our_words(typed.split())


WORDS = st.sampled_from(
    ["kubectl", "get", "pods", "-n", "logs", "rollout", "undo", "set", "image", "resources", "a=b", "--limits="]
) | st.text(max_size=6)


@given(st.lists(WORDS, max_size=8))
def test_any_words_are_translated_or_not(words: list[str]) -> None:
    """What comes out is one line of words."""
    ours = in_our_words(words)
    assert not ours or shlex.split(ours)
