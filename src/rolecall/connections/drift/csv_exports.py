"""What does an export in tables say: users, groups and memberships, each a CSV file?"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rolecall.connections.drift.errors import BadExport
from rolecall.kernel.document import Json
from rolecall.scim.schemas import GROUP, USER

_USER_TEXTS: Final = ("externalId", "displayName", "title")
_NAMES: Final = ("givenName", "familyName")
_USER_COLUMNS: Final = frozenset({"userName", "active", *_USER_TEXTS, *_NAMES})
_GROUP_COLUMNS: Final = frozenset({"displayName", "externalId"})
_MEMBER_COLUMNS: Final = frozenset({"group", "member"})
_MARK: Final = "\ufeff"
"""Some programs begin a file with it."""
_TRUTHS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def parse_tables(texts: Iterable[str]) -> Mapping[str, Json]:
    """Return the export, in JSON, that tables make. Their headings tell what each is; an empty cell says nothing.

    Users: `userName`, and what is known of `externalId`, `active`, `displayName`, `givenName`, `familyName`, `title`.
    Groups: `displayName`, perhaps `externalId`. Memberships: `group`, by its displayName, and `member`, by its
    externalId, userName or displayName.

    Raises: BadExport, naming table and line.
    """
    tables: dict[str, str] = {}
    for text in texts:
        name = _table_of(text)
        if name in tables:
            raise BadExport(f"There are two tables of {name}.", attribute=name)
        tables[name] = text
    export: dict[str, Json] = {}
    if "users" in tables:
        export["users"] = [_user_of(row, place) for place, row in _rows(tables["users"], "users", _USER_COLUMNS)]
    if "groups" in tables:
        export["groups"] = _groups_in(tables["groups"], tables.get("memberships"))
    elif "memberships" in tables:
        raise BadExport("Memberships need the table of groups beside them.", attribute="memberships")
    return export


def _table_of(text: str) -> str:
    headings = csv.DictReader(io.StringIO(text.removeprefix(_MARK))).fieldnames or ()
    for name, table in (("userName", "users"), ("group", "memberships"), ("displayName", "groups")):
        if name in headings:
            return table
    raise BadExport("The first line must name columns: userName, displayName, or group and member.", attribute="table")


def _groups_in(text: str, memberships: str | None) -> list[Json]:
    members = None if memberships is None else _members_by_group(memberships)
    groups: list[Json] = []
    for place, row in _rows(text, "groups", _GROUP_COLUMNS):
        name = _needed(row, "displayName", place)
        group: dict[str, Json] = {"schemas": [GROUP.schema.uri], "displayName": name}
        if row.get("externalId"):
            group["externalId"] = row["externalId"]
        if members is not None:
            group["members"] = [{"value": each} for each in members.pop(name, [])]
        groups.append(group)
    if members:
        raise BadExport(f"There is no group {next(iter(members))!r} in the table of groups.", attribute="memberships")
    return groups


def _user_of(row: Mapping[str, str], place: str) -> Mapping[str, Json]:
    user: dict[str, Json] = {"schemas": [USER.schema.uri], "userName": _needed(row, "userName", place)}
    user |= {name: row[name] for name in _USER_TEXTS if row.get(name)}
    names = {name: row[name] for name in _NAMES if row.get(name)}
    if names:
        user["name"] = names
    if row.get("active"):
        if row["active"].lower() not in _TRUTHS:
            raise BadExport(f"active is {row['active']!r}; it must be true or false.", attribute=place)
        user["active"] = _TRUTHS[row["active"].lower()]
    return user


def _members_by_group(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place, row in _rows(text, "memberships", _MEMBER_COLUMNS):
        found.setdefault(_needed(row, "group", place), []).append(_needed(row, "member", place))
    return found


def _rows(text: str, table: str, known: frozenset[str]) -> Iterator[tuple[str, Mapping[str, str]]]:
    reader = csv.DictReader(io.StringIO(text.removeprefix(_MARK)), restkey="", restval="")
    strange = [name for name in reader.fieldnames or () if name not in known]
    if strange:
        raise BadExport(
            f"There is no column {strange[0]!r}; there are {', '.join(sorted(known))}.", attribute=f"{table}[1]"
        )
    for row in reader:
        place = f"{table}[{reader.line_num}]"
        if "" in row:
            raise BadExport("The line has more cells than there are headings.", attribute=place)
        yield place, row


def _needed(row: Mapping[str, str], name: str, place: str) -> str:
    if not row.get(name):
        raise BadExport(f"{name} is missing.", attribute=place)
    return row[name]
