"""Do the reference pages cover everything that the code declares?"""

import json
import re
import shutil

import pytest

from rolecall.api.rest.app import ENDPOINTS
from rolecall.api.scim.app import all_routes
from rolecall.authorization.actions import Action
from rolecall.authorization.roles import BUILT_IN_ROLES
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import GROUP, USER
from rolecall.settings import Settings
from tools import declarations, make_reference


def uncovered(page: str, names: list[str]) -> list[str]:
    """Return the names that the page does not have between backquotes."""
    written = set(re.findall(r"`([^`]+)`", page))
    return [name for name in names if name not in written]


def declared_names() -> dict[str, list[str]]:
    """Return, by page, every name that the page has to explain."""
    attributes = [attribute for kind in (USER, GROUP) for attribute in kind.schema.attributes]
    return {
        "settings.md": [f"ROLECALL_{name.upper()}" for name in Settings.model_fields],
        "events.md": [event.type for event in declarations.events()],
        "actions.md": [action.value for action in Action] + list(BUILT_IN_ROLES),
        "errors.md": [error.code for error in declarations.errors()],
        "scim-schemas.md": [attribute.name for attribute in attributes],
        "rest-api.md": [f"{endpoint.method} {endpoint.plain_path}" for endpoint in ENDPOINTS],
        "command-line.md": ["rolecall serve", "rolecall admin scim-setup", "rolecall admin create-key"],
    }


PAGES = sorted(page for page in make_reference.PAGES if page.endswith(".md"))


@pytest.mark.parametrize("page", PAGES)
def test_a_committed_page_covers_every_declared_name(page):
    names = declared_names()[page]
    assert names
    assert uncovered((make_reference.FOLDER / page).read_text("utf-8"), names) == []


def test_no_committed_page_is_stale():
    assert make_reference.stale_pages(make_reference.FOLDER) == []


def test_the_description_for_programs_has_every_endpoint_and_every_attribute():
    document = json.loads((make_reference.FOLDER / "scim-openapi.json").read_text("utf-8"))
    for kind in (USER, GROUP):
        names = {attribute.name for attribute in kind.schema.attributes} | {each.uri for each in kind.extensions}
        assert names <= set(document["components"]["schemas"][kind.name]["properties"])
    told = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    routes = all_routes(Registry())
    served = {(f"/{name}", method) for name, methods in routes.collections.items() for method in methods}
    served |= {(f"/{name}/{{id}}", method) for name, methods in routes.resources.items() for method in methods}
    served |= {(f"/{name}/.search", method) for name, methods in routes.searches.items() for method in methods}
    assert told == served | {("/", "GET")}


@pytest.mark.parametrize("page", PAGES)
def test_a_name_missing_from_a_page_is_noticed(page):
    names = declared_names()[page]
    text = (make_reference.FOLDER / page).read_text("utf-8")
    assert uncovered(text.replace(f"`{names[-1]}`", "`something else`"), names) == [names[-1]]


def test_a_changed_and_a_missing_page_are_noticed(tmp_path):
    folder = tmp_path / "reference"
    shutil.copytree(make_reference.FOLDER, folder)
    assert make_reference.stale_pages(folder) == []
    (folder / "events.md").write_text("# Events\n", "utf-8")
    (folder / "errors.md").unlink()
    assert make_reference.stale_pages(folder) == ["events.md", "errors.md"]


def test_every_declaration_on_the_pages_is_explained():
    for name, render in make_reference.PAGES.items():
        empty = [line for line in render().splitlines() if re.fullmatch(r"\|.*\|\s*\|", line)]
        fields_speak_for_themselves = name == "events.md"
        assert fields_speak_for_themselves or empty == [], name
