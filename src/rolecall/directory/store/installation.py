"""The rows of what an installation remembers about itself."""

from typing import Final

from sqlalchemy import BigInteger, Text, bindparam, cast, insert, select, update

from rolecall.directory.store.assignments import lock_root_team
from rolecall.directory.tables import installation
from rolecall.storage.statement import Statement
from rolecall.storage.transaction import ReadTx, WriteTx

_I: Final = installation.c

_READ_SETTINGS: Final = Statement(select(_I.name, _I.value))
_READ_SETTING: Final = Statement(select(_I.value).where(_I.name == bindparam("name")))
_COUNT_UP: Final = Statement(
    update(installation).where(_I.name == bindparam("which")).values(value=cast(cast(_I.value, BigInteger) + 1, Text))
)
_INSERT_SETTING: Final = Statement(insert(installation).values(name=bindparam("name"), value=bindparam("value")))
_UPDATE_SETTING: Final = Statement(
    update(installation).where(_I.name == bindparam("which")).values(value=bindparam("value"))
)


def read_settings(tx: ReadTx) -> dict[str, str]:
    """Return what the installation remembers, by name."""
    return dict(_READ_SETTINGS.rows(tx))


def read_setting(tx: ReadTx, name: str) -> str | None:
    """Return what is remembered under a name, or None."""
    value: str | None = _READ_SETTING.value(tx, name=name)
    return value


def count_up(tx: WriteTx, name: str) -> None:
    """Raise the number that is remembered under a name, which is there, by one."""
    _COUNT_UP.run(tx, which=name)


def save_setting(tx: WriteTx, name: str, value: str) -> None:
    """Remember a value under a name. Others who would do so wait, so that two do not both find nothing there."""
    lock_root_team(tx)
    if _UPDATE_SETTING.run(tx, which=name, value=value).rowcount == 0:
        _INSERT_SETTING.run(tx, name=name, value=value)
