import asyncio
from ipaddress import ip_network

import pytest
from starlette.requests import Request

from rolecall.http import requests
from rolecall.http.requests import (
    UNKNOWN,
    BodyTooLarge,
    BodyTooSlow,
    client_address,
    is_https,
    new_request_id,
    read_body,
)

PROXY = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def scope(*, client="10.0.0.1", scheme="http", **headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "method": "POST",
        "headers": raw,
        "client": (client, 1) if client else None,
        "scheme": scheme,
        "path": "/",
    }


@pytest.mark.parametrize(
    "client, forwarded, address",
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("fd00::1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("testclient", "203.0.113.9", UNKNOWN),
        (None, "203.0.113.9", UNKNOWN),
    ],
)
def test_a_forwarded_address_counts_only_as_far_as_trusted_proxies_vouch_for_it(client, forwarded, address):
    headers = {} if forwarded is None else {"x_forwarded_for": forwarded}
    assert client_address(scope(client=client, **headers), PROXY) == address


def test_several_forwarded_headers_are_one_list():
    asked = scope()
    asked["headers"] = [(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"203.0.113.9, 10.0.0.2")]
    assert client_address(asked, PROXY) == "203.0.113.9"


@pytest.mark.parametrize(
    "client, scheme, said, https",
    [
        ("10.0.0.1", "http", "https", True),
        ("10.0.0.1", "http", "http, HTTPS", True),
        ("10.0.0.1", "https", "http", False),
        ("10.0.0.1", "https", None, True),
        ("198.51.100.7", "http", "https", False),
        ("198.51.100.7", "https", "http", True),
        (None, "https", None, True),
    ],
)
def test_only_a_trusted_proxy_says_that_the_client_spoke_https(client, scheme, said, https):
    headers = {} if said is None else {"x_forwarded_proto": said}
    assert is_https(scope(client=client, scheme=scheme, **headers), PROXY) is https


def test_request_ids_are_32_hexadecimal_digits_and_differ():
    first, second = new_request_id(), new_request_id()
    assert len(first) == 32
    assert int(first, 16)
    assert first != second


def body_of(chunks, *, limit, **headers):
    left = list(chunks)
    received = []

    async def receive():
        chunk = left.pop(0)
        received.append(chunk)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    return asyncio.run(read_body(Request(scope(**headers), receive), limit=limit)), received


def test_a_chunked_body_up_to_the_limit_is_read_in_full():
    assert body_of([b"ab", b"cd"], limit=4)[0] == b"abcd"


def test_a_chunked_body_over_the_limit_is_refused_while_it_comes_in():
    left = [b"x" * 3] * 100

    async def receive():
        return {"type": "http.request", "body": left.pop(), "more_body": bool(left)}

    with pytest.raises(BodyTooLarge, match="larger than 4 bytes"):
        asyncio.run(read_body(Request(scope(), receive), limit=4))
    assert len(left) == 98


def test_a_body_that_announces_too_much_is_refused_unread():
    async def receive():
        raise AssertionError

    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(Request(scope(content_length="5"), receive), limit=4))


def test_an_announcement_that_is_no_number_does_not_hide_a_large_body():
    with pytest.raises(BodyTooLarge):
        body_of([b"x" * 5], limit=4, content_length="-1")


def test_a_body_that_does_not_arrive_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.05)

    async def receive():
        await asyncio.sleep(30)

    with pytest.raises(BodyTooSlow, match="did not arrive"):
        asyncio.run(read_body(Request(scope(), receive), limit=4))
