"""How is a long list read page after page?

A page token carries the query and the place to read on from, sealed: it is good for the list, and, of lists that
show what the caller may see, for the caller that it was given to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import orjson
from fastapi import Query

from rolecall.api.rest.calls import RestCall
from rolecall.api.rest.errors import bad_field
from rolecall.api.seals import binding
from rolecall.kernel.document import Json
from rolecall.kernel.predicate import Path

MAX_PAGE_SIZE: Final = 100

PageSize = Annotated[
    int, Query(ge=1, le=MAX_PAGE_SIZE, description=f"How many items a page has at most, 1 to {MAX_PAGE_SIZE}.")
]
PageToken = Annotated[
    str, Query(max_length=4096, description="The `next_page_token` of the page before; empty for the first page.")
]
MAX_FILTER: Final = 2000
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a list was asked for, on its first page or with a token."""

    filter: str
    order_by: str
    place: Json
    """Where to read on, in the words of the list itself; None at its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The pages of one list for one caller."""

    call: RestCall
    name: str
    """Of the list: a token of another one is refused."""
    for_anybody: bool = False
    """Whether a token stays good when the caller changes its key, as a feed that never ends needs it."""

    async def asked(self, page_token: str, *, filter_text: str = "", order_by: str = "") -> Asked:
        """Return what is asked for: with a token, what was asked for when it was given.

        Raises: InvalidArguments for a token that was not given for this, or another query beside it.
        """
        await self.call.seal.prepare()
        if not page_token:
            return Asked(filter=filter_text, order_by=order_by, place=None)
        try:
            kept_filter, kept_order, place = orjson.loads(self.call.seal.open(page_token, self._bound_to))
        except ValueError as error:
            raise bad_field("page_token", "not given to this caller for this list. Begin again without one.") from error
        for name, given, kept in (("filter", filter_text, kept_filter), ("order_by", order_by, kept_order)):
            if given not in {"", kept} and not self.for_anybody:
                raise bad_field(name, "must stay as it was on the first page, or be left out, beside a page_token.")
        return Asked(filter=kept_filter, order_by=kept_order, place=place)

    def token(self, asked: Asked, place: Json) -> str:
        """Return the token with which the list is read on from that place."""
        return self.call.seal.seal(orjson.dumps([asked.filter, asked.order_by, place]), self._bound_to)

    @property
    def _bound_to(self) -> bytes:
        if self.for_anybody:
            return self.name.encode()
        return binding(self.call.actor, ["rest", self.name])


def describe_order(orders: Mapping[str, Path]) -> str:
    """Return one sentence that says by what a list can be sorted."""
    names = ", ".join(f"`{name}`" for name in orders)
    return f"By what to sort: {names}; with ` desc` behind it, the other way round."


def parse_order(text: str, orders: Mapping[str, Path]) -> tuple[Path | None, bool]:
    """Return by what to sort and whether descending; nothing for an empty text.

    Raises: InvalidArguments.
    """
    words = text.split()
    if not words:
        return None, False
    path = orders.get(words[0])
    direction: Sequence[str] = words[1:]
    if path is None or direction not in ([], ["asc"], ["desc"]):
        raise bad_field("order_by", f"`field` or `field desc`, where the field is one of {', '.join(orders)}.")
    return path, direction == ["desc"]
