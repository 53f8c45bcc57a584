import re

import pytest

from rolecall.authentication.actors import authenticate
from rolecall.authorization.actions import Action
from rolecall.authorization.actor import SYSTEM
from rolecall.directory.installation import set_public_url
from rolecall.directory.users import create_service_user, get_user_by_name
from rolecall.events.audit import list_records
from rolecall.events.model import CallOutcome, Phase

ADA = {"given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.com"}


def filled(token, **fields):
    return {"token": token, **ADA, **fields}


def test_the_home_page_says_what_this_is_and_where_scim_lives(site):
    page = site.get("/")
    assert page.status_code == 200
    assert "Access governance" in page.text
    assert "http://rolecall.test/scim/v2" in page.text


def test_the_public_url_wins_over_the_address_in_the_request(site):
    site.rolecall.transactions.run_write(SYSTEM, lambda tx: set_public_url(tx, "https://rolecall.example.com"))
    page = site.get("/", Host="evil.test")
    assert "https://rolecall.example.com/scim/v2" in page.text
    assert "evil.test" not in page.text


def test_a_host_that_holds_markup_is_shown_as_text(site):
    assert "<script>" not in site.get("/", Host="<script>x</script>").text


def test_a_valid_link_shows_the_form_with_its_token(site):
    token = site.new_link()
    page = site.get(f"/setup?token={token}")
    assert page.status_code == 200
    assert f'value="{token}"' in page.text
    assert 'for="given_name"' in page.text


@pytest.mark.parametrize("query", ["", "?token=", "?token=made-up"])
def test_a_link_that_is_none_is_told_what_to_do(site, query):
    page = site.get(f"/setup{query}")
    assert page.status_code == 404
    assert "rolecall admin setup-link" in page.text


def test_a_link_ends_after_an_hour(site):
    token = site.new_link()
    site.later(hours=1, seconds=1)
    assert site.get(f"/setup?token={token}").status_code == 404
    assert site.post("/setup", filled(token)).status_code == 404


def test_sending_the_form_makes_the_break_glass_administrator_and_shows_a_key_that_works(site, secret_in):
    page = site.post("/setup", filled(site.new_link()))
    assert page.status_code == 200
    assert "rolecall admin scim-setup" in page.text
    actor = site.read(lambda tx: authenticate(tx, secret_in(page))).actor
    assert actor.user_name == "ada@example.com"
    assert actor.actions == frozenset(Action)
    user = site.read(lambda tx: get_user_by_name(tx, "ada@example.com"))
    assert user.break_glass
    assert user.profile["displayName"] == "Ada Lovelace"


def test_names_that_were_chosen_are_taken(site):
    site.post("/setup", filled(site.new_link(), user_name="ada", display_name="Countess"))
    user = site.read(lambda tx: get_user_by_name(tx, "ada"))
    assert user.profile["displayName"] == "Countess"


def test_the_audit_log_tells_who_became_administrator_from_where_and_holds_no_secret(site, secret_in):
    token = site.new_link()
    page = site.post("/setup", filled(token))
    intent, result = reversed(site.read(lambda tx: list_records(tx, limit=10)))
    assert (intent.phase, result.phase, result.outcome) == (Phase.INTENT, Phase.RESULT, CallOutcome.OK)
    assert result.request == {"user_name": "ada@example.com", "email": "ada@example.com"}
    assert (result.address, result.request_id) == ("127.0.0.1", page.headers["x-request-id"])
    assert token not in repr(result)
    assert secret_in(page) not in repr(result)


def test_whoever_has_no_link_cannot_fill_the_audit_log(site):
    site.post("/setup", filled("made-up"))
    assert site.read(lambda tx: list_records(tx, limit=10)) == ()


def test_a_link_works_once(site):
    token = site.new_link()
    site.post("/setup", filled(token))
    again = site.post("/setup", filled(token, user_name="eve"))
    assert again.status_code == 404
    assert "RLCL" not in again.text


def test_errors_stand_at_their_fields_and_what_was_typed_stays(site):
    token = site.new_link()
    page = site.post("/setup", filled(token, family_name=" ", email="nonsense"))
    assert page.status_code == 422
    assert 'value="Ada"' in page.text
    assert 'value="nonsense"' in page.text
    for field in ("family_name", "email"):
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"[^>]*aria-describedby="[^"]*{field}-wrong"', page.text)
        assert f'id="{field}-wrong"' in page.text
    assert 'id="given_name-wrong"' not in page.text
    assert site.post("/setup", filled(token)).status_code == 200


def test_a_name_that_is_taken_is_said_at_its_field_and_the_link_stays_good(site):
    site.rolecall.transactions.run_write(SYSTEM, lambda tx: create_service_user(tx, user_name="ADA"))
    token = site.new_link()
    page = site.post("/setup", filled(token, user_name="ada"))
    assert page.status_code == 422
    assert 'id="user_name-wrong"' in page.text
    assert site.post("/setup", filled(token, user_name="ada2")).status_code == 200


def test_markup_in_a_field_is_shown_as_text(site):
    page = site.post("/setup", filled(site.new_link(), given_name='"><script>alert(1)</script>', email=""))
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_wrong_form_with_a_link_that_has_ended_is_told_about_the_link(site):
    assert site.post("/setup", filled("made-up", email="")).status_code == 404


@pytest.mark.parametrize("body", [b"\xff\xfe=\x00", b"", b"a" * 1000, b"&&&=&token"])
def test_a_body_that_is_no_form_is_treated_as_an_empty_one(site, body):
    assert site.post("/setup", body).status_code == 404


def test_a_form_that_is_too_large_is_refused(site):
    page = site.post("/setup", filled(site.new_link(), given_name="x" * 70_000))
    assert page.status_code == 413


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://rolecall.test"}, 200),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 200),
        ({"Origin": "http://rolecall.test", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_a_form_sent_from_another_site_changes_nothing(site, headers, status):
    token = site.new_link()
    assert site.post("/setup", filled(token), **headers).status_code == status
    assert (site.get(f"/setup?token={token}").status_code == 200) is (status == 403)


@pytest.mark.parametrize("path", ["/", "/setup", "/setup?token=x", "/nowhere"])
def test_no_page_is_kept_framed_or_runs_anything(site, path):
    page = site.get(path)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"<script|<style| style=| on[a-z]+=", page.text)


def test_what_pages_load_is_there(site):
    page = site.get("/")
    for path in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text):
        assert site.get(path).status_code == 200


def test_an_unknown_page_is_a_page_too(site):
    page = site.get("/nowhere")
    assert page.status_code == 404
    assert "There is no such page" in page.text


def test_another_method_is_told_which_are_allowed(site):
    page = site.post("/", {})
    assert page.status_code == 405
    assert "GET" in page.headers["allow"]


def test_a_fault_of_ours_shows_the_request_id_and_nothing_else(site):
    site.rolecall.transactions.run_write(SYSTEM, lambda tx: tx.connection.execute("DROP TABLE installation"))
    page = site.get("/")
    assert page.status_code == 500
    assert page.headers["x-request-id"] in page.text
    assert "installation" not in page.text
