"""How is Rolecall served?"""

import gc
import os
import signal
import socket
import ssl
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final, Literal, NoReturn
from urllib.parse import urlsplit

import typer

from rolecall.cli.changes import make_change
from rolecall.cli.exit_codes import ExitCode
from rolecall.cli.options import DatabaseUrl, DataDir, setting
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.settings import InvalidSetting, LogFormat, Settings, is_loopback_url, load_settings, unknown_variables

if TYPE_CHECKING:
    import uvicorn

    from rolecall.main import Rolecall

_BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 10
_TURN_SECONDS: Final = 0.001


class CannotListen(DomainError):
    """The address is taken, not of this machine, or not for this user to listen on."""

    kind = ErrorKind.UNAVAILABLE
    code = "cannot_listen"


def serve(
    context: typer.Context,
    *,
    host: Annotated[str | None, setting("host")] = None,
    port: Annotated[int | None, setting("port")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    public_url: Annotated[str | None, setting("public_url")] = None,
    trusted_proxies: Annotated[list[str] | None, setting("trusted_proxies")] = None,
    tls_cert: Annotated[Path | None, setting("tls_cert")] = None,
    tls_key: Annotated[Path | None, setting("tls_key")] = None,
    self_signed: Annotated[bool | None, setting("self_signed")] = None,
    requirement_profile: Annotated[Literal["rfc", "strict"] | None, setting("requirement_profile")] = None,
    scim_declarations: Annotated[list[str] | None, setting("scim_declarations")] = None,
    max_body_bytes: Annotated[int | None, setting("max_body_bytes")] = None,
    audit_days: Annotated[int | None, setting("audit_days")] = None,
    event_days: Annotated[int | None, setting("event_days")] = None,
    job_days: Annotated[int | None, setting("job_days")] = None,
    outbound_domains: Annotated[list[str] | None, setting("outbound_domains")] = None,
    outbound_networks: Annotated[list[str] | None, setting("outbound_networks")] = None,
    smtp_url: Annotated[str | None, setting("smtp_url")] = None,
    mail_from: Annotated[str | None, setting("mail_from")] = None,
    log_format: Annotated[LogFormat | None, setting("log_format")] = None,
    log_level: Annotated[Literal["debug", "info", "warning", "error"] | None, setting("log_level")] = None,
) -> None:
    """Serve Rolecall until it is told to stop. Makes its database, or brings it to this version, first."""
    options = {name: value for name, value in locals().items() if name != "context"}
    _run(context, load_settings(options))


def _run(context: typer.Context, settings: Settings) -> NoReturn:
    from rolecall.api.scim.declaration_files import load_registry
    from rolecall.main import build, close
    from rolecall.migrations import migrate
    from rolecall.telemetry.logging import configure_logging, get_logger

    configure_logging(form=settings.log_format.value, level=settings.log_level)
    log = get_logger(__name__)
    for sentence in unknown_variables(os.environ):
        log.warning(sentence)
    # What cannot be understood shall stop the start before anything is changed.
    registry = load_registry(settings.scim_declarations)
    listening = _listen(settings)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate.upgrade(settings.database_url)
    rolecall = build(settings, registry)
    try:
        _prepare_declared(rolecall, context)
        rolecall.keys.ensure(rolecall.clock())
        public_url = _settle_public_url(rolecall, context)
        config = _configure_server(rolecall, public_url)
        _print_welcome(rolecall, context, public_url)
        _serve_until_told_to_stop(config, listening)
    finally:
        close(rolecall)
    sys.exit(ExitCode.OK)


def _listen(settings: Settings) -> socket.socket:
    """Take the port before anything else is done, so that a second start changes nothing."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. Choose another --host or --port."
        ) from error
    return listening


def _settle_public_url(rolecall: "Rolecall", context: typer.Context) -> str:
    """Return where Rolecall is reached, and keep it in the database.

    What was given once stays. A loopback address was most often only where an earlier start listened, so
    it gives way to where this one does.
    """
    from rolecall.authorization.actor import COMMAND_LINE
    from rolecall.directory.installation import get_installation, set_public_url

    settings = rolecall.settings
    kept = rolecall.transactions.run_read(COMMAND_LINE, get_installation).public_url
    lasting = kept if kept is not None and not is_loopback_url(kept) else None
    url = settings.public_url or lasting or settings.listening_url
    if url != kept:
        make_change(rolecall, context, lambda tx: set_public_url(tx, url))
    return url


def _prepare_declared(rolecall: "Rolecall", context: typer.Context) -> None:
    """See that what is declared to be unique is so among the resources that are there already."""
    from rolecall.authorization.actor import COMMAND_LINE
    from rolecall.directory.resources import list_unprepared, prepare_kinds
    from rolecall.scim.demands import kind_of

    kinds = tuple(kind_of(resource_type) for resource_type in rolecall.registry.declared)
    if kinds and rolecall.transactions.run_read(COMMAND_LINE, lambda tx: list_unprepared(tx, kinds)):
        make_change(rolecall, context, lambda tx: prepare_kinds(tx, kinds))


def _configure_server(rolecall: "Rolecall", public_url: str) -> "uvicorn.Config":
    import uvicorn

    from rolecall.cli.server_protocol import BoundedProtocol

    certificate, key = _certificate(rolecall, public_url)
    config = uvicorn.Config(
        rolecall.app,
        http=BoundedProtocol,
        ws="none",
        log_config=None,  # ours is set up already
        access_log=False,  # http.envelope writes it
        server_header=False,
        proxy_headers=False,  # http.requests knows whom to believe
        root_path=urlsplit(public_url).path,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise InvalidSetting(f"--tls-cert and --tls-key cannot be used: {error}.") from error
    return config


def _certificate(rolecall: "Rolecall", public_url: str) -> tuple[Path | None, Path | None]:
    settings = rolecall.settings
    if not settings.self_signed:
        return settings.tls_cert, settings.tls_key
    from rolecall.cli.certificate import ensure_certificate

    hosts = {urlsplit(url).hostname or settings.host for url in (public_url, settings.listening_url)}
    return ensure_certificate(settings.data_dir, hosts=hosts, now=rolecall.clock())


def _print_welcome(rolecall: "Rolecall", context: typer.Context, public_url: str) -> None:
    from rolecall.authentication.setup_links import create_setup_link
    from rolecall.authorization.actor import COMMAND_LINE
    from rolecall.directory.assignments import count_administrators

    lines = [f"Rolecall is at {public_url}", f"SCIM 2.0 is at {public_url}/scim/v2"]
    if public_url != rolecall.settings.listening_url:
        lines.append(f"It listens on {rolecall.settings.listening_url}")
    if rolecall.transactions.run_read(COMMAND_LINE, count_administrators) == 0:
        token = make_change(rolecall, context, create_setup_link)
        lines += [
            "",
            "Nobody administers it yet. Open this link to create the first administrator.",
            "It works once, within an hour:",
            f"  {public_url}/setup?token={token}",
        ]
    print("\n".join(lines), flush=True)


def _serve_until_told_to_stop(config: "uvicorn.Config", listening: socket.socket) -> None:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            # All that is there by now stays until the end. To search it again and again for garbage, as Python does
            # by default, held up one call in some thousands for as long as fifty calls take.
            gc.collect()
            gc.freeze()

    # The writer thread and the event loop take turns; with Python's 5 ms the slowest answers wait for each other.
    sys.setswitchinterval(_TURN_SECONDS)

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    # uvicorn finishes what it has begun, then raises the signal again: it shall not end us before we have closed.
    signal.signal(signal.SIGTERM, end)
    try:
        Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        return
