import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import pytest
from playwright.sync_api import expect

from tests.make.databases import fresh_sqlite
from tests.make.served import serve


@pytest.fixture(scope="module")
def rolecall():
    with fresh_sqlite() as database, serve(database, scim=False) as running:
        yield running


@pytest.fixture
def fresh_rolecall():
    with fresh_sqlite() as database, serve(database, scim=False) as running:
        yield running


def new_link(rolecall):
    return rolecall.run_json("admin", "setup-link", "--json")["setup_url"]


def test_somebody_becomes_the_first_administrator_by_keyboard_and_without_javascript(fresh_rolecall, open_page):
    page = open_page(java_script_enabled=False)
    page.goto(new_link(fresh_rolecall))
    page.get_by_label("Given name").focus()
    for text in ("Ada", "Lovelace", "ada@example.com", "ada"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Copy your API key now")
    key = page.get_by_label("Your API key").text_content()
    expect(page.locator("main")).to_contain_text("rolecall admin scim-setup")
    fresh_rolecall.run_text("admin", "scim-setup")
    answer = httpx2.get(
        f"{fresh_rolecall.url}/scim/v2/Users", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    assert answer.status_code == 200
    shown = fresh_rolecall.run_json("admin", "users", "show", "ada", "--json")
    assert shown["break_glass"] is True
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("This set-up link has ended")
    assert key not in page.content()


def test_a_mistake_is_shown_at_its_field_and_what_was_typed_stays(rolecall, open_page):
    page = open_page()
    page.goto(new_link(rolecall))
    page.get_by_label("Given name").fill("Ada")
    page.get_by_label("E-mail address").fill("nonsense")
    page.get_by_role("button", name="Create administrator").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter your family name.")
    expect(page.get_by_label("Given name")).to_have_value("Ada")
    email = page.get_by_label("E-mail address")
    expect(email).to_have_value("nonsense")
    expect(email).to_have_accessible_description("Enter an e-mail address such as ada@example.com.")
    page.get_by_role("alert").get_by_role("link", name="Enter your family name.").click()
    expect(page.get_by_label("Family name")).to_be_focused()


def test_an_old_link_says_how_to_get_a_new_one(rolecall, open_page):
    page = open_page()
    old = new_link(rolecall)
    new_link(rolecall)
    page.goto(old)
    expect(page.get_by_role("heading", level=1)).to_have_text("This set-up link has ended")
    expect(page.locator("main")).to_contain_text("rolecall admin setup-link")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_every_screen_and_break_no_rule_of_their_policy(rolecall, open_page, color_scheme, width):
    page = open_page(color_scheme=color_scheme, viewport={"width": width, "height": 800})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    for path in (new_link(rolecall), f"{rolecall.url}/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        brightness = sum(int(part) for part in background[4:-1].split(","))
        assert (brightness > 384) is (color_scheme == "light")
    assert complaints == []


def test_every_field_has_a_name_and_every_page_one_heading_and_a_language(rolecall, open_page):
    page = open_page()
    for path in (new_link(rolecall), f"{rolecall.url}/", f"{rolecall.url}/setup?token=x", f"{rolecall.url}/nowhere"):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "en"
        assert page.title().endswith("Rolecall")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page.get_by_role("main")).to_have_count(1)
        for field in page.get_by_role("textbox").all():
            assert page.locator(f"label[for={field.get_attribute('id')}]").count() == 1


def test_another_site_cannot_send_the_form(rolecall, open_page):
    link = new_link(rolecall)
    token = link.partition("token=")[2]
    form = f"""<form method="post" action="{rolecall.url}/setup"><input name="token" value="{token}">
        <input name="given_name" value="Eve"><input name="family_name" value="E"><input name="email" value="e@e.e">
        <button>Win a prize</button></form>"""
    page = open_page()
    with another_site(form) as url:
        page.goto(url)
        page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("That was not sent from here")
    page.goto(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Create the first administrator")


@contextmanager
def another_site(body):
    """Serve one page under another host name of this machine: for a browser that is another site."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()
