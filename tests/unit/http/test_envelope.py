import asyncio
import io
import json
import logging
from ipaddress import ip_network

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from rolecall.http.envelope import Envelope
from rolecall.http.requests import request_id
from rolecall.telemetry.logging import configure_logging
from rolecall.telemetry.metrics import Metrics


@pytest.fixture
def logged():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(form="json", level="info", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


async def show(request):
    return PlainTextResponse(f"{request_id(request.scope)} {request.state.client_address} {request.state.https}")


async def fail(request):
    raise RuntimeError


def wrapped(metrics=None):
    app = Starlette(
        routes=[
            Route("/healthz", show),
            Route("/fail", fail),
            Mount("/scim/v2", routes=[Route("/Users/{id}", show)]),
        ]
    )
    return Envelope(app, metrics=metrics or Metrics(), trusted_proxies=[ip_network("127.0.0.0/8")])


def ask(app, path, **headers):
    async def go():
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://rolecall.test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(go())


def test_the_answer_carries_the_id_that_the_application_saw_not_the_caller_s(logged):
    answer = ask(wrapped(), "/scim/v2/Users/7", **{"X-Request-Id": "mine"})
    assert answer.headers["x-request-id"] == answer.text.split()[0]
    assert answer.headers["x-request-id"] != "mine"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_line_is_logged_for_each_request_without_its_query(logged):
    answer = ask(wrapped(), "/scim/v2/Users/7?filter=secret", **{"X-Request-Id": "mine"})
    (line,) = [json.loads(text) for text in logged.getvalue().splitlines()]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/scim/v2/Users/7", 200)
    assert line["client_request_id"] == "mine"
    assert "secret" not in logged.getvalue()


def test_a_caller_s_id_with_odd_characters_is_not_logged(logged):
    ask(wrapped(), "/scim/v2/Users/7", **{"X-Request-Id": 'a"b c'})
    assert "client_request_id" not in logged.getvalue()


def test_health_checks_are_not_logged(logged):
    ask(wrapped(), "/healthz")
    assert not logged.getvalue()


def test_figures_name_the_route_with_its_mount_and_not_the_path(logged):
    metrics = Metrics()
    app = wrapped(metrics)
    for path in ("/scim/v2/Users/7", "/scim/v2/Users/8", "/scim/v2/nowhere", "/nowhere"):
        ask(app, path)
    text = metrics.render().decode()
    assert 'route="/scim/v2/Users/{id}",status="200"} 2.0' in text
    assert 'route="/scim/v2",status="404"} 1.0' in text
    assert 'route="unmatched",status="404"} 1.0' in text


def test_a_failing_application_counts_as_500(logged):
    metrics = Metrics()
    assert ask(wrapped(metrics), "/fail").status_code == 500
    assert 'route="/fail",status="500"} 1.0' in metrics.render().decode()


def test_the_client_s_address_and_scheme_are_seen_past_the_proxy(logged):
    answer = ask(wrapped(), "/scim/v2/Users/7", **{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    assert answer.text.split()[1:] == ["203.0.113.9", "True"]
    assert "strict-transport-security" in answer.headers


def test_what_is_not_http_passes_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    envelope = Envelope(app, metrics=Metrics(), trusted_proxies=[])
    asyncio.run(envelope({"type": "lifespan"}, None, None))
    assert seen == [{"type": "lifespan"}]
