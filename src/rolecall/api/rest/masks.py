"""Which fields of a body count in a change, and of which version is it thought?"""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from rolecall.api.rest.errors import bad_field
from rolecall.directory.model import Expected

Mask = Annotated[
    str,
    Query(
        max_length=500,
        description="Names of the body's fields with commas between: only these count. Empty: all that are there.",
    ),
]
Version = Annotated[
    int | None,
    Query(ge=1, le=2**53, description="The version that the change is thought for; refused (412) when it is another."),
]


def given_fields(body: BaseModel, update_mask: str) -> dict[str, Any]:
    """Return the fields that were sent and count, by name.

    Raises: InvalidArguments for a mask that names what the body does not have.
    """
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    names = [name.strip() for name in update_mask.split(",") if name.strip()]
    if not names:
        return given
    absent = [name for name in names if name not in given]
    if absent:
        raise bad_field("update_mask", f"names {absent[0]}, which the body does not have.")
    return {name: given[name] for name in names}


def expected_version(version: int | None) -> Expected:
    """Return which versions the caller is content to change."""
    return Expected() if version is None else Expected(versions=frozenset({version}))
