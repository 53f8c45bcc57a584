from ipaddress import ip_address, ip_network

import pytest

from rolecall.outbound.decide import require_address, require_domain
from rolecall.outbound.errors import OutboundRefused
from rolecall.outbound.model import OutboundRule

ANY = OutboundRule()
LOOPBACK = OutboundRule(networks=(ip_network("127.0.0.0/8"),))


@pytest.mark.parametrize("domain", ["example.com", "hooks.example.com", "a.b.example.com"])
def test_a_listed_domain_and_all_below_it_may_be_called(domain):
    require_domain(OutboundRule(domains=("other.org", "example.com")), domain)
    require_domain(ANY, domain)


@pytest.mark.parametrize("domain", ["example.org", "notexample.com", "example.com.evil.org", "com", ""])
def test_another_domain_may_not_be_called(domain):
    with pytest.raises(OutboundRefused, match="--outbound-domains"):
        require_domain(OutboundRule(domains=("example.com",)), domain)


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_a_public_address_may_be_called(text):
    require_address(ANY, ip_address(text), tls=True)


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fe80::1",
        "ff0e::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "2002:c0a8:101::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
    ],
)
def test_an_address_that_is_not_public_may_not_be_called_in_whatever_clothes_it_comes(text):
    for tls in (True, False):
        with pytest.raises(OutboundRefused, match="not a public address"):
            require_address(ANY, ip_address(text), tls=tls)


def test_a_listed_network_may_be_called_also_without_tls_and_no_other():
    require_address(LOOPBACK, ip_address("127.0.0.1"), tls=False)
    for text in ("10.0.0.1", "::1", "::ffff:127.0.0.1"):
        with pytest.raises(OutboundRefused):
            require_address(LOOPBACK, ip_address(text), tls=True)


def test_a_public_address_is_not_called_without_tls():
    for rule in (ANY, LOOPBACK):
        with pytest.raises(OutboundRefused, match="https"):
            require_address(rule, ip_address("93.184.216.34"), tls=False)


def test_a_translated_public_address_is_public():
    require_address(ANY, ip_address("64:ff9b::5db8:d822"), tls=True)
