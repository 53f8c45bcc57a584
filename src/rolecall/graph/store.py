"""The rows of providers and data sources."""

from collections.abc import Iterable
from typing import Final

import orjson
from sqlalchemy import bindparam, insert, not_, select

from rolecall.graph.errors import DataSourceNameTaken, ProviderNameTaken
from rolecall.graph.model import DataSource, DataSourceId, Provider, ProviderId
from rolecall.graph.tables import data_source, provider
from rolecall.kernel.clock import from_microseconds, to_microseconds
from rolecall.kernel.text import comparison_form
from rolecall.storage.errors import UniqueViolation
from rolecall.storage.statement import Row, Statement
from rolecall.storage.transaction import ReadTx, WriteTx
from rolecall.storage.types import is_listed, listed

_P: Final = provider.c
_D: Final = data_source.c
_PROVIDER: Final = (_P.id, _P.name, _P.type, _P.created_at)
_DATA_SOURCE: Final = (_D.id, _D.provider_id, _D.name, _D.type, _D.created_at)
_WANTED: Final = listed(bindparam("ids"))

_INSERT_PROVIDER: Final = Statement(insert(provider).values({column.name: bindparam(column.name) for column in _P}))
_INSERT_SOURCE: Final = Statement(insert(data_source).values({column.name: bindparam(column.name) for column in _D}))
_LIST_PROVIDERS: Final = Statement(select(*_PROVIDER).order_by(_P.id))
_LIST_PROVIDERS_OF: Final = Statement(select(*_PROVIDER).where(is_listed(_P.id, bindparam("ids"))).order_by(_P.id))
_LIST_SOURCES: Final = Statement(select(*_DATA_SOURCE).order_by(_D.id))
_LIST_SOURCES_OF: Final = Statement(
    select(*_DATA_SOURCE).where(is_listed(_D.provider_id, bindparam("ids"))).order_by(_D.id)
)
_FIND_MISSING: Final = Statement(
    select(_WANTED.c.value).where(not_(select(_P.id).where(_P.id == _WANTED.c.value).exists()))
)


def insert_provider(tx: WriteTx, registered: Provider) -> None:
    """Write a new provider.

    Raises: ProviderNameTaken.
    """
    try:
        _INSERT_PROVIDER.run(
            tx,
            id=registered.id,
            name=registered.name,
            name_key=comparison_form(registered.name),
            type=registered.type,
            created_at=to_microseconds(registered.created_at),
        )
    except UniqueViolation as violation:
        raise ProviderNameTaken(
            f"The name {registered.name!r} is in use by another provider.", attribute="name"
        ) from violation


def insert_data_source(tx: WriteTx, registered: DataSource) -> None:
    """Write a new data source of a provider that is there.

    Raises: DataSourceNameTaken.
    """
    try:
        _INSERT_SOURCE.run(
            tx,
            id=registered.id,
            provider_id=registered.provider_id,
            name=registered.name,
            name_key=comparison_form(registered.name),
            type=registered.type,
            created_at=to_microseconds(registered.created_at),
        )
    except UniqueViolation as violation:
        raise DataSourceNameTaken(
            f"The name {registered.name!r} is in use by another data source of this provider.", attribute="name"
        ) from violation


def list_providers(tx: ReadTx, only: Iterable[str] | None) -> tuple[Provider, ...]:
    """Return providers in the order in which they were registered; with `only`, those of them."""
    rows = _LIST_PROVIDERS.rows(tx) if only is None else _LIST_PROVIDERS_OF.rows(tx, ids=_json_of(only))
    return tuple(
        Provider(id=ProviderId(row[0]), name=row[1], type=row[2], created_at=from_microseconds(row[3])) for row in rows
    )


def list_data_sources(tx: ReadTx, only: Iterable[str] | None) -> tuple[DataSource, ...]:
    """Return data sources in the order in which they were registered; with `only`, those of these providers."""
    rows = _LIST_SOURCES.rows(tx) if only is None else _LIST_SOURCES_OF.rows(tx, ids=_json_of(only))
    return tuple(_data_source_from(row) for row in rows)


def find_missing_providers(tx: ReadTx, ids: Iterable[str]) -> tuple[str, ...]:
    """Return those ids that are of no provider."""
    return tuple(row[0] for row in _FIND_MISSING.rows(tx, ids=_json_of(ids)))


def _data_source_from(row: Row) -> DataSource:
    return DataSource(
        id=DataSourceId(row[0]),
        provider_id=ProviderId(row[1]),
        name=row[2],
        type=row[3],
        created_at=from_microseconds(row[4]),
    )


def _json_of(ids: Iterable[str]) -> str:
    return orjson.dumps(sorted(ids)).decode()
