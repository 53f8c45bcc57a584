"""How is a SCIM cursor sealed, and what is said of one that was not?"""

from rolecall.api.seals import Seal
from rolecall.api.units import UnitsOfWork
from rolecall.scim.cursors import Cursor, InvalidCursor, decode_cursor, encode_cursor


class CursorSeal:
    """Seals cursors, bound to whoever may use them and for what."""

    def __init__(self, transactions: UnitsOfWork) -> None:
        self._seal = Seal(transactions)

    async def prepare(self) -> None:
        """Get the key. To be called before anything is sealed or opened."""
        await self._seal.prepare()

    def seal(self, cursor: Cursor, bound_to: bytes) -> str:
        """Return the cursor as a text of unreserved characters (RFC 3986 §2.3)."""
        return self._seal.seal(encode_cursor(cursor), bound_to)

    def open(self, text: str, bound_to: bytes) -> Cursor:
        """Return the cursor that was sealed for the same.

        Raises: InvalidCursor, the same whatever is wrong with it.
        """
        try:
            return decode_cursor(self._seal.open(text, bound_to))
        except ValueError as error:
            raise InvalidCursor(
                "The cursor was not given for this query. Begin with an empty one, then take the cursors of the"
                " answers and change nothing else.",
                attribute="cursor",
            ) from error
