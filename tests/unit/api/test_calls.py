import orjson
import pytest

from rolecall.api.calls import parse_parameters, recordable
from rolecall.api.scim.errors import SCIM
from rolecall.scim.errors import InvalidSyntax, InvalidValue

SECRET = "hunter2-hunter2"
SECRETS = frozenset({"password"})
USER_PASSWORD = "urn:ietf:params:scim:schemas:core:2.0:User:password"


def test_parameters_are_read_and_of_repeated_ones_the_last_counts():
    query = b"filter=userName%20eq+%22a%2Bb%22&count=&count=10&unknown"
    assert parse_parameters(query, SCIM) == {"filter": 'userName eq "a+b"', "count": "10", "unknown": ""}
    assert parse_parameters(b"", SCIM) == {}


@pytest.mark.parametrize("query", [b"filter=%ff", b"filter=\xff", b"%c3%28=x"])
def test_a_query_that_is_not_utf_8_is_refused(query):
    with pytest.raises(InvalidSyntax):
        parse_parameters(query, SCIM)


@pytest.mark.parametrize("query", [b"filter=a%00b", b"filter=a%07b", b"filter=%c2%80"])
def test_a_query_with_a_control_character_is_refused(query):
    with pytest.raises(InvalidValue):
        parse_parameters(query, SCIM)


@pytest.mark.parametrize(
    "body",
    [
        {"userName": "ada", "password": SECRET},
        {"userName": "ada", "Password": SECRET},
        {"userName": "ada", "PASSWORD": SECRET},
        {"userName": "ada", "passWord": SECRET},
        {USER_PASSWORD: SECRET},
        {"password": {"nested": [SECRET]}},
        {"Operations": [{"op": "replace", "path": "password", "value": SECRET}]},
        {"Operations": [{"op": "replace", "path": "passWord", "value": SECRET}]},
        {"Operations": [{"op": "replace", "path": USER_PASSWORD, "value": SECRET}]},
        {"Operations": [{"op": "replace", "path": " password ", "value": SECRET}]},
        {"Operations": [{"Op": "replace", "Path": "password", "Value": SECRET}]},
        {"Operations": [{"op": "replace", "value": {"password": SECRET, "active": True}}]},
        {"Operations": [{"op": "replace", "value": {USER_PASSWORD: SECRET}}]},
        {"Operations": [{"data": {"password": SECRET}, "method": "POST", "path": "/Users"}]},
    ],
    ids=str,
)
def test_no_password_is_written_down(body):
    kept = recordable(body, orjson.dumps(body), SECRETS)
    assert SECRET not in str(kept)
    assert SECRET in str(body)


def test_a_password_whose_name_is_spelt_with_escapes_is_not_written_down_either():
    body = rb'{"p\u0061ssword": "hunter2-hunter2"}'
    assert SECRET not in str(recordable(orjson.loads(body), body, SECRETS))


def test_everything_else_is_written_down_as_it_was_sent():
    body = {
        "userName": "ada",
        "password": SECRET,
        "title": "Keeper of the password",
        "emails": [{"value": "a@x", "primary": True}],
        "count": 1.5,
        "nothing": None,
    }
    kept = recordable(body, orjson.dumps(body), SECRETS)
    assert {name: value for name, value in kept.items() if name != "password"} == {
        name: value for name, value in body.items() if name != "password"
    }
    without = {name: value for name, value in body.items() if name != "password"}
    assert recordable(without, orjson.dumps(without), SECRETS) == without


def test_of_a_large_body_only_its_size_and_its_hash_are_written_down():
    body = {"password": SECRET, "members": ["x" * 100] * 3_000}
    text = orjson.dumps(body)
    kept = recordable(body, text, SECRETS)
    assert len(str(kept)) < 200
    assert str(len(text)) in str(kept)
    assert SECRET not in str(kept)


@pytest.mark.parametrize(
    "body",
    [
        {"tokens": [{"value": SECRET}]},
        {"Tokens": {"type": "x", "value": SECRET}},
        {"urn:x:Thing": {"tokens": [SECRET]}},
        {"Operations": [{"op": "add", "path": "tokens", "value": [{"value": SECRET}]}]},
        {"Operations": [{"op": "add", "path": "tokens.value", "value": SECRET}]},
        {"Operations": [{"op": "add", "path": 'urn:x:2.0:Thing:tokens[type eq "a:b"].value', "value": SECRET}]},
        {"Operations": [{"op": "add", "value": {"urn:x:2.0:Thing:tokens.value": SECRET}}]},
    ],
    ids=str,
)
def test_what_a_declaration_hides_is_not_written_down(body):
    secrets = SECRETS | {"tokens"}
    assert SECRET not in str(recordable(body, orjson.dumps(body), secrets))
    assert SECRET in str(recordable(body, orjson.dumps(body), SECRETS))
