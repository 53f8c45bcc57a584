"""What does a log line look like, and what may never stand in one?

Log lines go to standard error, through Python's own logging, so that libraries speak the same form.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import Token
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

import orjson
import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, reset_contextvars
from structlog.typing import FilteringBoundLogger, Processor

_MASK: Final = "[masked]"

# A key's first 16 characters are its public id: they stay, so that a log line still says which key it was.
_API_KEY: Final = re.compile(r"(RLC[LT](?:[A-Za-z0-9+/]|%2[BbFf]){12})(?:[A-Za-z0-9+/]|%2[BbFf]){48}")
_AUTHORIZATION: Final = re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"',}]+")
_BEARER: Final = re.compile(r"(?i)(\bbearer\s+)(?!RLC[LT])[A-Za-z0-9+/._~-]{8,}=*")
_URL_TOKEN: Final = re.compile(r"(?i)([?&]token=)[^&\s\"']+")
_URL_PASSWORD: Final = re.compile(r"(://[^:/?#\s\"']*:)[^@/?#\s\"']+(@)")

_HINTS: Final = ("rlcl", "rlct", "authorization", "bearer", "token=", "://")
"""Without one of these, in lower case, none of the patterns matches."""

_SIGNS_OF_SECRETS: Final = ("RLCL", "RLCT", "uthorization", "UTHORIZATION", "earer", "EARER", "token", "://")
"""Without any of these there is nothing to mask in a line about a request, and looking harder costs more."""

_SECRET_NAMES: Final = frozenset(
    {"api_key", "authorization", "cookie", "password", "proxy-authorization", "secret", "set-cookie", "token"}
)


def configure_logging(*, form: str, level: str, stream: TextIO | None = None) -> None:
    """Send this process's log lines, its libraries' too, to `stream` (standard error) in `form` (`json`, `text`).

    Replaces what an earlier call set up.
    """
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(serializer=_to_json)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            mask_fields,
            structlog.processors.format_exc_info,
            renderer,
            _mask_line,
        ],
    )
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    _request_lines.stream = handler.stream if root.isEnabledFor(logging.INFO) else None
    _request_lines.as_json = form == "json"
    # Their `info` tells what our own lines already say, or whole URLs with what is secret in them.
    for talkative in ("alembic", "asyncio", "httpx2", "uvicorn"):
        logging.getLogger(talkative).setLevel(max(logging.WARNING, root.level))


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; call with `__name__`. An event is a sentence, its data keywords."""
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return cast("FilteringBoundLogger", logger)  # wrap_logger is typed Any


with_fields = bound_contextvars
"""`with with_fields(job_id=…):` puts the field on every line that is logged meanwhile."""


def bind_request(request_id: str) -> Mapping[str, Token[Any]]:
    """Put the id on every line that is logged from here on in this task; what is returned takes it off again."""
    return bind_contextvars(request_id=request_id)


def unbind_request(bound: Mapping[str, Token[Any]]) -> None:
    """Take a request's id off again."""
    reset_contextvars(**bound)


class _RequestLines:
    """Where the line of each request goes, and in which form. Set up by `configure_logging`."""

    def __init__(self) -> None:
        self.stream: TextIO | None = None
        self.as_json = True

    def write(self, told: Mapping[str, object]) -> None:
        """Write one line in the form of all others, without what may never stand in one."""
        if self.stream is None:
            return
        time = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        head = {"event": "Request answered.", "level": "info", "logger": "rolecall.requests", "time": time}
        if self.as_json:
            line = orjson.dumps({**head, **told}).decode()
        else:
            fields = " ".join(f"{name}={value}" for name, value in told.items())
            line = f"{time} [info     ] Request answered. [rolecall.requests] {fields}"
        self.stream.write((mask(line) if any(sign in line for sign in _SIGNS_OF_SECRETS) else line) + "\n")
        self.stream.flush()


_request_lines: Final = _RequestLines()


def log_request(told: Mapping[str, object]) -> None:
    """Log that a request was answered.

    The one line that every request costs, so it goes past the loggers: a tenth of the time.
    """
    _request_lines.write(told)


def mask(text: str) -> str:
    """Return the text without API keys' secrets, credentials, link tokens and passwords in URLs."""
    # Every line comes by here and nearly none holds a secret: looking for a hint is ten times cheaper.
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    text = _API_KEY.sub(rf"\1{_MASK}", text)
    text = _AUTHORIZATION.sub(rf"\1{_MASK}", text)
    text = _BEARER.sub(rf"\1{_MASK}", text)
    text = _URL_TOKEN.sub(rf"\1{_MASK}", text)
    return _URL_PASSWORD.sub(rf"\1{_MASK}\2", text)


def mask_fields(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace, at any depth, what is filed under a name that means a secret."""
    return {name: _masked(name, value) for name, value in fields.items()}


def _masked(name: str, value: object) -> object:
    if name.lower() in _SECRET_NAMES:
        return _MASK
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _masked(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", item) for item in value]
    return value


def _to_json(line: object, **_structlog_s_own: object) -> str:
    # A log line is never lost because of what somebody put into it: what JSON lacks is written as Python shows it.
    try:
        return orjson.dumps(line, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Lone surrogates and integers of more than 64 bits.
        return json.dumps(line, default=repr)


def _mask_line(_logger: object, _method: str, line: object) -> str:
    return mask(str(line))


_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
)
