"""How many refusals of one network are written down in full?

Whoever has no credential could otherwise fill the audit log at will.
"""

from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Final

ELSEWHERE: Final = "elsewhere"
"""Stands for all networks beyond the number that is kept apart."""

_MINUTE_SECONDS: Final = 60


def network_of(address: str) -> str:
    """Return the network that stands for whoever uses the address: IPv4 /24, IPv6 /48; other text as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    bits = 24 if isinstance(parsed, IPv4Address) else 48
    return str(ip_network(f"{parsed}/{bits}", strict=False))


class RefusalBudget:
    """So many refusals of each network, and so many of all, in full within a minute; beyond that only counted.

    Memory stays bounded: past `networks` networks in one minute the others share one budget.
    """

    def __init__(self, *, per_minute: int = 10, in_all: int = 200, networks: int = 4096) -> None:
        self._per_minute = per_minute
        self._in_all = in_all
        self._left = in_all
        self._networks = networks
        self._minute = 0
        self._spent: dict[str, int] = {}
        self._beyond: dict[str, int] = {}

    def spend(self, address: str, now: datetime) -> bool:
        """Return whether this refusal is to be recorded in full; when not, it has been counted."""
        minute = int(now.timestamp()) // _MINUTE_SECONDS
        if minute != self._minute:
            self._minute = minute
            self._spent.clear()
            self._left = self._in_all
        network = self._kept_apart(network_of(address), self._spent)
        spent = self._spent.get(network, 0)
        if spent < self._per_minute and self._left > 0:
            self._spent[network] = spent + 1
            self._left -= 1
            return True
        counted = self._kept_apart(network, self._beyond)
        self._beyond[counted] = self._beyond.get(counted, 0) + 1
        return False

    def take_counted(self) -> Mapping[str, int]:
        """Return how many refusals of which network were only counted since this was last asked."""
        taken, self._beyond = self._beyond, {}
        return taken

    def _kept_apart(self, network: str, kept: Mapping[str, int]) -> str:
        return network if network in kept or len(kept) < self._networks else ELSEWHERE
