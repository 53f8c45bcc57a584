"""How far is a SCIM connection, and what has its provider called first?"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from rolecall.authentication import connection_keys
from rolecall.authorization.actions import Action
from rolecall.authorization.check import require
from rolecall.connections import store
from rolecall.connections.connections import get_connection
from rolecall.connections.guide import decide
from rolecall.connections.guide.model import Facts, FirstCalls, Guide, ProviderKind
from rolecall.connections.validation.model import ValidationState
from rolecall.connections.validation.validations import list_validations
from rolecall.directory.installation import get_installation
from rolecall.directory.model import DEFAULT_CONNECTION
from rolecall.directory.owners import count_owned
from rolecall.events.model import AuditRecord
from rolecall.events.search import logs
from rolecall.events.search.model import CallNarrowing, LogSearch
from rolecall.kernel.errors import NotFound
from rolecall.storage.transaction import ReadTx

_LOOKED_AT: Final = 200
_PAGES: Final = 10
"""A page may be empty although more follows: each looks at so many entries."""


def get_guide(tx: ReadTx, connection_id: str, provider: ProviderKind | None = None) -> Guide:
    """Return the six steps to a provider that pushes; in whose words, its dialect decides unless it is said.

    Raises: Forbidden, NotFound.
    """
    connection = get_connection(tx, connection_id)
    keys = connection_keys.list_keys_of(tx, connection.id)
    _users, groups = count_owned(tx, connection.id)
    latest = list_validations(tx, connection.id)[:1]
    facts = Facts(
        base_url=f"{get_installation(tx).public_url or ''}/scim/v2",
        has_key=any(key.is_usable(tx.now) for key in keys),
        is_on=connection.is_on,
        has_called=connection.last_call_at is not None,
        has_groups=groups > 0,
        is_validated=any(each.state is ValidationState.PASSED for each in latest),
    )
    return decide.guide_of(facts, provider or decide.provider_of(connection.dialect))


def look_at_first_calls(tx: ReadTx, connection_id: str, *, since: datetime | None = None) -> FirstCalls:
    """Return what a provider has called first, within its first 200 calls since then, or since there is a connection.

    Looks at 200,000 entries of the audit log at most; in a busier one, `since` has to be nearer.

    Raises: Forbidden, NotFound.
    """
    require(tx.actor, Action.AUDIT_READ)
    connection = store.find_connection(tx, connection_id)
    if connection is None:
        raise NotFound(f"There is no SCIM connection with the id {connection_id}.", connection_id=connection_id)
    keys = connection_keys.list_ids_of(tx, connection.id, with_unbound=connection.id == DEFAULT_CONNECTION)
    wanted = LogSearch(
        where=None,
        since=since or connection.created_at,
        limit=_LOOKED_AT,
        narrowed=CallNarrowing(below="/scim/v", key_ids=keys),
    )
    found: list[AuditRecord] = []
    for _ in range(_PAGES):
        page = logs.search(tx, logs.RECORDS, wanted)
        found += page.items
        if page.after is None or len(found) >= _LOOKED_AT:
            break
        wanted = replace(wanted, after=page.after)
    return decide.first_calls(found, connection.dialect)
