"""The program's own log: one event a line, for people or for programs. Everything said in it is redacted once more."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from bot.redaction import redact
from bot.settings import LogFormat, LogLevel

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def _extras(record: logging.LogRecord) -> dict[str, str]:
    return {key: redact(str(value)) for key, value in record.__dict__.items() if key not in _STANDARD}


class TextFormatter(logging.Formatter):
    """`23:59:01 warning a request failed (event=request_failed reference=7KQ2)`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        extras = " ".join(f"{key}={value}" for key, value in _extras(record).items())
        text = f"{at} {record.levelname.lower()} {record.getMessage()}" + (f" ({extras})" if extras else "")
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return redact(text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `at`, `level`, `logger`, `message`, the event's own fields, `trace` if any."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
            **_extras(record),
        }
        if record.exc_info:
            fields["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(fields)


def configure(level: LogLevel, form: LogFormat) -> None:
    """Send the log to standard error in the chosen form."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form is LogFormat.JSON else TextFormatter())
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
