"""Which systems are known, and who sees which of them?"""

from collections.abc import Iterable

from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.graph import store
from rolecall.graph.errors import BadDataSource, BadProvider, NoSuchProvider
from rolecall.graph.events import DataSourceRegistered, ProviderRegistered
from rolecall.graph.model import DataSource, DataSourceId, Provider, ProviderId
from rolecall.kernel.ids import new_id
from rolecall.kernel.names import check_name
from rolecall.storage.transaction import ReadTx, WriteTx


def register_provider(tx: WriteTx, *, name: str, kind: str) -> Provider:
    """Make a provider known.

    Raises: Forbidden, BadProvider, ProviderNameTaken.
    """
    require(tx.actor, Action.PROVIDER_REGISTER)
    check_name(BadProvider, "name", name)
    check_name(BadProvider, "type", kind)
    provider = Provider(id=ProviderId(new_id(tx.now)), name=name, type=kind, created_at=tx.now)
    store.insert_provider(tx, provider)
    tx.record(ProviderRegistered(provider_id=provider.id, name=name))
    return provider


def register_data_source(tx: WriteTx, *, provider_id: ProviderId, name: str, kind: str) -> DataSource:
    """Make a data source known, of a provider that the actor sees.

    Raises: Forbidden, BadDataSource, NoSuchProvider, DataSourceNameTaken.
    """
    require(tx.actor, Action.DATA_SOURCE_REGISTER)
    check_name(BadDataSource, "name", name)
    check_name(BadDataSource, "type", kind)
    require_providers(tx, [provider_id])
    source = DataSource(
        id=DataSourceId(new_id(tx.now)), provider_id=provider_id, name=name, type=kind, created_at=tx.now
    )
    store.insert_data_source(tx, source)
    tx.record(DataSourceRegistered(data_source_id=source.id, provider_id=provider_id, name=name))
    return source


def list_providers(tx: ReadTx) -> tuple[Provider, ...]:
    """Return the providers that the actor's team sees, in the order in which they were registered.

    Raises: Forbidden.
    """
    require(tx.actor, Action.PROVIDER_LIST)
    return store.list_providers(tx, tx.actor.provider_ids)


def list_data_sources(tx: ReadTx) -> tuple[DataSource, ...]:
    """Return the data sources that the actor's team sees, in the order in which they were registered.

    Raises: Forbidden.
    """
    require(tx.actor, Action.DATA_SOURCE_LIST)
    return store.list_data_sources(tx, tx.actor.provider_ids)


def find_providers(tx: ReadTx, provider_ids: Iterable[str]) -> dict[str, Provider]:
    """Return these providers by id, without those that are gone. Needs no action: whoever names them knows of them."""
    wanted = frozenset(provider_ids)
    return {provider.id: provider for provider in store.list_providers(tx, wanted)} if wanted else {}


def require_providers(tx: ReadTx, provider_ids: Iterable[str]) -> None:
    """Return when these providers are there and the actor's team sees them. Needs no action.

    Raises: NoSuchProvider, naming the first that is not.
    """
    wanted = frozenset(provider_ids)
    seen = tx.actor.provider_ids
    missing = set(store.find_missing_providers(tx, wanted)) | (set() if seen is None else wanted - seen)
    if missing:
        first = min(missing)
        raise NoSuchProvider(f"There is no provider with the id {first!r}.", attribute="providers", provider_id=first)
