"""The log of a run on stderr: text for people or JSON lines for machines; stdout is the result's alone."""

import datetime as dt
import json
import logging
import sys

from generator.report.safe import printable

_LEVELS = (logging.WARNING, logging.INFO, logging.INFO, logging.DEBUG)


class _TextFormatter(logging.Formatter):
    """One plain line a record; warnings and errors say so."""

    def format(self, record: logging.LogRecord) -> str:
        message = printable(record.getMessage())
        return message if record.levelno < logging.WARNING else f"{record.levelname.lower()}: {message}"


class _JsonFormatter(logging.Formatter):
    """One JSON object a record: time (UTC), level, room, message; for an event its name and fields too."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
                **({"event": event} if (event := getattr(record, "event", None)) else {}),
                **getattr(record, "fields", {}),
            },
            ensure_ascii=True,
        )


def start_log(*, verbose: int, log_format: str) -> None:
    """Send the package's log to stderr; `verbose` 0 shows warnings, 1 and 2 what happens, 3 everything."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _TextFormatter())
    logger = logging.getLogger("generator")
    logger.handlers[:] = [handler]
    logger.setLevel(_LEVELS[min(verbose, len(_LEVELS) - 1)])
    logger.propagate = False
    # What takes minutes says how far it is, however quiet the rest.
    logging.getLogger("generator.progress").setLevel(logging.INFO)
