"""Webhooks as Alertmanager sends them."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


def alert(
    name: str = "HighErrorRate", *, status: str = "firing", fingerprint: str = "1a2b3c4d5e6f7a8b", **more: Any
) -> Json:
    """One alert, as version 0.27 writes it."""
    ended = "2026-11-24T22:09:00.5Z" if status == "resolved" else "0001-01-01T00:00:00Z"
    return {
        "status": status,
        "labels": {"alertname": name, "namespace": "rag-engine", "severity": "critical"},
        "annotations": {"summary": "5 % of requests fail"},
        "startsAt": "2026-11-24T22:00:00.123456789+01:00",
        "endsAt": ended,
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up",
        "fingerprint": fingerprint,
        **more,
    }


def webhook(*alerts: Json, **more: Any) -> Json:
    """A webhook of version 4."""
    return {
        "receiver": "ragops",
        "status": "firing",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "HighErrorRate"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "version": "4",
        "groupKey": '{}:{alertname="HighErrorRate"}',
        "truncatedAlerts": 0,
        **more,
    }


def body(*alerts: Json, **more: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(webhook(*alerts, **more)).encode()
