"""May this domain, this address be called?"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Final

from rolecall.outbound.errors import OutboundRefused
from rolecall.outbound.model import Address, OutboundRule

# RFC 6052 and RFC 8215: the last 32 bits are an IPv4 address.
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/96"))
_LAST_32_BITS: Final = 0xFFFFFFFF


def require_domain(rule: OutboundRule, domain: str) -> None:
    """Return when the domain, in lower case, is one of the allowed or lies below one.

    Raises: OutboundRefused.
    """
    if rule.domains and not any(domain == each or domain.endswith(f".{each}") for each in rule.domains):
        raise OutboundRefused(
            f"{domain} is not among the domains that may be called. Whoever runs Rolecall can add it to "
            "--outbound-domains.",
            domain=domain,
        )


def is_listed(rule: OutboundRule, address: Address) -> bool:
    """Return whether the address lies in a network that may be called although it is not public."""
    return any(address in network for network in rule.networks if network.version == address.version)


def require_address(rule: OutboundRule, address: Address, *, tls: bool) -> None:
    """Return when the address is public and TLS is spoken, or it lies in a listed network.

    What an IPv6 address carries inside (IPv4-mapped, 6to4, Teredo, translated) has to be allowed as well.

    Raises: OutboundRefused.
    """
    if is_listed(rule, address):
        return
    if not all(_is_public(each) for each in (address, *_carried_by(address))):
        raise OutboundRefused(
            f"{address} is not a public address. Whoever runs Rolecall can allow its network with --outbound-networks."
        )
    if not tls:
        raise OutboundRefused("The address must begin with https://: anybody on the way could read what is sent.")


def _is_public(address: Address) -> bool:
    # Multicast counts as global for Python, and is nobody in particular.
    return address.is_global and not address.is_multicast


def _carried_by(address: Address) -> tuple[Address, ...]:
    if not isinstance(address, IPv6Address):
        return ()
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _TRANSLATED):
        carried.append(IPv4Address(int(address) & _LAST_32_BITS))
    return tuple(each for each in carried if each is not None)
