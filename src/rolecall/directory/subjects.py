"""By what do receivers of events know a user or group that SCIM has: its path, its names, what is known of it?

Needs no action: whoever lets somebody be told of events asks for one.
"""

from dataclasses import dataclass

from rolecall.directory.model import GroupId, UserId, UserState
from rolecall.directory.store import groups as group_store
from rolecall.directory.store import users as user_store
from rolecall.kernel.document import Document
from rolecall.storage.transaction import ReadTx


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A user or group as SCIM has it, or had it."""

    id: str
    path: str
    """Below the base URL of SCIM."""
    external_id: str | None
    profile: Document
    """What is known of it; nothing of what is deleted."""
    version: int | None


def find_user_subject(tx: ReadTx, user_id: UserId) -> Subject | None:
    """Return a user that SCIM owns, a deleted one too; None for any other."""
    user = user_store.find_user_ever(tx, user_id)
    if user is None or not user.provisioned:
        return None
    gone = user.state is UserState.DELETED
    known = {} if gone else {name: value for name, value in user.profile.items() if name != "password"}
    return _subject(f"/Users/{user_id}", user_id, known, version=None if gone else user.version)


def find_group_subject(tx: ReadTx, group_id: GroupId) -> Subject:
    """Return a group; of a deleted one its path is known, and nothing else."""
    group = group_store.find_group(tx, group_id)
    path = f"/Groups/{group_id}"
    if group is None:
        return _subject(path, group_id, {}, version=None)
    return _subject(path, group_id, group.profile, version=group.version)


def _subject(path: str, resource_id: str, profile: Document, *, version: int | None) -> Subject:
    external_id = profile.get("externalId")
    return Subject(
        id=resource_id,
        path=path,
        external_id=external_id if isinstance(external_id, str) else None,
        profile=profile,
        version=version,
    )
