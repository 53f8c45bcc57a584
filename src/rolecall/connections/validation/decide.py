"""Which steps does a validation make, what has each to answer, and what does it mean when one does not?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from rolecall.connections.validation.errors import ValidationRuns
from rolecall.connections.validation.model import (
    Answer,
    Request,
    StepReport,
    Validation,
    ValidationState,
)
from rolecall.kernel.document import Document, Json
from rolecall.scim.messages import PATCH_OP

_USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
_GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
_PASSES_ON: Final = range(300, 400)
_FAULTS: Final = range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The ids of what a run has made."""

    user_id: str = ""
    group_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a validation."""

    name: str
    title: str
    means: str
    """What it shows when it passes."""
    request: Callable[[Validation, Known], Request] | None = None
    """None: it is no call."""
    statuses: tuple[int, ...] = ()
    fault: Callable[[Validation, Known, Json], str | None] = lambda _run, _known, _body: None
    """Returns what is wrong with the body of an answer whose status is right, or None."""
    failed: str = "Look at the answer, and into the server's log."
    """What to do where the answer itself does not tell."""


def check_beginning(latest: Validation | None) -> None:
    """Return when another validation may begin.

    Raises: ValidationRuns.
    """
    if latest is not None and not latest.state.is_final:
        raise ValidationRuns("This connection is being validated; wait until that has ended.", validation_id=latest.id)


def reported(run: Validation, report: StepReport) -> Validation:
    """Return a run with one more step."""
    return replace(run, reports=(*run.reports, report))


def finished(run: Validation, *, now: datetime) -> Validation:
    """Return a run that has ended: passed when every step was made and passed, failed when one did not."""
    if not all(each.passed for each in run.reports):
        state = ValidationState.FAILED
    elif len(run.reports) == len(STEPS):
        state = ValidationState.PASSED
    else:
        state = ValidationState.BROKEN_OFF
    return replace(run, state=state, key_id=None, finished_at=now)


def learned(step: Step, known: Known, answer: Answer) -> Known:
    """Return what is known after a step."""
    made = _text(answer.body, "id")
    match step.name:
        case "create_user":
            return replace(known, user_id=made)
        case "create_group":
            return replace(known, group_id=made)
        case _:
            return known


def report_of(
    step: Step, run: Validation, known: Known, request: Request | None, answer: Answer, milliseconds: int
) -> StepReport:
    """Return what a step shows."""
    wrong = _fault_of(step, run, known, answer)
    return StepReport(
        name=step.name,
        title=step.title,
        request=request,
        answer=answer,
        passed=wrong is None,
        means=step.means if wrong is None else wrong,
        advice=None if wrong is None else _advice_on(step, answer),
        milliseconds=milliseconds,
    )


def _fault_of(step: Step, run: Validation, known: Known, answer: Answer) -> str | None:
    if step.request is not None and answer.status not in step.statuses:
        wanted = " or ".join(map(str, step.statuses))
        if answer.status is None:
            return f"No answer: {answer.body}"
        return f"The answer was {answer.status} where {wanted} was to come."
    return step.fault(run, known, answer.body)


_ADVICE: Final[Mapping[int, str]] = {
    400: "The sentence in the answer says what is missing. What a user must have, the connection's requirement profile"
    " says.",
    401: "The header Authorization did not arrive as it was sent: let the reverse proxy pass it on.",
    403: "The sentence in the answer says what forbids it. Is the connection off? Switch it on. Do its allowed networks"
    " leave out the address from which Rolecall reaches itself? Add that, at least for this validation.",
    404: "Something else answers at this address, or the path is changed on the way: the public URL and the reverse"
    " proxy must lead /scim/v2 here. Validate with LISTENING to see whether Rolecall itself answers.",
    405: "Something on the way does not let this method through: allow PATCH and DELETE in the reverse proxy.",
    413: "Something on the way does not let a body of this size through: look at the reverse proxy's limit.",
    429: "The connection's rate limit is used up, or the reverse proxy has one. Try again in a minute.",
    501: "Something on the way does not let this method through: allow PATCH and DELETE in the reverse proxy.",
}


def _advice_on(step: Step, answer: Answer) -> str:
    status = answer.status
    if step.request is None or status in step.statuses:
        return step.failed
    if status is None:
        return (
            "Rolecall could not reach itself at this address. If only others can (a reverse proxy on another machine,"
            " a name that is known outside alone, a certificate that this machine does not trust), validate with"
            " LISTENING; that leaves the proxy out."
        )
    if status in _PASSES_ON:
        return "Something on the way sends callers elsewhere; a provider does not follow. Correct the public URL."
    if status in _FAULTS and status not in _ADVICE:
        return "If the answer is not Rolecall's, look at the reverse proxy; else into the server's log."
    return _ADVICE.get(status, step.failed)


def _text(body: Json, name: str) -> str:
    value = body.get(name) if isinstance(body, Mapping) else None
    return value if isinstance(value, str) else ""


def _value(body: Json, name: str) -> Json:
    return body.get(name) if isinstance(body, Mapping) else None


def _user(run: Validation) -> Document:
    # All that the strict profile asks for, too.
    return {
        "schemas": [_USER],
        "userName": run.user_name,
        "externalId": run.id,
        "name": {"givenName": "Rolecall", "familyName": "Validation"},
        "displayName": "Rolecall validation",
        "emails": [{"value": run.user_name, "type": "work", "primary": True}],
        "active": True,
    }


def _patch(path: str, operation: Document) -> Request:
    return Request(method="PATCH", path=path, body={"schemas": [PATCH_OP], "Operations": [operation]})


def _set(**values: Json) -> Callable[[Validation, Known], Request]:
    return lambda _run, known: _patch(f"/Users/{known.user_id}", {"op": "replace", "value": values})


def _members(operation: Callable[[Known], Document]) -> Callable[[Validation, Known], Request]:
    return lambda _run, known: _patch(f"/Groups/{known.group_id}", operation(known))


def _made_fault(run: Validation, _known: Known, body: Json) -> str | None:
    if not _text(body, "id"):
        return "The answer has no id."
    if _text(body, "userName") != run.user_name:
        return "The answer is not the user that was sent."
    return None


def _found_fault(_run: Validation, known: Known, body: Json) -> str | None:
    resources = _value(body, "Resources")
    found = [_text(each, "id") for each in resources] if isinstance(resources, list) else []
    return None if found == [known.user_id] else "The search did not find this user, and it alone."


def _active_fault(*, wanted: bool) -> Callable[[Validation, Known, Json], str | None]:
    def fault(_run: Validation, _known: Known, body: Json) -> str | None:
        return None if _value(body, "active") is wanted else f"The answer does not say that active is {wanted}."

    return fault


def _group_fault(run: Validation, _known: Known, body: Json) -> str | None:
    same = _text(body, "displayName") == run.group_name and _text(body, "id")
    return None if same else "The answer is not the group that was sent."


def _role_fault(*, wanted: bool) -> Callable[[Validation, Known, Json], str | None]:
    def fault(_run: Validation, _known: Known, body: Json) -> str | None:
        if _value(body, "holds_role") is wanted:
            return None
        return "The member holds no role by the mapping." if wanted else "The role is still held."

    return fault


_MAPPING_FAILED: Final = "Does the group show up in `rolecall admin mappings list`? Look into the server's log."

STEPS: Final = (
    Step(
        name="reach",
        title="Reach the SCIM endpoint",
        means="The address, its certificate and the credential are good.",
        request=lambda _run, _known: Request(method="GET", path="/ServiceProviderConfig"),
        statuses=(200,),
    ),
    Step(
        name="create_user",
        title="Create a user",
        means="A person who is assigned at the provider comes to be here.",
        request=lambda run, _known: Request(method="POST", path="/Users", body=_user(run)),
        statuses=(201,),
        fault=_made_fault,
    ),
    Step(
        name="find_user",
        title="Find it by its name",
        means="A provider finds out that a person is there, and does not make another.",
        request=lambda run, _known: Request(method="GET", path=f"/Users?filter=userName%20eq%20%22{run.user_name}%22"),
        statuses=(200,),
        fault=_found_fault,
    ),
    Step(
        name="change_user",
        title="Change it",
        means="What changes at the provider changes here.",
        request=_set(title="Validated"),
        statuses=(200,),
        fault=lambda _run, _known, body: None if _text(body, "title") == "Validated" else "The change is not there.",
    ),
    Step(
        name="deactivate_user",
        title="Deactivate it",
        means="Whoever is unassigned at the provider loses all access here.",
        request=_set(active=False),
        statuses=(200,),
        fault=_active_fault(wanted=False),
    ),
    Step(
        name="reactivate_user",
        title="Reactivate it",
        means="Whoever is assigned again has access again, with the same id.",
        request=_set(active=True),
        statuses=(200,),
        fault=_active_fault(wanted=True),
    ),
    Step(
        name="map_group",
        title="Map a group to a role",
        means="A mapping says which role the members of a group get.",
        fault=lambda _run, _known, body: None if _value(body, "mapped") is True else "The mapping was refused.",
        failed=_MAPPING_FAILED,
    ),
    Step(
        name="create_group",
        title="Create the group",
        means="A group that is pushed comes to be here.",
        request=lambda run, _known: Request(
            method="POST", path="/Groups", body={"schemas": [_GROUP], "displayName": run.group_name}
        ),
        statuses=(201,),
        fault=_group_fault,
    ),
    Step(
        name="add_member",
        title="Make the user a member",
        means="Who joins a group at the provider joins it here.",
        request=_members(lambda known: {"op": "add", "path": "members", "value": [{"value": known.user_id}]}),
        statuses=(200, 204),
    ),
    Step(
        name="role_given",
        title="Look for the role",
        means="The mapping gave the member its role.",
        fault=_role_fault(wanted=True),
        failed=_MAPPING_FAILED,
    ),
    Step(
        name="remove_member",
        title="Remove the member",
        means="Who leaves a group at the provider leaves it here.",
        request=_members(lambda known: {"op": "remove", "path": f'members[value eq "{known.user_id}"]'}),
        statuses=(200, 204),
    ),
    Step(
        name="role_taken",
        title="Look whether the role is gone",
        means="The role went with the membership.",
        fault=_role_fault(wanted=False),
        failed=_MAPPING_FAILED,
    ),
    Step(
        name="delete_group",
        title="Delete the group",
        means="A group that is no longer pushed can be removed.",
        request=lambda _run, known: Request(method="DELETE", path=f"/Groups/{known.group_id}"),
        statuses=(204,),
    ),
    Step(
        name="delete_user",
        title="Delete the user",
        means="A person whom the provider deletes is gone.",
        request=lambda _run, known: Request(method="DELETE", path=f"/Users/{known.user_id}"),
        statuses=(204,),
    ),
    Step(
        name="user_is_gone",
        title="Look whether it is gone",
        means="Nothing of it is left.",
        request=lambda _run, known: Request(method="GET", path=f"/Users/{known.user_id}"),
        statuses=(404,),
    ),
)
"""In the order in which they are made; each needs those before it."""
