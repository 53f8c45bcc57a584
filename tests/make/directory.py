"""Where do tests get users and groups from?"""

from rolecall.authorization.roles import ADMIN
from rolecall.directory import assignments, groups, provisioned_users, users
from rolecall.directory.model import (
    Expected,
    GroupId,
    GroupStep,
    Outcome,
    ProfileChange,
    StoredGroup,
    StoredUser,
    User,
    UserId,
)
from rolecall.kernel.document import Document, Json
from tests.make.actors import PROVISIONER
from tests.make.transactions import Installed

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
ANY_VERSION = Expected()


def user_profile(user_name: str, **attributes: Json) -> Document:
    """What an identity provider says of a user."""
    return {"schemas": [USER_SCHEMA], "userName": user_name, **attributes}


def group_profile(display_name: str, **attributes: Json) -> Document:
    """What an identity provider says of a group."""
    return {"schemas": [GROUP_SCHEMA], "displayName": display_name, **attributes}


def pushed_user(installed: Installed, user_name: str = "ada", **attributes: Json) -> UserId:
    """Create a user that SCIM owns."""
    created: StoredUser = installed.change(
        provisioned_users.create_user, user_profile(user_name, **attributes), actor=PROVISIONER
    )
    return created.id


def pushed_group(installed: Installed, display_name: str = "Engineers", *members: str, **attributes: Json) -> GroupId:
    """Create a group that SCIM owns, with these direct members."""
    created: StoredGroup = installed.change(
        groups.create_group, group_profile(display_name, **attributes), members, actor=PROVISIONER
    )
    return created.id


def local_user(installed: Installed, user_name: str = "grace") -> UserId:
    """Create a person that SCIM does not own."""
    created: User = installed.change(
        users.create_local_user,
        user_name=user_name,
        given_name="Grace",
        family_name="Hopper",
        display_name="Grace Hopper",
        email=f"{user_name}@example.com",
    )
    return created.id


def service_user(installed: Installed, user_name: str = "robot") -> UserId:
    """Create a user for a machine."""
    created: User = installed.change(users.create_service_user, user_name=user_name)
    return created.id


def administrator(installed: Installed, user_name: str = "root", *, pushed: bool = False) -> UserId:
    """Create a person with the role `admin` on Root: one that SCIM owns when `pushed`."""
    user_id = pushed_user(installed, user_name) if pushed else local_user(installed, user_name)
    installed.change(assignments.assign_role, user_id, role=ADMIN)
    return user_id


def setting(**attributes: Json) -> "ChangeBy":
    """A change that sets attributes of a profile, as the only operation of a request."""
    return ChangeBy(attributes)


class ChangeBy:
    """Sets attributes of a profile; counts how often it was asked."""

    def __init__(self, attributes: Document) -> None:
        self.attributes = attributes
        self.calls = 0

    def __call__(self, profile: Document) -> ProfileChange:
        self.calls += 1
        after = {**profile, **self.attributes}
        return ProfileChange(profile=after, outcomes={0: Outcome.NO_CHANGE if after == profile else Outcome.APPLIED})


def change_members(
    installed: Installed, group_id: GroupId, *steps: GroupStep, expected: Expected = ANY_VERSION
) -> dict[int, Outcome]:
    """Carry out steps on a group; return what became of each operation."""
    changed = installed.change(groups.change_group, group_id, steps, expected, with_members=False, actor=PROVISIONER)
    return dict(changed.outcomes)


def member_ids(installed: Installed, group_id: GroupId) -> set[str]:
    """Return the ids of the direct members of a group."""
    group = installed.ask(groups.get_group, group_id, with_members=True, actor=PROVISIONER)
    assert group.members is not None
    ids = [member.id for member in group.members]
    assert len(ids) == len(set(ids))
    return set(ids)
