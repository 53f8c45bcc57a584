"""Of what types are columns, on SQLite and PostgreSQL alike?

Every column is text or an integer, so that a row needs no conversion on its way in or out and a
backup of one database can be restored into the other (ADR 0004).
"""

from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData, SmallInteger, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import NullType

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every room's tables."""

KEY = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and ordered by code point on both databases."""

TEXT = Text()
"""Text for people, and JSON."""


class Sealed(Text):
    """Text that `storage.secrets` has sealed for its row, whose table has a key of one column.

    Every such column takes part in the rotation of keys.
    """


SEALED = Sealed()
"""A secret that has to be read again; never in clear."""


class RingKey(Text):
    """The id of a key of the key ring without which the row cannot be checked: that key may not be forgotten."""


RING_KEY = RingKey().with_variant(RingKey(collation="C"), "postgresql")

INSTANT = BigInteger()
"""Microseconds since 1970-01-01T00:00:00Z."""

COUNT = BigInteger()
"""A counter or a number of things."""

FLAG = SmallInteger()
"""0 or 1."""

SEQUENCE = BigInteger().with_variant(Integer, "sqlite")
"""A primary key that the database counts up."""


class text_list(GenericFunction[Any]):  # noqa: N801  # SQLAlchemy takes a function's name from its class
    """The texts of a JSON array, as rows: `text_list(bindparam("ids"))`."""

    name = "text_list"
    type = Text()
    inherit_cache = True


def listed(parameter: Any) -> TableValuedAlias:
    """Return a table with one column, `value`: each text of the JSON array in `parameter`.

    One statement then serves any number of values, on both databases.
    """
    return text_list(parameter).table_valued("value")


@compiles(text_list, "sqlite")
def _text_list_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(text_list, "postgresql")
def _text_list_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json))"


class is_listed(GenericFunction[Any]):  # noqa: N801  # as above
    """Whether the column is one of the texts of the JSON array: `is_listed(column, bindparam("ids"))`.

    On PostgreSQL as an array, which it looks up by index however large the table; as rows it would
    guess a hundred of them, and read whole tables of middling size instead.
    """

    name = "is_listed"
    # Not Boolean: for that SQLAlchemy writes `… = 1` on SQLite, which no index serves.
    type = NullType()
    inherit_cache = True


@compiles(is_listed, "sqlite")
def _is_listed_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608  # both are the compiler's own


@compiles(is_listed, "postgresql")
def _is_listed_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    column, texts = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY(ARRAY(SELECT json_array_elements_text(CAST({texts} AS json))))"


class unindexed(GenericFunction[Any]):  # noqa: N801  # as above
    """The text column as it is, but so that no database looks for an index on it: `unindexed(column) == value`.

    For what most rows have in common: without statistics, every equality is believed to leave a handful.
    """

    name = "unindexed"
    type = Text()
    inherit_cache = True


@compiles(unindexed, "sqlite")
def _unindexed_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(unindexed, "postgresql")
def _unindexed_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)} || '')"


class rarely(GenericFunction[Any]):  # noqa: N801  # as above
    """The condition as it is, told to hold for a handful of rows: `rarely(column == value)`.

    For a table that has no index for it, and often no statistics: SQLite would believe that much of a huge one is left.
    """

    name = "rarely"
    # As for `is_listed`.
    type = NullType()
    inherit_cache = True


@compiles(rarely, "sqlite")
def _rarely_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"likelihood({compiler.process(element.clauses, **options)}, 0.000001)"


@compiles(rarely, "postgresql")
def _rarely_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})"


class position_of(GenericFunction[Any]):  # noqa: N801  # as above
    """Where the second text stands in the first, from 1; 0 when it does not. Always case-sensitive."""

    name = "position_of"
    type = Integer()
    inherit_cache = True


@compiles(position_of, "sqlite")
def _position_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(position_of, "postgresql")
def _position_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"
