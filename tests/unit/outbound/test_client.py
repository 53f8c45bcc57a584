import asyncio
import ssl
import threading
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest

from rolecall.cli.certificate import ensure_certificate
from rolecall.outbound.client import OutboundClient, parse_target, resolve_by_system
from rolecall.outbound.errors import OutboundFailed, OutboundRefused
from rolecall.outbound.model import OutboundRule
from tests.make.receivers import receiving

LOOPBACK = OutboundRule(networks=(ip_network("127.0.0.0/8"),))


def leading_to(*addresses):
    async def resolve(_host, _port):
        return [ip_address(address) for address in addresses]

    return resolve


@pytest.mark.parametrize(
    "url, host, port",
    [
        ("https://Hooks.Example.com/x?y=1", "hooks.example.com", 443),
        ("https://example.com:8443", "example.com", 8443),
        ("http://127.0.0.1:8080/x", "127.0.0.1", 8080),
        ("http://internal/x", "internal", 80),
        ("https://[2606:2800:220:1:248:1893:25c8:1946]/", "2606:2800:220:1:248:1893:25c8:1946", 443),
    ],
)
def test_where_a_url_leads(url, host, port):
    target = parse_target(LOOPBACK, url)
    assert (target.host, target.port, target.url) == (host, port, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https://example.com:0/",
        "https://example.com:x/",
        "https://[::1",
        "https://ex ample.com/",
        "https://example.com/\r\nX: y",
        "https://exämple.com/",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "http://example.com/",
        "https://example.com/" + "x" * 2_000,
    ],
)
def test_a_url_that_may_not_be_called_is_refused(url):
    with pytest.raises(OutboundRefused):
        parse_target(OutboundRule(), url)


def test_with_a_list_of_domains_a_public_address_is_none_of_them_and_a_listed_network_is_no_matter():
    rule = OutboundRule(domains=("example.com",), networks=LOOPBACK.networks)
    parse_target(rule, "https://hooks.example.com./")
    parse_target(rule, "http://127.0.0.1/")
    for url in ("https://93.184.216.34/", "https://example.org/"):
        with pytest.raises(OutboundRefused, match="--outbound-domains"):
            parse_target(rule, url)


def test_what_is_sent_arrives_and_the_answer_comes_back():
    with receiving() as server:
        url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
        reply = OutboundClient(LOOPBACK).post(url, b"body", {"Webhook-Id": "1"})
    assert (reply.status, reply.text) == (200, "ok")
    (came,) = server.came
    assert (came.path, came.body, came.headers["webhook-id"]) == ("/hook?x=1", b"body", "1")
    assert came.headers["host"] == f"127.0.0.1:{server.server_port}"
    assert came.headers["accept-encoding"] == "identity"


def test_a_name_is_resolved_once_and_that_address_is_called_under_its_name():
    asked = []

    async def resolve(host, port):
        asked.append((host, port))
        return [ip_address("127.0.0.1")]

    with receiving() as server:
        url = f"http://hooks.example.com:{server.server_port}/"
        OutboundClient(LOOPBACK, resolve=resolve).post(url, b"", {})
    assert asked == [("hooks.example.com", server.server_port)]
    assert server.came[0].headers["host"] == f"hooks.example.com:{server.server_port}"


def test_over_tls_the_certificate_has_to_be_for_the_name(tmp_path):
    certificate, key = ensure_certificate(tmp_path, hosts=["hooks.example.com"], now=datetime.now(UTC))
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    with receiving(context=served) as server:
        client = OutboundClient(LOOPBACK, resolve=leading_to("127.0.0.1"), tls=trusting)
        assert client.post(f"https://hooks.example.com:{server.server_port}/", b"", {}).status == 200
        with pytest.raises(OutboundFailed, match="CERTIFICATE_VERIFY_FAILED"):
            client.post(f"https://evil.example.com:{server.server_port}/", b"", {})
        with pytest.raises(OutboundFailed, match="CERTIFICATE_VERIFY_FAILED"):
            OutboundClient(LOOPBACK, resolve=leading_to("127.0.0.1")).post(
                f"https://hooks.example.com:{server.server_port}/", b"", {}
            )
    assert len(server.came) == 1


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::ffff:127.0.0.1"]])
def test_a_name_with_one_address_that_is_not_public_is_not_called(addresses):
    client = OutboundClient(OutboundRule(), resolve=leading_to(*addresses))
    with pytest.raises(OutboundRefused, match="not a public address"):
        client.post("https://hooks.example.com/", b"", {})


def test_other_spellings_of_an_address_are_resolved_and_then_looked_at():
    for host in ("2130706433", "0x7f.1", "localhost"):
        with pytest.raises((OutboundRefused, OutboundFailed)):
            OutboundClient(OutboundRule()).post(f"https://{host}/", b"", {})
    assert ip_address("127.0.0.1") in asyncio.run(resolve_by_system("localhost", 80))


def test_a_name_that_leads_nowhere_is_a_failure():
    with pytest.raises(OutboundFailed, match="has no address"):
        OutboundClient(LOOPBACK, resolve=leading_to()).post("http://x.example.com/", b"", {})


def test_a_redirect_is_an_answer_and_is_not_followed():
    with receiving() as elsewhere:

        def redirect(request):
            request.send_response(307)
            request.send_header("Location", f"http://127.0.0.1:{elsewhere.server_port}/")
            request.send_header("Content-Length", "0")
            request.end_headers()

        with receiving(redirect) as server:
            url = f"http://127.0.0.1:{server.server_port}/"
            assert OutboundClient(LOOPBACK).post(url, b"", {}).status == 307
    assert elsewhere.came == []


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with receiving() as proxy, receiving() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_port}")
        OutboundClient(LOOPBACK).post(f"http://127.0.0.1:{server.server_port}/", b"", {})
    assert (len(proxy.came), len(server.came)) == (0, 1)


def test_of_an_endless_answer_only_the_beginning_is_read():
    def endless(request):
        request.send_response(500)
        request.end_headers()
        try:
            for _ in range(10_000):
                request.wfile.write(b"x" * 65_536)
        except OSError:
            request.server.stopped = True

    with receiving(endless) as server:
        reply = OutboundClient(LOOPBACK).post(f"http://127.0.0.1:{server.server_port}/", b"", {})
    assert (reply.status, reply.text) == (500, "x" * 500)
    assert server.stopped


def test_somebody_who_answers_byte_by_byte_is_not_waited_for():
    going_on = threading.Event()

    def drip(request):
        for byte in b"HTTP/1.1 200 OK\r\nX: ":
            request.wfile.write(bytes([byte]))
        while not going_on.wait(0.05):
            request.wfile.write(b"x")

    with receiving(drip) as server:
        client = OutboundClient(LOOPBACK, seconds=0.5)
        with pytest.raises(OutboundFailed, match=r"within 0\.5 seconds"):
            client.post(f"http://127.0.0.1:{server.server_port}/", b"", {})
        going_on.set()


def test_nobody_there_is_a_failure():
    with receiving() as server:
        port = server.server_port
    with pytest.raises(OutboundFailed, match="ConnectError"):
        OutboundClient(LOOPBACK).post(f"http://127.0.0.1:{port}/", b"", {})
