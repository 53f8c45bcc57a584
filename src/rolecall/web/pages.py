"""Which pages are there, and what does each show?"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from rolecall.authentication import setup_links
from rolecall.authentication.model import NewApiKey
from rolecall.authorization.actor import SYSTEM
from rolecall.directory.installation import get_installation
from rolecall.events.audit import CallJournal
from rolecall.events.calls import Call
from rolecall.http.headers import PAGE_POLICY
from rolecall.http.requests import BodyTooLarge, BodyTooSlow, read_body, request_id
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.storage.transaction import WriteTx
from rolecall.storage.transactions import Transactions
from rolecall.web.origin import is_cross_site
from rolecall.web.setup_form import SetupForm, field_of, parse_setup_form

_HERE: Final = Path(__file__).parent
_LARGEST_FORM: Final = 64 * 1024
_CORRECTABLE: Final = 422
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def routes(transactions: Transactions) -> list[BaseRoute]:
    """Return the routes of all pages and of what they need."""
    pages = _Pages(transactions)
    return [
        Route("/", pages.show_home, methods=["GET"]),
        Route("/setup", pages.show_setup, methods=["GET"]),
        Route("/setup", pages.create_first_administrator, methods=["POST"]),
        Mount("/assets", StaticFiles(directory=_HERE / "assets")),
    ]


def show_error(request: Request, error: Exception) -> Response:
    """Show a page for an HTTP error (404, 405, …) that no front has answered."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    if status == 404:  # noqa: PLR2004  # the status itself says most
        return _message(
            request, 404, "There is no such page", "The address may be mistyped, or the page has moved.", headers
        )
    return _message(request, status, "That did not work", "This address does not take such a request.", headers)


def show_failure(request: Request, _error: Exception) -> Response:
    """Show a page for a fault of ours: the request id, and nothing that an attacker could learn from."""
    identifier = request.scope.get("state", {}).get("request_id", "unknown")
    advice = f"The fault is ours. Whoever runs this Rolecall finds it in the log under the request id {identifier}."
    return _message(request, 500, "Something went wrong", advice)


class _Pages:
    """The pages that ask or change something."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def show_home(self, request: Request) -> Response:
        return _page(request, "home.html", scim_url=f"{await self._public_url(request)}/scim/v2")

    async def show_setup(self, request: Request) -> Response:
        token = request.query_params.get("token", "")
        try:
            await self._check_link(token)
        except DomainError as error:
            return _refused(request, error)
        return _setup_page(request, token, SetupForm(), {})

    async def create_first_administrator(self, request: Request) -> Response:
        if is_cross_site(request):
            advice = "The form was sent from another site's page. Open the set-up link itself and send it from there."
            return _message(request, 403, "That was not sent from here", advice)
        try:
            sent = await _read_form(request)
        except (BodyTooLarge, BodyTooSlow) as error:
            status = 413 if isinstance(error, BodyTooLarge) else 408
            return _message(request, status, "That form did not arrive", error.detail)
        token = sent.get("token", "")
        form, wrong = parse_setup_form(sent)
        try:
            # First of all: whoever has no link shall not make us write, be it only an audit record.
            await self._check_link(token)
            if wrong:
                return _setup_page(request, token, form, wrong)
            made = await self._redeem(request, token, form)
        except DomainError as error:
            if _status_of(error) != _CORRECTABLE:
                return _refused(request, error)
            return _setup_page(request, token, form, {field_of(error.about) or "form": error.detail})
        url = await self._public_url(request)
        return _page(
            request, "setup_done.html", user_name=form.chosen_user_name(), secret=made.secret, scim_url=f"{url}/scim/v2"
        )

    async def _check_link(self, token: str) -> None:
        await self._transactions.read(SYSTEM, lambda tx: setup_links.check_setup_link(tx, token))

    async def _redeem(self, request: Request, token: str, form: SetupForm) -> NewApiKey:
        actor = replace(SYSTEM, request_id=request_id(request.scope))
        call = Call(
            request_id=request_id(request.scope),
            method="POST",
            target="/setup",
            address=request.scope["state"]["client_address"],
            user_agent=request.headers.get("user-agent"),
            request={"user_name": form.chosen_user_name(), "email": form.email},
            actor=actor,
            status=200,
            status_of=_status_of,
        )

        def redeem(tx: WriteTx) -> NewApiKey:
            return setup_links.redeem_setup_link(
                tx,
                token,
                user_name=form.chosen_user_name(),
                given_name=form.given_name,
                family_name=form.family_name,
                display_name=form.chosen_display_name(),
                email=form.email,
            )

        return await self._transactions.write(actor, redeem, journal=CallJournal(call))

    async def _public_url(self, request: Request) -> str:
        installation = await self._transactions.read(SYSTEM, get_installation)
        return installation.public_url or str(request.base_url).rstrip("/")


async def _read_form(request: Request) -> dict[str, str]:
    body = await read_body(request, limit=_LARGEST_FORM)
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _setup_page(request: Request, token: str, form: SetupForm, wrong: Mapping[str, str]) -> Response:
    # The status tells a program what a person reads at the fields; browsers show the page all the same.
    return _page(request, "setup.html", _CORRECTABLE if wrong else 200, token=token, form=form, wrong=wrong)


def _status_of(error: DomainError) -> int:
    match error.kind:
        case ErrorKind.INVALID | ErrorKind.CONFLICT:
            return _CORRECTABLE
        case ErrorKind.NOT_FOUND:
            return 404
        case ErrorKind.UNAVAILABLE:
            return 503
        case _:
            return 403


def _refused(request: Request, error: DomainError) -> Response:
    status = _status_of(error)
    if error.kind is ErrorKind.NOT_FOUND:
        return _page(request, "setup_expired.html", status)
    title = "Not now" if error.kind is ErrorKind.UNAVAILABLE else "That is not possible"
    return _message(request, status, title, error.detail)


def _message(
    request: Request, status: int, title: str, advice: str, headers: Mapping[str, str] | None = None
) -> Response:
    response = _page(request, "message.html", status, title=title, advice=advice)
    response.headers.update(headers or {})
    return response


def _page(request: Request, template: str, status: int = 200, **shown: object) -> HTMLResponse:
    root = request.scope.get("root_path", "")
    text = _TEMPLATES.get_template(template).render(root=root, **shown)
    return HTMLResponse(text, status_code=status, headers=dict(_HEADERS))
