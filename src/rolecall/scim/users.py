"""How is a user written in SCIM?"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

import orjson

from rolecall.directory.model import Membership, StoredUser
from rolecall.kernel.document import Document, Json
from rolecall.kernel.predicate import Path, values_at
from rolecall.kernel.text import comparison_form
from rolecall.scim.errors import InvalidValue
from rolecall.scim.profiles import read_profile
from rolecall.scim.projection import Projection, project
from rolecall.scim.resources import meta, spliced
from rolecall.scim.schemas import USER, ResourceType
from rolecall.scim.values import is_primary


class RequirementProfile(Enum):
    """What a user must have to be accepted."""

    RFC = "rfc"
    """What RFC 7643 requires: a `userName`."""
    STRICT = "strict"
    """A full name, a display name, and one primary e-mail address that is also the `userName`."""


def parse_user(body: Json, resource_type: ResourceType, *, profile: RequirementProfile) -> Document:
    """Return the profile (see `directory.model.User`) that the body of a POST or PUT states.

    `active` is left out when the client left it out.

    Raises: InvalidSyntax, InvalidValue.
    """
    user = read_profile(body, resource_type)
    check_requirements(user, profile)
    return user


def check_requirements(user: Document, profile: RequirementProfile) -> None:
    """Refuse a user that has less than is demanded, also after a PATCH.

    Raises: InvalidValue.
    """
    if profile is RequirementProfile.RFC:
        return
    for path in _DEMANDED:
        if not _text_at(user, path):
            raise InvalidValue(f"{'.'.join(path)} is missing.", attribute=".".join(path))
    emails = user.get("emails")
    primary = [email for email in _listed(emails) if is_primary(email)]
    if len(primary) != 1:
        raise InvalidValue("One e-mail address must be marked as primary.", attribute="emails.primary")
    address = _text_at({"email": primary[0]}, ("email", "value"))
    if comparison_form(address) != comparison_form(str(user["userName"])):
        raise InvalidValue("userName must be the primary e-mail address.", attribute="userName")


def render_user(user: StoredUser, *, base_url: str, projection: Projection) -> bytes:
    """Return the user as JSON. `base_url` ends in `/scim/v2`. Nothing is parsed when everything is wanted."""
    after: dict[str, Json] = {"groups": _groups(user.memberships, base_url)} if user.memberships else {}
    after["meta"] = meta(USER, user.id, user.version, user.created_at, user.changed_at, base_url)
    whole = spliced(user.profile.encode(), user.id, after)
    return whole if projection.whole else orjson.dumps(project(orjson.loads(whole), projection))


_DEMANDED: Final = (("name", "givenName"), ("name", "familyName"), ("displayName",))


def _groups(memberships: Sequence[Membership], base_url: str) -> list[Json]:
    return [
        {
            "value": membership.group_id,
            "$ref": f"{base_url}/Groups/{membership.group_id}",
            "display": membership.display,
            "type": "direct" if membership.direct else "indirect",
        }
        for membership in memberships
    ]


def _text_at(document: Document, path: Path) -> str:
    return next((value for value in values_at(document, path) if isinstance(value, str)), "")


def _listed(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) else ()
