"""What does an uploaded export say?"""

from collections.abc import Iterable, Mapping, Sequence

from rolecall.connections.drift.errors import BadExport
from rolecall.connections.drift.model import Export, ExportedGroup, ExportedUser
from rolecall.kernel.document import Document, Json
from rolecall.kernel.errors import DomainError
from rolecall.kernel.text import comparison_form
from rolecall.scim.groups import parse_group
from rolecall.scim.schemas import GROUP, USER
from rolecall.scim.users import RequirementProfile, parse_user


def parse_export(body: Json) -> Export:
    """Return what an export says: `{"users": […], "groups": […]}`, each a list or a SCIM ListResponse; or one of both.

    What is named neither is not compared. Of users and groups, only attributes of the standard's schemas count.

    Raises: BadExport, naming the place.
    """
    if not isinstance(body, Mapping):
        raise BadExport("An export is a JSON object.", attribute="users")
    if "Resources" in body:
        return _parse_mixed(_resources_in(body, "Resources"))
    if "users" not in body and "groups" not in body:
        raise BadExport("An export has users, groups, or both.", attribute="users")
    return Export(
        users=_parse_users(_resources_in(body["users"], "users"), "users") if "users" in body else None,
        groups=_parse_groups(_resources_in(body["groups"], "groups"), "groups") if "groups" in body else None,
    )


def joined(parts: Iterable[Export]) -> Export:
    """Return several parts of one export as one.

    Raises: BadExport, when somebody is in two of them.
    """
    users: list[ExportedUser] | None = None
    groups: list[ExportedGroup] | None = None
    for part in parts:
        users = users if part.users is None else [*(users or ()), *part.users]
        groups = groups if part.groups is None else [*(groups or ()), *part.groups]
    for exported, name in ((users, "userName"), (groups, "displayName")):
        seen: set[str] = set()
        for each in exported or ():
            _check_once(seen, str(each.profile[name]), name)
    return Export(users=None if users is None else tuple(users), groups=None if groups is None else tuple(groups))


def _parse_mixed(resources: Sequence[Json]) -> Export:
    users, groups = [], []
    for number, each in enumerate(resources):
        schemas = each.get("schemas") if isinstance(each, Mapping) else None
        named = {str(uri).lower() for uri in schemas} if isinstance(schemas, list) else set()
        if USER.schema.uri.lower() in named:
            users.append(each)
        elif GROUP.schema.uri.lower() in named:
            groups.append(each)
        else:
            raise BadExport("schemas says neither User nor Group.", attribute=f"Resources[{number}].schemas")
    return Export(
        users=_parse_users(users, "Resources") if users else None,
        groups=_parse_groups(groups, "Resources") if groups else None,
    )


def _resources_in(value: Json, name: str) -> Sequence[Json]:
    if isinstance(value, Mapping):
        total, listed = value.get("totalResults"), value.get("Resources", [])
        if isinstance(total, int) and isinstance(listed, list) and total > len(listed):
            raise BadExport(
                f"Only {len(listed)} of {total} are in it; what is left out would count as missing.", attribute=name
            )
        value = listed
    if not isinstance(value, list):
        raise BadExport("This must be a list, or a SCIM ListResponse.", attribute=name)
    return value


def _parse_users(resources: Sequence[Json], name: str) -> tuple[ExportedUser, ...]:
    users = []
    seen: set[str] = set()
    for number, each in enumerate(resources):
        place = f"{name}[{number}]"
        try:
            profile = parse_user(each, USER, profile=RequirementProfile.RFC)
        except DomainError as error:
            raise BadExport(error.detail, attribute=place) from error
        _check_once(seen, str(profile["userName"]), place)
        known = {key: value for key, value in profile.items() if key != "password" and _is_standard(key)}
        users.append(ExportedUser(known_as=_names_of(each, profile), profile=known))
    return tuple(users)


def _parse_groups(resources: Sequence[Json], name: str) -> tuple[ExportedGroup, ...]:
    groups = []
    seen: set[str] = set()
    for number, each in enumerate(resources):
        place = f"{name}[{number}]"
        try:
            profile, members = parse_group(each, GROUP)
        except DomainError as error:
            raise BadExport(error.detail, attribute=place) from error
        _check_once(seen, str(profile["displayName"]), place)
        known = {key: value for key, value in profile.items() if _is_standard(key)}
        groups.append(ExportedGroup(known_as=_names_of(each, profile), profile=known, members=members))
    return tuple(groups)


def _is_standard(attribute: str) -> bool:
    """Return whether it is of a schema of the standard; of others nobody here knows how to compare values."""
    return ":" not in attribute or any(attribute == extension.uri for extension in USER.extensions)


def _names_of(resource: Json, profile: Document) -> tuple[str, ...]:
    own = resource.get("id") if isinstance(resource, Mapping) else None
    return tuple(each for each in (own, profile.get("externalId")) if isinstance(each, str) and each)


def _check_once(seen: set[str], name: str, place: str) -> None:
    key = comparison_form(name)
    if key in seen:
        raise BadExport(f"{name!r} is in it twice.", attribute=place)
    seen.add(key)
