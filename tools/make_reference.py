"""What do the reference pages say? Writes docs/reference/ from the declarations in the code.

`python -m tools.make_reference` writes the pages, with `--check` it only says which are stale.
"""

import argparse
import enum
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer.main
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typing_extensions import TypeIs

from rolecall.api.scim.declaration_files import load_registry, shipped_declarations
from rolecall.api.scim.errors import scim_type_of
from rolecall.authorization.actions import IN_ANY_TEAM, Action
from rolecall.authorization.roles import BUILT_IN_ROLES
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.scim.schemas import GROUP, USER, Attribute, ResourceType
from rolecall.settings import PREFIX, VARIABLES_ONLY, Settings
from tools.declarations import errors, events, members_with_words, own_docstring, words_after
from tools.rest_reference import describe_api
from tools.scim_openapi import render_scim_openapi

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
_PLAIN_NAMES = {
    "IPv4Network": "network",
    "IPv6Network": "network",
    "Path": "path",
    "bool": "switch",
    "datetime": "instant",
    "int": "number",
    "str": "text",
}
NOTE = "<!-- Written by `make docs` from the declarations in the code. Change those, not this page. -->"


def render_settings() -> str:
    """Return the page of all settings."""
    rows = [
        (
            "" if name in VARIABLES_ONLY else f"`--{name.replace('_', '-')}`",
            f"`{PREFIX}{name.upper()}`",
            _type_name(setting.annotation),
            _default(setting),
            setting.description or "",
        )
        for name, setting in Settings.model_fields.items()
    ]
    return _page(
        "Settings",
        "Each is an environment variable and, unless it is secret, an option of `rolecall serve`; the option wins.",
        _table(("Option", "Variable", "Takes", "Default", "Means"), rows),
    )


def render_events() -> str:
    """Return the page of all events."""
    parts = []
    for event in sorted(events(), key=lambda event: event.type):
        words = words_after(event)
        rows = [(f"`{field.name}`", _type_name(field.type), words.get(field.name, "")) for field in fields(event)]
        about = f"{own_docstring(event)}\n\nCategory {event.category.value}, severity {event.severity.value}."
        parts.append(f"## `{event.type}`\n\n{about}\n\n{_table(('Field', 'Type', 'Means'), rows)}".rstrip())
    return _page("Events", "What Rolecall records as having happened, in order of name.", *parts)


def render_actions() -> str:
    """Return the page of all actions and of the roles that hold them."""
    anywhere = {action.value for action in IN_ANY_TEAM}
    actions = [
        (f"`{action}`", "any" if action in anywhere else "Root", words)
        for action, words in members_with_words(Action).items()
    ]
    roles = [(f"`{role.id}`", role.description, _held(role.actions)) for role in BUILT_IN_ROLES.values()]
    return _page(
        "Actions and roles",
        "What Rolecall can be asked to do, and which built-in role may ask it.",
        "An action of Root is about the installation as a whole: a role that holds it gives it in the team Root only.",
        _table(("Action", "In team", "Means"), actions),
        "## Roles",
        "Custom roles are made of the same actions. A built-in role that holds nothing is waiting for its subject: it"
        " gets its actions in the version that brings that.",
        _table(("Role", "Is for", "Holds"), roles),
    )


def _held(actions: frozenset[Action]) -> str:
    if len(actions) == len(Action):
        return "every action"
    return _codes(sorted(action.value for action in actions)) or "nothing yet"


def render_errors() -> str:
    """Return the page of all error codes."""
    kinds = [(f"`{kind}`", words) for kind, words in members_with_words(ErrorKind).items()]
    rows = [
        (f"`{error.code}`", f"`{error.kind.value}`", _codes(_scim_types(error)), own_docstring(error))
        for error in sorted(errors(), key=lambda error: error.code)
    ]
    return _page(
        "Errors",
        "A code is stable: programs may rely on it. The sentence that comes with it may change.",
        _table(("Code", "Kind", "scimType", "Means"), rows),
        "## Kinds",
        _table(("Kind", "What the caller can do"), kinds),
    )


def render_scim_schemas() -> str:
    """Return the page of all SCIM resource types and their attributes."""
    parts = [part for resource_type in (USER, GROUP) for part in _describe_resource(resource_type)]
    for name in shipped_declarations():
        parts.append(f"## Declared by `--scim-declarations {name}`\n\nOff unless that is set.")
        for resource_type in load_registry([name]).declared:
            parts.extend(_describe_resource(resource_type))
    return _page("SCIM schemas", "The resources and attributes that `/scim/v2` knows, and how each behaves.", *parts)


def render_rest_api() -> str:
    """Return the page of all endpoints of the REST API."""
    application = importlib.import_module("rolecall.api.rest.app")
    openapi = importlib.import_module("rolecall.api.rest.openapi")
    document = openapi.document_of(application.routes(), application.ENDPOINTS)
    return _page("REST API", document["info"]["description"], *describe_api(document))


def render_command_line() -> str:
    """Return the page of all commands, options and exit codes."""
    application = importlib.import_module("rolecall.cli.app")
    codes = importlib.import_module("rolecall.cli.exit_codes")
    parts = list(_describe_command(typer.main.get_command(application.app), "rolecall"))
    for declared in vars(codes).values():
        if _is_enumeration(declared) and declared.__module__ == codes.__name__:
            rows = [(f"{code}", words) for code, words in members_with_words(declared).items()]
            parts.append(f"## Exit codes\n\n{_table(('Code', 'Means'), rows)}")
    return _page("Command line", "Every command says the same of itself with `--help`.", *parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": render_settings,
    "events.md": render_events,
    "actions.md": render_actions,
    "errors.md": render_errors,
    "scim-schemas.md": render_scim_schemas,
    "command-line.md": render_command_line,
    "rest-api.md": render_rest_api,
    "scim-openapi.json": render_scim_openapi,
}


def stale_pages(folder: Path) -> list[str]:
    """Return the names of the pages in the folder that are missing or differ from what the code declares."""
    return [name for name, text in _rendered() if _read(folder / name) != text]


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is stale")
    if parser.parse_args().check:
        stale = stale_pages(FOLDER)
        if stale:
            print(f"Stale in docs/reference: {', '.join(stale)}. Run `make docs` and commit.", file=sys.stderr)
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in _rendered():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


def _rendered() -> Iterator[tuple[str, str]]:
    for name, render in PAGES.items():
        yield name, render()


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def _describe_resource(resource_type: ResourceType) -> Iterator[str]:
    yield f"## {resource_type.name} (`{resource_type.endpoint}`)\n\n{resource_type.description}."
    for schema in (resource_type.schema, *resource_type.extensions):
        rows = [row for attribute in schema.attributes for row in _attribute_rows(attribute, "")]
        header = ("Attribute", "Type", "Required", "Case", "Mutability", "Returned", "Unique", "Means")
        yield f"### {schema.name}\n\n`{schema.uri}`\n\n{_table(header, rows)}"


def _attribute_rows(attribute: Attribute, prefix: str) -> Iterator[Sequence[str]]:
    name = f"{prefix}{attribute.name}"
    values = f" One of {_codes(attribute.canonical_values)}, or another." if attribute.canonical_values else ""
    yield (
        f"`{name}`",
        f"{attribute.type.value}, many" if attribute.multi_valued else attribute.type.value,
        "yes" if attribute.required else "no",
        "exact" if attribute.case_exact else "any",
        attribute.mutability.value,
        attribute.returned.value,
        attribute.uniqueness.value,
        f"{attribute.description}{values}",
    )
    for sub_attribute in attribute.sub_attributes:
        yield from _attribute_rows(sub_attribute, f"{name}.")


def _describe_command(command: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # Typer's commands have no public type
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    rows = [(_spelling(parameter), _words(getattr(parameter, "help", None))) for parameter in shown]
    table = _table(("Argument or option", "Means"), rows) if rows else ""
    yield "\n\n".join(part for part in (f"## `{path}`", _words(command.help), table) if part)
    for name, child in sorted(getattr(command, "commands", {}).items()):
        if not child.hidden:
            yield from _describe_command(child, f"{path} {name}")


def _spelling(parameter: Any) -> str:  # noqa: ANN401  # nor have their parameters
    if parameter.param_type_name == "argument":
        name = str(parameter.metavar or parameter.name).upper()
        return f"`{name}`" if parameter.required else f"`[{name}]`"
    return _codes([*parameter.opts, *parameter.secondary_opts])


def _default(setting: FieldInfo) -> str:
    if setting.default is PydanticUndefined:
        return "see right"
    value = setting.default.value if isinstance(setting.default, enum.Enum) else setting.default
    if value is None or value == ():
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type_name(annotation: object) -> str:
    """Return what a value of the type is, for a reader who does not know Python."""
    if _is_enumeration(annotation):
        return _codes(member.value for member in annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        name = str(getattr(annotation, "__name__", annotation))
        return "id" if name.endswith("Id") else _PLAIN_NAMES.get(name, name)
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin is Literal:
        return _codes(arguments)
    if origin is Mapping:
        return "object"
    names = dict.fromkeys(_type_name(part) for part in arguments if part not in {NoneType, Ellipsis})
    together = " or ".join(names)
    return together if origin in {Union, UnionType} else f"list: {together}"


def _is_enumeration(value: object) -> TypeIs[type[enum.Enum]]:
    return isinstance(value, enum.EnumType)


def _scim_types(error: type[DomainError]) -> list[str]:
    scim_type = scim_type_of(error)
    return [] if scim_type is None else [scim_type]


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


def _codes(values: Iterable[object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _page(title: str, introduction: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", NOTE, introduction, *parts]).rstrip() + "\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table without the columns in which no row says anything; nothing at all for no rows."""
    if not rows:
        return ""
    said = [column for column in range(len(header)) if any(row[column] for row in rows)]
    lines = [[line[column] for column in said] for line in (header, ["---"] * len(header), *rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
