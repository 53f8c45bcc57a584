import ssl
from datetime import UTC, datetime

import orjson
import pytest

from rolecall.cli.certificate import ensure_certificate
from rolecall.connections.validation.caller import OwnAddress, open_caller
from rolecall.connections.validation.model import OWN_NAME, Request, Way
from tests.make.receivers import answering, receiving

POST = Request(method="POST", path="/Users", body={"userName": "ada"})


def test_it_says_who_it_is_and_reads_what_is_answered():
    with receiving(answering(201, '{"id": "7"}')) as server:
        own = OwnAddress(listening_url="http://127.0.0.1:9", certificate=None)
        caller = open_caller(own, f"{server.url}/below/", Way.PUBLIC, "secret")
        answer = caller.call(POST)
    assert (answer.status, answer.body) == (201, {"id": "7"})
    (came,) = server.came
    assert (came.path, orjson.loads(came.body)) == ("/below/scim/v2/Users", POST.body)
    assert came.headers["authorization"] == "Bearer secret"
    assert came.headers["user-agent"] == OWN_NAME
    assert came.headers["content-type"] == "application/scim+json"


@pytest.mark.parametrize("way, public_url", [(Way.LISTENING, "https://rolecall.example.com"), (Way.PUBLIC, None)])
def test_without_a_public_url_or_by_wish_the_listening_address_is_called(way, public_url):
    with receiving(answering(502, "Bad gateway")) as server:
        answer = open_caller(OwnAddress(listening_url=server.url, certificate=None), public_url, way, "s").call(POST)
    assert (answer.status, answer.body) == (502, "Bad gateway")


def test_the_certificate_that_we_serve_ourselves_is_trusted_and_no_other(tmp_path):
    certificate, key = ensure_certificate(tmp_path, hosts=["rolecall.example.com"], now=datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    (tmp_path / "other").mkdir()
    other, _key = ensure_certificate(tmp_path / "other", hosts=[], now=datetime.now(UTC))
    with receiving(answering(201, "{}"), context=context) as server:
        url = f"https://localhost:{server.server_port}"
        for trusted, status in ((certificate, 201), (other, None), (None, None), (tmp_path / "missing", None)):
            for way in Way:
                own = OwnAddress(listening_url=url, certificate=trusted)
                assert open_caller(own, url, way, "s").call(POST).status == status


def test_nobody_there_is_an_answer_too():
    own = OwnAddress(listening_url="http://127.0.0.1:9", certificate=None)
    answer = open_caller(own, None, Way.PUBLIC, "s").call(POST)
    assert answer.status is None
    assert answer.body
