"""How is a group written in SCIM?"""

from collections.abc import Mapping, Sequence

import orjson

from rolecall.directory.model import Member, StoredGroup
from rolecall.kernel.document import Document, Json
from rolecall.scim.members import read_members
from rolecall.scim.profiles import read_profile
from rolecall.scim.projection import Projection, project
from rolecall.scim.resources import meta, spliced
from rolecall.scim.schemas import GROUP, ResourceType


def parse_group(body: Json, resource_type: ResourceType) -> tuple[Document, tuple[str, ...] | None]:
    """Return the profile (see `directory.model.Group`) and the members' ids that a POST or PUT states.

    The members are None when the client did not speak of them.

    Raises: InvalidSyntax, InvalidValue.
    """
    profile = read_profile(body, resource_type)
    given = [value for name, value in _items(body) if name.lower() == "members" and value is not None]
    return profile, read_members(given[-1]) if given else None


def render_group(group: StoredGroup, *, base_url: str, projection: Projection) -> bytes:
    """Return the group as JSON. `base_url` ends in `/scim/v2`. Nothing is parsed when everything is wanted."""
    after: dict[str, Json] = {}
    if group.members:
        with_display = projection.asks_for("members", "display")
        after["members"] = [_member(member, base_url, with_display=with_display) for member in group.members]
    after["meta"] = meta(GROUP, group.id, group.version, group.created_at, group.changed_at, base_url)
    whole = spliced(group.profile.encode(), group.id, after)
    return whole if projection.whole else orjson.dumps(project(orjson.loads(whole), projection))


def _items(body: Json) -> Sequence[tuple[str, Json]]:
    return tuple(body.items()) if isinstance(body, Mapping) else ()


def _member(member: Member, base_url: str, *, with_display: bool) -> Json:
    shown: dict[str, Json] = {
        "value": member.id,
        "$ref": f"{base_url}/{member.kind.value}s/{member.id}",
        "type": member.kind.value,
    }
    if with_display:
        shown["display"] = member.display
    return shown
