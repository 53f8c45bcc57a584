"""Are tokens signed so that a library which is not ours can check them?"""

from datetime import UTC, datetime

import orjson
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from rolecall.notifications.tokens import key_set, sign
from rolecall.storage.secrets import FILE, KeyRing

CLAIMS = {"iss": "https://rolecall.example.com", "jti": "1", "events": {"urn:x": {}}}


@pytest.fixture
def keys(tmp_path):
    ring = KeyRing(tmp_path / FILE)
    ring.ensure(datetime(2026, 11, 24, tzinfo=UTC))
    return ring


def checked(token, published):
    return jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"])


def test_a_token_is_checked_with_the_published_key_and_says_what_it_is(keys):
    token = checked(sign(keys, CLAIMS).decode(), key_set(keys))
    assert token.claims == CLAIMS
    assert token.header == {"alg": "ES256", "kid": keys.primary, "typ": "secevent+jwt"}


def test_what_was_changed_on_the_way_is_noticed(keys):
    head, body, signature = sign(keys, CLAIMS).decode().split(".")
    other = sign(keys, {**CLAIMS, "jti": "2"}).decode().split(".")[1]
    assert other != body
    with pytest.raises(BadSignatureError):
        checked(f"{head}.{other}.{signature}", key_set(keys))


def test_nothing_private_is_published(keys):
    (published,) = key_set(keys)["keys"]
    assert published.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    secret = orjson.loads(keys.path.read_bytes())["keys"][keys.primary]["secret"]
    assert secret not in orjson.dumps(published).decode()


def test_tokens_of_an_older_key_can_be_checked_until_it_is_forgotten(keys):
    old = keys.primary
    token = sign(keys, CLAIMS).decode()
    new = keys.rotate(datetime(2026, 11, 25, tzinfo=UTC))
    assert {each["kid"] for each in key_set(keys)["keys"]} == {old, new}
    assert checked(token, key_set(keys)).header["kid"] == old
    assert checked(sign(keys, CLAIMS).decode(), key_set(keys)).header["kid"] == new


def test_the_key_is_the_same_wherever_the_ring_is_the_same(keys, tmp_path):
    again = KeyRing(tmp_path / FILE)
    assert key_set(again) == key_set(keys)
