"""What is allowed outwards, and what comes back?"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRule:
    """Whom this installation may call."""

    domains: tuple[str, ...] = ()
    """Only these and what lies below them; none: every domain. In lower case."""
    networks: tuple[Network, ...] = ()
    """Networks that are not public and may be called all the same, also without TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL that may be called as far as its text goes; its address has still to be looked at."""

    url: str
    scheme: str
    host: str
    """In lower case and ASCII; an IPv6 address without brackets."""
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What somebody answered."""

    status: int
    text: str
    """The beginning of the body."""
