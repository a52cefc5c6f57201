"""What each verb gives to programs (`--output json`), by example: shown in the reference, and held to by a test."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SHAPES: Mapping[str, str] = MappingProxyType(
    {
        "alerts": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine",
  "alerts": [{
    "id": "3f9a12c0b7e1", "cause": "Deployment/rag-engine-api", "severity": "critical",
    "since": "2026-11-24T21:54:00+00:00", "acked_by": "U0ANN00001",
    "alerts": [{
      "rule": "crash-loop", "title": "a few words", "words": "one or two sentences", "state": "firing",
      "source": "ragops", "not_known_since": null, "not_known_why": ""
    }]
  }],
  "not_known_to_be_over": [{
    "id": "5b1f09aa41c3", "cause": "target/cache", "ending": "unwatched", "ended_at": "2026-11-24T20:10:00+00:00"
  }],
  "silences": [{
    "id": "9c41d07a55e2", "what": "worker", "by": "U0ANN00001", "until": "2026-11-25T00:00:00+00:00",
    "why": "the vendor is on it"
  }]
}""",
        "audit": """\
{
  "rows": [{
    "seq": 12, "at": "2026-11-24T21:59:55+00:00", "actor": "U0ANN00001", "action": "share", "subject": "C0OPS00001",
    "result": "done", "detail": {"command": "share status", "said": "status", "surface": "command"}
  }],
  "more": false, "head": "12:64 hexadecimal digits"
}""",
        "can": """\
{
  "command": "status", "allowed": true, "permission": "read", "where": "rag-engine on prod-eu",
  "reason": "", "roles": ["viewer"], "enough": ["viewer", "operator"],
  "holders": {"viewer": ["@rag-everyone"], "operator": ["@rag-oncall"]}
}""",
        "compare": """\
{
  "cluster": "prod-eu",
  "workload": {"kind": "Deployment", "namespace": "rag-engine", "name": "rag-engine-api"},
  "before": 7, "after": 8,
  "differences": [{"what": "env", "container": "api", "before": "DATABASE_URL", "after": "FEATURE_X"}]
}""",
        "deps": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine", "service": "", "at": "2026-11-24T22:00:00+00:00", "took_s": 0.041,
  "problem": "", "configured": ["postgres"],
  "dependencies": [{
    "name": "postgres", "kind": "postgresql", "address": "postgres.rag-engine.svc:5432", "health": "ok",
    "took_ms": 23.4,
    "stages": [{"name": "TCP", "took_ms": 2.1, "ok": true, "words": ""}],
    "troubles": [{"code": "PROBE_TIMEOUT", "severity": "critical", "words": "in words", "advice": "in words"}],
    "facts": {"Connections": "83/97"}, "figures": {"connections": 83}, "lines": ["words of the target"],
    "certificates": [{
      "names": ["rag.example.com"], "issuer": "R11", "serial": "ab12", "not_after": "2026-12-24T09:00:00+00:00",
      "address": "203.0.113.7", "problem": ""
    }],
    "used_by": ["api"], "pods": {"standing": "both fine", "words": "in words"}
  }]
}""",
        "describe": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine",
  "target": {"kind": "Deployment", "namespace": "rag-engine", "name": "rag-engine-api"},
  "facts": {"Ready": "3 of 3, 1 up to date"},
  "findings": [{"code": "CRASH_LOOP", "severity": "critical", "summary": "one or two sentences"}],
  "events": [{
    "at": "2026-11-24T21:59:55+00:00", "reason": "BackOff", "about": {"kind": "Pod", "name": "rag-engine-api-1"},
    "message": "Back-off restarting failed container", "count": 24
  }]
}""",
        "digest preview": """\
{
  "digest": "morning", "at": "2026-11-24T08:00:02+00:00", "due": null, "late_s": 0,
  "since": "2026-11-23T08:00:03+00:00",
  "places": [{
    "cluster": "prod-eu", "namespace": "rag-engine", "verdict": "degraded", "words": "needs you: 1 thing",
    "needs_you": [{
      "service": "api", "title": "new release crashes", "severity": "critical", "words": "in words", "new": true,
      "since": "2026-11-24T07:54:00+00:00", "next": "rollback api"
    }],
    "resolved": [{
      "title": "worker: out of memory", "began_at": "2026-11-23T13:40:00+00:00",
      "ended_at": "2026-11-23T14:03:00+00:00"
    }],
    "not_known_to_be_over": [{
      "title": "cache fails", "ending": "unwatched", "ended_at": "2026-11-23T20:10:00+00:00"
    }],
    "changed": [{
      "at": "2026-11-23T13:02:00+00:00", "kind": "release", "object": "deployment/rag-engine-api",
      "words": "api v1.1 \u2192 v1.2"
    }],
    "warnings": {"last_24_hours": 29, "day_before": 4},
    "not_looked_at": ["disks (no right to read them)"],
    "chart": {
      "title": "the finding", "alt": "in words", "starts_at": "2026-11-23T08:10:00+00:00", "step_s": 600,
      "time_zone": "Europe/Berlin",
      "panels": [{
        "title": "Ready pods", "unit": "%", "limit": null, "bars": false,
        "series": [{"name": "api", "values": [100.0, null, 66.7]}]
      }],
      "moments": [{"at": "2026-11-23T13:02:00+00:00", "label": "api v1.1 \u2192 v1.2"}]
    }
  }]
}""",
        "explain": """\
{
  "code": "OOM_KILLED", "meaning": "one sentence",
  "recognised": "by what", "remedy": "what to do", "playbook": "112-127"
}""",
        "health": """\
{
  "verdict": "degraded", "cluster": "prod-eu", "namespace": "rag-engine", "service": "",
  "at": "2026-11-24T22:00:00+00:00", "as_of": "2026-11-24T21:59:58+00:00", "took_s": 0.412,
  "attentions": [{
    "key": "CRASH_LOOP:deployment/rag-engine-api/api", "severity": "critical", "service": "api",
    "title": "crashes again and again", "words": "in words", "since": "2026-11-24T21:54:00+00:00",
    "next": {"kind": "command", "text": "logs api", "reason": "in words"}
  }],
  "sections": [{
    "name": "workloads", "words": "10 of 11 ready", "problem": "", "absent": false, "fine": false, "took_s": 0.003,
    "attentions": ["CRASH_LOOP:deployment/rag-engine-api/api"]
  }],
  "probes": [{
    "name": "postgres", "kind": "postgresql", "address": "postgres.rag-engine.svc:5432", "health": "ok",
    "took_ms": 23.4,
    "stages": [{"name": "TCP", "took_ms": 2.1, "ok": true, "words": ""}],
    "troubles": [{"code": "PROBE_TIMEOUT", "severity": "critical", "words": "in words", "advice": "in words"}],
    "facts": {"Connections": "83/97"}, "figures": {"connections": 83}, "lines": ["words of the target"],
    "certificates": [{
      "names": ["rag.example.com"], "issuer": "R11", "serial": "ab12", "not_after": "2026-12-24T09:00:00+00:00",
      "address": "203.0.113.7", "problem": ""
    }]
  }],
  "quotas": [{"name": "compute", "resource": "requests.cpu", "used": "9", "hard": "10", "share": 0.9}],
  "backups": [{
    "name": "nightly-20261124", "phase": "Completed", "started_at": "2026-11-24T02:00:00+00:00",
    "completed_at": "2026-11-24T02:04:00+00:00", "errors": 0, "warnings": 0
  }],
  "certificates": [{
    "name": "rag-tls", "secret_name": "rag-tls", "names": ["rag.example.com"], "ready": true,
    "not_after": "2026-12-24T09:00:00+00:00", "revision": 4
  }],
  "disks": [{"kind": "Node", "name": "node-1", "what": "nodefs", "used": 52428800000, "capacity": 107374182400}]
}""",
        "help": """\
{"commands": [{"usage": "status [SERVICE]", "summary": "one line"}]}""",
        "home": """\
{
  "roles": ["operator"],
  "places": [{
    "cluster": "prod-eu", "namespace": "rag-engine", "verdict": "healthy", "summary": "one line"
  }],
  "closed": 0, "not_shown": 0,
  "to_approve": ["the id of a request; null: not known"],
  "own": [{"id": "0e2c4b1a", "state": "PENDING"}],
  "waiting": ["share status"],
  "alerts": [{
    "id": "b71e", "cluster": "prod-eu", "namespace": "rag-engine", "severity": "critical", "acked_by": ""
  }]
}""",
        "history": """\
{
  "cluster": "prod-eu",
  "workload": {"kind": "Deployment", "namespace": "rag-engine", "name": "rag-engine-api"},
  "current": 8,
  "revisions": [{
    "revision": 8, "version": "v1.2", "images": ["registry.example.com/rag-engine:v1.2"],
    "began": "2026-11-24T21:54:00+00:00", "ended": null, "ready": 0, "desired": 1,
    "changed": "image v1.1 → v1.2", "noted": "the change cause, which may be of an older release"
  }]
}""",
        "logs": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine",
  "lines": [{"pod": "rag-engine-api-1", "container": "api", "at": "2026-11-24T21:59:55.035020+00:00", "text": "ready"}],
  "problems": [{"pod": "rag-engine-api-2", "container": "api", "problem": "the pod is gone"}],
  "masked": 0
}""",
        "pods": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine",
  "pods": [{
    "name": "rag-engine-api-1", "workload": {"kind": "Deployment", "name": "rag-engine-api"}, "revision": 8,
    "ready": "0/1", "status": "CrashLoopBackOff", "restarts": 6,
    "created_at": "2026-11-24T21:54:00+00:00", "node": "node-1"
  }]
}""",
        "schedule": """\
{
  "schedules": [{
    "name": "morning", "cron": "0 9 * * 1-5", "time_zone": "Europe/Berlin",
    "due": "2026-11-25T08:00:00+00:00", "sent_next": "2026-11-25T08:00:00+00:00",
    "paused_by": "", "paused_until": null,
    "runs": [{"due": "2026-11-24T08:00:00+00:00", "outcome": "sent", "done": "2026-11-24T08:00:03+00:00"}]
  }]
}""",
        "status": """\
{
  "verdict": "degraded",
  "cluster": "prod-eu", "namespace": "rag-engine",
  "observed_at": "2026-11-24T22:00:00+00:00", "as_of": "2026-11-24T21:59:58+00:00",
  "findings": [{
    "code": "CRASH_LOOP", "severity": "critical", "problem": true,
    "target": {"kind": "Deployment", "namespace": "rag-engine", "name": "rag-engine-api"},
    "title": "a few words", "summary": "one or two sentences",
    "revision": 8, "container": "api", "since": "2026-11-24T21:54:00+00:00", "pods": ["rag-engine-api-1"],
    "evidence": [{"kind": "log", "label": "what it is", "lines": ["words of the cluster"], "at": null}],
    "changed": ["image v1.1 → v1.2"], "likely": "20 s after revision 8",
    "consequences": [{
      "code": "ROLLOUT_STUCK", "target": {"kind": "Deployment", "namespace": "rag-engine", "name": "rag-engine-api"},
      "title": "a few words", "summary": "one or two sentences"
    }],
    "next": [{"kind": "command", "text": "logs rag-engine-api", "reason": "shows the whole log of the crash"}]
  }],
  "workloads": [{"kind": "Deployment", "name": "rag-engine-api", "ready": 3, "desired": 3, "ok": false}],
  "not_checked": [{"what": "nodes", "reason": "no right to list nodes"}]
}""",
        "requests": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine",
  "requests": [{
    "id": "3f9a12c0-5d52-4b6a-9f0e-0c1d2e3f4a5b", "state": "PENDING", "effect": "",
    "fingerprint": "64 hexadecimal digits", "verb": "rollback", "title": "Roll back api to revision 7",
    "cluster": "prod-eu", "namespace": "rag-engine", "kind": "Deployment", "name": "rag-engine-api", "risk": "medium",
    "differences": [{"what": "image", "from": "app:v1.2", "to": "app:v1.1"}],
    "facts": {"pods": "3 move, at least 3 stay ready"}, "warnings": [], "not_undone": ["config maps"], "reverts": [],
    "command": "rollback api", "inverse": "", "requester": "U0ANN00001", "reason": "500s since 14:02",
    "approvers": [], "missing": {"approvers": 1}, "asked_at": "2026-11-24 14:12:05 UTC",
    "expires_at": "2026-11-24 14:27:05 UTC", "ended_at": "", "outcome": "", "resolution": ""
  }]
}""",
        "top": """\
{
  "cluster": "prod-eu", "namespace": "rag-engine",
  "pods": [{
    "name": "rag-engine-api-1", "at": "2026-11-24T21:59:55+00:00", "window_s": 10.0,
    "containers": [{"name": "api", "cpu_m": 111, "memory": 325058560}]
  }],
  "nodes": [{"name": "node-1", "cpu_m": 1008, "memory": 2942000000}]
}""",
        "whoami": """\
{
  "account": "member", "groups": ["S0ONCALL01"], "groups_read_at": "2026-11-24T21:59:55+00:00",
  "source": "user groups of the workspace", "roles": ["operator"], "grants": ["operator for api"],
  "permissions": ["read", "share", "operate"]
}""",
    }
)
