"""What the programs of the small world write to their logs: one voice for each kind of program.

A voice is asked for one line at a time, with seeded randomness; ``logs`` decides when.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

Speak = Callable[[Random, datetime], str]

_PATHS = (("POST", "/v1/query"), ("POST", "/v1/query"), ("POST", "/v1/query"), ("GET", "/health"), ("POST", "/v1/chat"))
_QUERIES = ("retrieval finished", "answer generated", "cache hit", "rerank finished")


@dataclass(frozen=True, slots=True)
class Voice:
    """How many lines a second a program writes, and how one reads."""

    rate: float
    speak: Speak


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _comma(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S,") + f"{moment.microsecond // 1000:03d}"


def latency_ms(random: Random) -> int:
    """Return a request's time: half are below 85 ms, one in twenty above 640 ms."""
    return max(3, round(85 * math.exp(random.gauss(0, 1.227))))


def _api(random: Random, moment: datetime) -> str:
    draw = random.random()
    if draw < 0.006:
        text = f"vector search timeout after 5000ms k={random.choice((5, 10, 20))}"
        return _record(moment, "ERROR", "rag.retriever", text)
    if draw < 0.02:
        text = f"database pool at {random.randrange(15, 20)}/20 connections"
        return _record(moment, "WARNING", "rag.pool", text)
    if draw < 0.35:
        measured = {"duration_ms": latency_ms(random), "chunks": random.randrange(3, 11)}
        return _record(moment, "INFO", "rag.engine", random.choice(_QUERIES), **measured)
    method, path = random.choice(_PATHS)
    duration = random.randrange(1, 4) if path == "/health" else latency_ms(random)
    request: dict[str, str | int] = {"method": method, "path": path, "status": 504 if duration > 5000 else 200}
    request |= {"duration_ms": duration, "request_id": f"{random.getrandbits(48):012x}"}
    return _record(moment, "INFO", "rag.access", "request", **request)


def _record(moment: datetime, level: str, logger: str, message: str, **more: str | int) -> str:
    return json.dumps({"ts": _iso(moment), "level": level, "logger": logger, "msg": message, **more})


def _worker(random: Random, moment: datetime) -> str:
    document, chunks = random.randrange(10_000, 99_999), random.randrange(4, 80)
    if random.random() < 0.01:
        return f"{_comma(moment)} WARNING rag.worker document={document} embedding retried after 429 attempt=2"
    return f"{_comma(moment)} INFO rag.worker document={document} chunks={chunks} embedded in {latency_ms(random)}ms"


def _ingest(random: Random, moment: datetime) -> str:
    source = random.choice(("s3://rag-documents", "confluence", "sharepoint"))
    counts = f"fetched={random.randrange(1, 30)} skipped={random.randrange(3)}"
    return f"{_comma(moment)} INFO rag.ingest source={source} {counts}"


def _postgres(random: Random, moment: datetime) -> str:
    prefix = f"{_comma(moment).replace(',', '.')} UTC [{random.randrange(60, 400)}] LOG:  "
    draw = random.random()
    if draw < 0.5:
        return f"{prefix}checkpoint starting: time"
    if draw < 0.93:
        return f"{prefix}checkpoint complete: wrote {random.randrange(20, 900)} buffers ({random.random() * 5:.1f}%)"
    statement = "SELECT id, embedding FROM chunks WHERE document_id = $1"
    return f"{prefix}duration: {random.uniform(1000, 2600):.3f} ms  statement: {statement}"


def _redis(random: Random, moment: datetime) -> str:
    at = moment.strftime("%d %b %Y %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
    return f"1:M {at} * {random.randrange(100, 900)} changes in 60 seconds. Saving..."


def _qdrant(random: Random, moment: datetime) -> str:
    client, size = f"10.244.1.{random.randrange(2, 40)}", random.randrange(800, 9000)
    request = f'"POST /collections/chunks/points/search HTTP/1.1" 200 {size} "-" "python-client/1.12"'
    return f"{_iso(moment)}  INFO actix_web::middleware::logger: {client} {request} {latency_ms(random) / 1000:.6f}"


def _web(random: Random, moment: datetime) -> str:
    path = random.choice(("/", "/app.js", "/api/v1/query", "/login", "/favicon.ico"))
    client, at = f"10.244.0.{random.randrange(2, 200)}", moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
    answer = f'200 {random.randrange(200, 40_000)} "-" "Mozilla/5.0" {latency_ms(random) / 1000:.3f}'
    return f'{client} - - [{at}] "GET {path} HTTP/1.1" {answer}'


def _plain(random: Random, moment: datetime) -> str:
    return f"{_iso(moment)} INFO tick={random.randrange(1_000_000)} ok"


VOICES: dict[str, Voice] = {
    "silent": Voice(0.0, _plain),
    "plain": Voice(0.05, _plain),
    "api": Voice(0.8, _api),
    "worker": Voice(0.5, _worker),
    "ingest": Voice(0.1, _ingest),
    "postgres": Voice(0.02, _postgres),
    "redis": Voice(0.017, _redis),
    "qdrant": Voice(0.4, _qdrant),
    "web": Voice(0.4, _web),
}
