import asyncio
from contextlib import asynccontextmanager

import uvicorn

from rolecall.cli import server_protocol
from rolecall.cli.server_protocol import LARGEST_HEAD, BoundedProtocol


async def app(scope, receive, send):
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
    await send({"type": "http.response.body", "body": f"{size:8}".encode()})


@asynccontextmanager
async def connected():
    config = uvicorn.Config(app, http=BoundedProtocol, log_config=None, lifespan="off", ws="none", port=0)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()
    server.should_exit = True
    await serving


def answer_to(*parts):
    """Send parts one after the other, then return all that comes back before the server closes."""

    async def go():
        async with connected() as (reader, writer):
            for part in parts:
                writer.write(part)
                try:
                    await writer.drain()
                except ConnectionError:
                    break
                await asyncio.sleep(0)
            try:
                return await asyncio.wait_for(reader.read(), 5)
            except ConnectionError:
                return b""

    return asyncio.run(go())


END = b"connection: close\r\n\r\n"


def test_an_ordinary_request_is_served():
    assert answer_to(b"GET / HTTP/1.1\r\nhost: x\r\n" + END).startswith(b"HTTP/1.1 200")


def test_a_body_may_be_larger_than_a_head():
    size = LARGEST_HEAD * 4
    head = f"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n".encode() + END
    answer = answer_to(head, *[b"x" * (size // 8)] * 8)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(str(size).encode())


def test_many_headers_are_refused():
    headers = b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(80))
    answer = answer_to(b"GET / HTTP/1.1\r\nhost: x\r\n" + headers + END)
    assert answer.startswith(b"HTTP/1.1 431")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_long_request_line_is_refused():
    assert answer_to(b"GET /" + b"x" * LARGEST_HEAD + b" HTTP/1.1\r\nhost: x\r\n" + END).startswith(b"HTTP/1.1 431")


def test_one_header_without_end_is_refused_before_it_fills_the_memory():
    async def go():
        async with connected() as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nx: ")
            for sent in range(1, 20):
                writer.write(b"y" * 16_384)
                try:
                    return sent, await asyncio.wait_for(reader.read(20), 0.1)
                except TimeoutError:
                    continue
            raise AssertionError

    sent, answer = asyncio.run(go())
    assert answer.startswith(b"HTTP/1.1 431")
    assert sent * 16_384 <= LARGEST_HEAD * 2


def test_what_is_no_http_is_answered_400():
    assert answer_to(b"hello there\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_head_that_does_not_come_in_time_ends_the_connection(monkeypatch):
    monkeypatch.setattr(server_protocol, "HEAD_SECONDS", 0.2)
    assert answer_to(b"GET / HTTP/1.1\r\nhost:") == b""


def test_a_second_request_on_a_connection_has_a_budget_and_a_time_of_its_own(monkeypatch):
    monkeypatch.setattr(server_protocol, "HEAD_SECONDS", 0.5)
    padding = b"x: " + b"y" * (LARGEST_HEAD // 2 + 1000) + b"\r\n"
    first = b"GET / HTTP/1.1\r\nhost: x\r\n" + padding + b"\r\n"

    async def go():
        async with connected() as (reader, writer):
            for _ in range(2):
                writer.write(first)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200")
                await reader.readexactly(8)
                await asyncio.sleep(0.3)
            writer.write(b"GET / HTTP/1.1\r\n")
            return await asyncio.wait_for(reader.read(), 5)

    assert asyncio.run(go()) == b""
