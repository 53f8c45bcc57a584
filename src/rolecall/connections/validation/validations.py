"""How is a SCIM connection validated, and what came of it?"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from rolecall.authentication.api_keys import create_team_key
from rolecall.authentication.key_changes import delete_api_key
from rolecall.authentication.model import ApiKeyId, KeyLimits
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.authorization.roles import SCIM_PROVISIONER, RoleId
from rolecall.connections import store as connection_store
from rolecall.connections.connections import get_connection
from rolecall.connections.validation import decide, store
from rolecall.connections.validation.events import ConnectionNotValidated, ConnectionValidated
from rolecall.connections.validation.model import KEPT, StepReport, Validation, ValidationId, ValidationState, Way
from rolecall.directory import assignments, grounds, groups, provisioned_users, users
from rolecall.directory.model import ROOT_TEAM, Expected, SourceKind, Target, UserId
from rolecall.jobs.queue import enqueue
from rolecall.kernel.clock import to_microseconds
from rolecall.kernel.errors import NotFound
from rolecall.kernel.ids import new_id
from rolecall.mapping import mappings
from rolecall.mapping.model import MappingDraft, MatchKind
from rolecall.storage.transaction import ReadTx, WriteTx

VALIDATE: Final = "connections.validate"
LIFE: Final = timedelta(minutes=10)
"""So long the credential of a run opens anything, whatever becomes of the run."""
_ROLE: Final = RoleId("access_reviewer")
"""May do next to nothing; who gets it is a user that nobody can be."""
_ATTEMPTS: Final = 3


def begin_validation(tx: WriteTx, connection_id: str, *, way: Way = Way.PUBLIC) -> Validation:
    """Have a connection validated by a job. One at a time; the last ten are kept.

    Raises: Forbidden, NotFound, ValidationRuns.
    """
    require(tx.actor, Action.CONNECTION_CHANGE)
    connection = connection_store.find_connection_to_change(tx, connection_id)
    if connection is None:
        raise NotFound(f"There is no SCIM connection with the id {connection_id}.", connection_id=connection_id)
    earlier = store.list_validations(tx, connection.id)
    decide.check_beginning(earlier[0] if earlier else None)
    run = Validation(
        id=ValidationId(new_id(tx.now)),
        connection_id=connection.id,
        way=way,
        state=ValidationState.WAITING,
        key_id=None,
        reports=(),
        created_at=tx.now,
        finished_at=None,
    )
    for old in earlier[KEPT - 1 :]:
        store.delete_validation(tx, old.id)
    store.insert_validation(tx, run)
    enqueue(tx, kind=VALIDATE, payload={"validation_id": run.id}, max_attempts=_ATTEMPTS)
    return run


def get_validation(tx: ReadTx, connection_id: str, validation_id: str) -> Validation:
    """Return one validation of a connection.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.CONNECTION_LIST)
    run = store.find_validation(tx, validation_id)
    if run is None or run.connection_id != connection_id:
        raise NotFound(f"There is no validation with the id {validation_id}.", validation_id=validation_id)
    return run


def list_validations(tx: ReadTx, connection_id: str) -> tuple[Validation, ...]:
    """Return the last validations of a connection, the newest first.

    Raises: Forbidden, NotFound.
    """
    return store.list_validations(tx, get_connection(tx, connection_id).id)


def start(tx: WriteTx, validation_id: str) -> tuple[Validation, str] | None:
    """Begin a run, anew if one was broken off; return it with the credential. None: it has ended, or was forgotten.

    Needs no action, here and below: whoever asked for the validation has been allowed it.
    """
    run = store.find_validation(tx, validation_id)
    if run is None or run.state.is_final:
        return None
    _sweep(tx, run)
    made = create_team_key(
        tx,
        team_id=ROOT_TEAM,
        name="Validation",
        role=SCIM_PROVISIONER,
        limits=KeyLimits(expires_at=tx.now + LIFE),
        connection_id=run.connection_id,
    )
    run = replace(run, state=ValidationState.RUNNING, key_id=made.key.id, reports=())
    store.save_validation(tx, run)
    return run, made.secret


def note_step(tx: WriteTx, run: Validation, report: StepReport) -> Validation | None:
    """Write down one step of a run. None: somebody has ended it meanwhile, or it goes on elsewhere anew."""
    if not _is_own(store.find_validation(tx, run.id), run):
        return None
    run = decide.reported(run, report)
    store.save_validation(tx, run)
    return run


def end(tx: WriteTx, run: Validation) -> None:
    """Remove all that a run has made, and write down how it ended. Not if it has, or goes on elsewhere anew."""
    kept = store.find_validation(tx, run.id)
    if kept is None or not _is_own(kept, run):
        return
    _sweep(tx, kept)
    after = decide.finished(kept, now=tx.now)
    store.save_validation(tx, after)
    connection = connection_store.find_connection(tx, kept.connection_id)
    name = "" if connection is None else connection.name
    if after.state is ValidationState.PASSED:
        tx.record(ConnectionValidated(connection_id=run.connection_id, name=name, validation_id=run.id))
        return
    step = next((each.name for each in after.reports if not each.passed), None)
    tx.record(ConnectionNotValidated(connection_id=run.connection_id, name=name, validation_id=run.id, step=step))


def end_abandoned(tx: WriteTx) -> None:
    """End the runs whose job is gone without having ended them."""
    for run in store.list_open(tx, before=to_microseconds(tx.now - 2 * LIFE)):
        end(tx, run)


def map_group(tx: WriteTx, run: Validation) -> None:
    """Let the group of a run, which is not there yet, give its members a role."""
    mappings.create_mapping(
        tx,
        MappingDraft(
            source=SourceKind.SCIM_GROUP,
            match_kind=MatchKind.NAME,
            match_value=run.group_name,
            targets=frozenset({Target(team_id=ROOT_TEAM, role=_ROLE)}),
        ),
    )


def holds_role(tx: ReadTx, user_id: str) -> bool:
    """Return whether the user of a run holds the role of its mapping."""
    held = assignments.list_assignments(tx, UserId(user_id))
    return any((each.team_id, each.role) == (ROOT_TEAM, _ROLE) for each in held)


def _is_own(kept: Validation | None, run: Validation) -> bool:
    return kept is not None and not kept.state.is_final and kept.key_id == run.key_id


def _sweep(tx: WriteTx, run: Validation) -> None:
    # What nobody could write down before the process died is found by its name.
    for mapping in mappings.list_mappings(tx):
        if mapping.match_value == run.group_name:
            mappings.delete_mapping(tx, mapping.id, Expected())
    group = grounds.find_group_by_name(tx, run.group_name)
    if group is not None:
        groups.delete_group(tx, group.id, Expected())
    user = users.find_user_by_name(tx, run.user_name)
    if user is not None:
        provisioned_users.delete_user(tx, user.id, Expected())
    if run.key_id is not None:
        try:
            delete_api_key(tx, ApiKeyId(run.key_id))
        except NotFound:
            return  # somebody has deleted it meanwhile, which is what was wanted
