import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolecall.telemetry.logging import bind_request, configure_logging, get_logger, mask, unbind_request

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
KEY = "RLCL" + "abcdefghijkl" + "S+/9" * 12
SENTENCE = f"Somebody sent {KEY}."


@pytest.fixture
def written():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_holds_event_level_logger_time_and_fields(written):
    configure_logging(form="json", level="info", stream=written)
    get_logger("rolecall.somewhere").info("Started.", port=8080)
    (line,) = lines(written)
    assert line["event"] == "Started."
    assert line["level"] == "info"
    assert line["logger"] == "rolecall.somewhere"
    assert line["port"] == 8080
    assert line["time"].endswith("Z")


def test_lines_below_the_level_are_left_out(written):
    configure_logging(form="json", level="warning", stream=written)
    get_logger("rolecall.somewhere").info("Nobody reads this.")
    assert not written.getvalue()


def test_the_request_id_stands_on_every_line_of_the_request_and_on_none_after_it(written):
    configure_logging(form="json", level="info", stream=written)
    bound = bind_request("abc")
    get_logger("rolecall.a").info("Within.")
    logging.getLogger("some.library").warning("Within too.")
    unbind_request(bound)
    get_logger("rolecall.a").info("After.")
    assert [line.get("request_id") for line in lines(written)] == ["abc", "abc", None]


def test_a_library_s_line_has_the_same_form(written):
    configure_logging(form="json", level="info", stream=written)
    logging.getLogger("some.library").warning("%s is %d", "answer", 42)
    (line,) = lines(written)
    assert (line["event"], line["logger"]) == ("answer is 42", "some.library")


def test_text_lines_are_for_reading_and_carry_no_colour_codes(written):
    configure_logging(form="text", level="info", stream=written)
    get_logger("rolecall.a").info("Started.", port=8080)
    assert "Started." in written.getvalue()
    assert "port=8080" in written.getvalue()
    assert "\x1b" not in written.getvalue()


def test_configuring_again_replaces_what_was_set_up(written):
    configure_logging(form="json", level="info", stream=io.StringIO())
    configure_logging(form="json", level="info", stream=written)
    get_logger("rolecall.a").info("Once.")
    assert len(lines(written)) == 1


@pytest.mark.parametrize("form", ["json", "text"])
def test_an_api_key_never_reaches_a_log_whatever_way_it_takes(written, form):
    configure_logging(form=form, level="info", stream=written)
    log = get_logger("rolecall.a")
    log.info(SENTENCE)
    log.info("In a field.", value=KEY, deep={"list": [KEY]}, authorization=f"Bearer {KEY}")
    logging.getLogger("some.library").error("header: %s", f"Authorization: Bearer {KEY}")
    try:
        int(KEY)
    except ValueError:
        log.exception("It failed.")
    assert KEY[16:] not in written.getvalue()
    assert "ValueError" in written.getvalue()


def test_a_masked_api_key_still_shows_which_one_it_was():
    assert mask(f"x {KEY} y") == f"x {KEY[:16]}[masked] y"


@given(st.text(alphabet=_BASE64, min_size=60, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_whatever_surrounds_a_key_its_secret_is_masked(rest, before, after):
    assert rest[12:] not in mask(f"{before} RLCL{rest}{after}")


def test_a_percent_encoded_key_is_masked():
    encoded = KEY.replace("+", "%2B").replace("/", "%2f")
    assert mask(encoded) == f"{KEY[:16]}[masked]"


@pytest.mark.parametrize(
    "text, masked",
    [
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [masked]"),
        ('{"authorization": "Bearer x.y.z"}', '{"authorization": "[masked]"}'),
        ("bearer abcdefghijkl", "bearer [masked]"),
        ("GET /setup?token=s3cret&x=1", "GET /setup?token=[masked]&x=1"),
        ("postgresql://me:hunter2@db/x", "postgresql://me:[masked]@db/x"),
        ("http://127.0.0.1:8080/scim/v2", "http://127.0.0.1:8080/scim/v2"),
        ("Nothing secret: a bearer of news.", "Nothing secret: a bearer of news."),
    ],
)
def test_credentials_are_masked_and_other_text_is_left_alone(text, masked):
    assert mask(text) == masked


def test_a_field_whose_name_means_a_secret_is_masked_at_any_depth(written):
    configure_logging(form="json", level="info", stream=written)
    get_logger("rolecall.a").info("Sent.", request={"Password": "p", "user": "u", "list": [{"token": "t"}]})
    (line,) = lines(written)
    assert line["request"] == {"Password": "[masked]", "user": "u", "list": [{"token": "[masked]"}]}


def test_what_json_lacks_is_written_as_python_shows_it(written):
    configure_logging(form="json", level="info", stream=written)
    get_logger("rolecall.a").info("Odd.", kind=complex(1, 2), huge=2**70, keyed={1: "one"}, lone="\ud800")
    assert "(1+2j)" in written.getvalue()
    assert "Odd." in written.getvalue()
