import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from rolecall.cli.certificate import ensure_certificate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def names_of(certificate):
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return [str(name.value) for name in found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value]


def test_the_certificate_is_for_this_machine_and_the_hosts_that_were_named(tmp_path):
    certificate, _ = ensure_certificate(tmp_path, hosts=["rolecall.example.com", "10.0.0.5"], now=NOW)
    assert set(names_of(certificate)) == {"localhost", "127.0.0.1", "::1", "rolecall.example.com", "10.0.0.5"}


def test_nobody_else_can_read_the_key(tmp_path):
    (tmp_path / "self-signed-key.pem").write_text("old and open")
    (tmp_path / "self-signed-key.pem").chmod(0o644)
    _, key = ensure_certificate(tmp_path, hosts=[], now=NOW)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_server_can_be_started_with_both(tmp_path):
    certificate, key = ensure_certificate(tmp_path, hosts=[], now=datetime.now(UTC))
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)


def test_a_good_certificate_is_kept(tmp_path):
    certificate, _ = ensure_certificate(tmp_path, hosts=["a.example"], now=NOW)
    before = certificate.read_bytes()
    ensure_certificate(tmp_path, hosts=[], now=NOW + timedelta(days=300))
    assert certificate.read_bytes() == before


@pytest.mark.parametrize(
    "spoil, hosts, days",
    [
        (None, ["b.example"], 0),
        (None, [], 370),
        ("self-signed-cert.pem", [], 0),
        ("self-signed-key.pem", [], 0),
    ],
)
def test_one_that_lacks_a_host_nears_its_end_or_is_damaged_is_made_anew(tmp_path, spoil, hosts, days):
    certificate, _ = ensure_certificate(tmp_path, hosts=[], now=NOW)
    before = certificate.read_bytes()
    if spoil:
        (tmp_path / spoil).write_text("damaged")
    ensure_certificate(tmp_path, hosts=hosts, now=NOW + timedelta(days=days))
    assert certificate.read_bytes() != before


def test_a_key_that_belongs_to_another_certificate_is_not_used(tmp_path):
    (tmp_path / "other").mkdir()
    certificate, key = ensure_certificate(tmp_path, hosts=[], now=NOW)
    _, other_key = ensure_certificate(tmp_path / "other", hosts=[], now=NOW)
    before = certificate.read_bytes()
    key.write_bytes(other_key.read_bytes())
    ensure_certificate(tmp_path, hosts=[], now=NOW)
    assert certificate.read_bytes() != before
