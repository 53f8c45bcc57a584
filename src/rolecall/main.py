"""How is one Rolecall put together? The only place that wires."""

import re
from asyncio import create_task, to_thread
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final
from urllib.parse import unquote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from rolecall import later, reactions
from rolecall.api import health, key_set
from rolecall.api.admission import Admission
from rolecall.api.recorder import Recorder
from rolecall.api.scim.app import ScimApp, all_routes
from rolecall.api.scim.replay import ScimFront
from rolecall.connections.validation.caller import OwnAddress
from rolecall.events import log
from rolecall.events.chain.sealer import SealerThread
from rolecall.http.envelope import Envelope
from rolecall.jobs.queue import CHANNEL
from rolecall.jobs.runner import Runner
from rolecall.kernel.clock import Clock, system_clock
from rolecall.notifications.deliveries import Dispatcher
from rolecall.notifications.jobs import Senders
from rolecall.outbound.client import OutboundClient
from rolecall.outbound.mail import Mailer, MailSecurity, MailServer
from rolecall.outbound.model import OutboundRule
from rolecall.scim.registry import Registry
from rolecall.scim.users import RequirementProfile
from rolecall.settings import SMTP_PORTS, Settings
from rolecall.storage.engine import open_database
from rolecall.storage.notices import Notices
from rolecall.storage.secrets import FILE, KeyRing
from rolecall.storage.transaction import BeforeCommit, run_checks
from rolecall.storage.transactions import Transactions
from rolecall.telemetry.metrics import Metrics
from rolecall.web import pages

_SCIM: Final = re.compile(r"/scim/v[0-9.]+(?=/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolecall:
    """One installation, for one tenant: everything hangs on this and nothing is global."""

    settings: Settings
    registry: Registry
    clock: Clock
    transactions: Transactions
    metrics: Metrics
    keys: KeyRing
    rule: OutboundRule
    app: ASGIApp


def build(settings: Settings, registry: Registry | None = None, *, clock: Clock = system_clock) -> Rolecall:
    """Return a Rolecall over a database that has been migrated. `close` it in the end.

    Without a registry, SCIM has users and groups only, whatever the settings declare.
    """
    registry = Registry() if registry is None else registry
    metrics = Metrics()
    database = open_database(settings.database_url)
    notices = Notices(database, CHANNEL)
    transactions = Transactions(
        database,
        clock=clock,
        before_commit=_steps_before_commit(notices),
        observe_batch=metrics.observe_batch,
    )
    keys, rule = key_ring(settings), outbound_rule(settings)
    mailer = Mailer(_mail_server(settings))
    senders = Senders(keys=keys, client=OutboundClient(rule), mailer=mailer, clock=clock)
    runner = Runner(
        transactions,
        notices,
        clock=clock,
        handlers=later.handlers(
            senders,
            keys,
            OwnAddress(listening_url=settings.listening_url, certificate=settings.certificate_file),
            job_days=settings.job_days,
            event_days=settings.event_days,
            audit_days=settings.audit_days,
        ),
        declared=later.DECLARED,
        observe=metrics.observe_job,
    )
    return Rolecall(
        settings=settings,
        registry=registry,
        clock=clock,
        transactions=transactions,
        metrics=metrics,
        keys=keys,
        rule=rule,
        app=_application(settings, registry, clock, transactions, metrics, runner, keys, rule),
    )


def close(rolecall: Rolecall) -> None:
    """Finish what was handed over and release every connection."""
    rolecall.transactions.close()


def key_ring(settings: Settings) -> KeyRing:
    """Return the keys that seal secrets; nothing is read or made before they are needed."""
    variable = None if settings.keys is None else settings.keys.get_secret_value()
    return KeyRing(settings.data_dir / FILE, variable)


def outbound_rule(settings: Settings) -> OutboundRule:
    """Return whom this installation may call."""
    return OutboundRule(domains=settings.outbound_domains, networks=settings.outbound_networks)


def _steps_before_commit(notices: Notices) -> tuple[BeforeCommit, ...]:
    return (reactions.react, run_checks, Dispatcher().enqueue_deliveries, log.append_recorded, notices.pass_on)


def scim_front(settings: Settings, registry: Registry) -> ScimFront:
    """Return by what SCIM requests are understood that somebody asks about, and whose answers nobody sees."""
    return ScimFront(
        routes=all_routes(registry),
        registry=registry,
        requirements=RequirementProfile(settings.requirement_profile),
        base_url="/scim/v2",
    )


def _mail_server(settings: Settings) -> MailServer | None:
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    parts = urlsplit(settings.smtp_url)
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or SMTP_PORTS[parts.scheme],
        security=MailSecurity(parts.scheme),
        user=None if parts.username is None else unquote(parts.username),
        password=None if settings.smtp_password is None else settings.smtp_password.get_secret_value(),
        sender=settings.mail_from,
    )


class _RestFront:
    """The REST API, made beside the first answers: its libraries take a third of a second, and no command needs it."""

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._app: ASGIApp | None = None
        self._making = Lock()

    def prepare(self) -> ASGIApp:
        """Return the API, made if it was not."""
        with self._making:
            if self._app is None:
                self._app = self._make()
            return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._app if self._app is not None else await to_thread(self.prepare)
        await app(scope, receive, send)


class _Fronts:
    """Sends what is for machines straight to SCIM or the REST API, past the routing that everything else takes.

    What is meant for another version of SCIM goes to SCIM too, to be refused in a form that its client understands.
    """

    def __init__(self, scim: ASGIApp, rest: ASGIApp, others: ASGIApp) -> None:
        self._scim = scim
        self._rest = rest
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            root = scope.get("root_path", "")
            below = scope["path"].removeprefix(root)
            version = _SCIM.match(below)
            if version is not None:
                scope.update(app_root_path=root, root_path=f"{root}{version[0]}")
                await self._scim(scope, receive, send)
                return
            if below.startswith("/api/") or below in {"/api", "/openapi.json"}:
                await self._rest(scope, receive, send)
                return
        await self._others(scope, receive, send)


def _application(
    settings: Settings,
    registry: Registry,
    clock: Clock,
    transactions: Transactions,
    metrics: Metrics,
    runner: Runner,
    keys: KeyRing,
    rule: OutboundRule,
) -> ASGIApp:
    recorder, admission = Recorder(transactions, clock), Admission(transactions)
    front = scim_front(settings, registry)
    scim = ScimApp(
        transactions,
        admission,
        recorder,
        keys=keys,
        registry=registry,
        requirements=RequirementProfile(settings.requirement_profile),
        max_body_bytes=settings.max_body_bytes,
    )

    def make_rest() -> ASGIApp:
        from rolecall.api.rest.app import RestApp  # noqa: PLC0415  # see `_RestFront`

        limit = settings.max_body_bytes
        return RestApp(
            transactions, admission, recorder, front=front, keys=keys, rule=rule, clock=clock, max_body_bytes=limit
        )

    rest = _RestFront(make_rest)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        beside = (runner, SealerThread(transactions, keys, clock=clock))
        for each in beside:
            each.start()
        preparing = create_task(to_thread(rest.prepare))
        yield
        await preparing
        recorder.close()
        for each in beside:
            await to_thread(each.stop)

    others = Starlette(
        routes=[*health.routes(transactions, admission, metrics), *key_set.routes(keys), *pages.routes(transactions)],
        exception_handlers={HTTPException: pages.show_error, Exception: pages.show_failure},
        lifespan=lifespan,
    )
    return Envelope(_Fronts(scim, rest, others), metrics=metrics, trusted_proxies=settings.trusted_proxies)
