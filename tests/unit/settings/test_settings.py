from ipaddress import ip_network
from pathlib import Path

import pytest

from rolecall.settings import (
    InvalidSetting,
    LogFormat,
    Settings,
    is_loopback_url,
    load_settings,
    parse_public_url,
    unknown_variables,
)


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"ROLECALL_{name.upper()}", raising=False)


def test_without_any_setting_rolecall_listens_on_this_machine_only():
    settings = load_settings({})
    assert settings.host == "127.0.0.1"
    assert settings.listening_url == "http://127.0.0.1:8080"


def test_the_default_database_is_a_file_in_the_data_directory():
    assert load_settings({"data_dir": Path("/srv/x")}).database_url == "sqlite:////srv/x/rolecall.sqlite3"


def test_an_option_wins_over_the_environment_and_the_environment_over_the_default(monkeypatch):
    monkeypatch.setenv("ROLECALL_PORT", "9000")
    monkeypatch.setenv("ROLECALL_HOST", "127.0.0.2")
    settings = load_settings({"port": 9001, "host": None})
    assert (settings.host, settings.port) == ("127.0.0.2", 9001)


@pytest.mark.parametrize("text", ["10.0.0.0/8,192.168.1.7", "10.0.0.0/8 192.168.1.7", "10.0.0.0/8, 192.168.1.7"])
def test_trusted_proxies_are_separated_by_commas_or_blanks(monkeypatch, text):
    monkeypatch.setenv("ROLECALL_TRUSTED_PROXIES", text)
    assert load_settings({}).trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("192.168.1.7/32"))


def test_trusted_proxies_may_be_several_options():
    networks = load_settings({"trusted_proxies": ["::1", "10.0.0.0/8"]}).trusted_proxies
    assert networks == (ip_network("::1/128"), ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    "options, sentence_part",
    [
        ({"port": 70000}, "--port or ROLECALL_PORT"),
        ({"database_url": "mysql://x/y"}, "--database-url or ROLECALL_DATABASE_URL: must begin with sqlite:///"),
        ({"database_url": "sqlite://"}, "must name a file"),
        ({"public_url": "rolecall.example.com"}, "--public-url or ROLECALL_PUBLIC_URL: must be a URL such as"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "--trusted-proxies or ROLECALL_TRUSTED_PROXIES"),
        ({"tls_cert": Path("c.pem")}, "--tls-cert and --tls-key belong together"),
        ({"tls_cert": Path("c"), "tls_key": Path("k"), "self_signed": True}, "--self-signed makes its own"),
        ({"outbound_domains": "exa mple.com/x"}, "--outbound-domains or ROLECALL_OUTBOUND_DOMAINS: must be domains"),
        ({"outbound_domains": 5}, "--outbound-domains or ROLECALL_OUTBOUND_DOMAINS"),
        ({"outbound_networks": ["10.0.0.1/8"]}, "--outbound-networks or ROLECALL_OUTBOUND_NETWORKS"),
        ({"smtp_url": "smtp://u:p@h", "mail_from": "a@b.c"}, "put that into ROLECALL_SMTP_PASSWORD"),
        ({"smtp_url": "http://h", "mail_from": "a@b.c"}, "must be smtp://USER@HOST:PORT"),
        ({"smtp_url": "smtp://h/x", "mail_from": "a@b.c"}, "must be smtp://USER@HOST:PORT"),
        ({"smtp_url": "smtp://h"}, "--smtp-url and --mail-from belong together"),
        ({"smtp_url": "smtp://h", "mail_from": "Rolecall"}, "must be an address such as"),
        ({"event_days": -1}, "--event-days or ROLECALL_EVENT_DAYS"),
        ({"colour": "red"}, "There is no setting 'colour'."),
        ({"log_format": "xml"}, "--log-format or ROLECALL_LOG_FORMAT"),
    ],
)
def test_a_faulty_setting_is_named_with_its_option_and_variable(options, sentence_part):
    with pytest.raises(InvalidSetting) as caught:
        load_settings(options)
    assert sentence_part in caught.value.detail


def test_a_faulty_data_directory_is_the_only_thing_complained_of():
    with pytest.raises(InvalidSetting) as caught:
        load_settings({"data_dir": 5})
    assert caught.value.detail.count("ROLECALL_") == 1


@pytest.mark.parametrize("url", ["postgresql://u:p@h/db", "postgresql+psycopg://h/db", "sqlite:///x.sqlite3"])
def test_both_kinds_of_database_are_taken(url):
    assert load_settings({"database_url": url}).database_url == url


@pytest.mark.parametrize(
    "host, options, url",
    [
        ("0.0.0.0", {}, "http://127.0.0.1:8080"),
        ("::", {"port": 1}, "http://[::1]:1"),
        ("10.1.2.3", {"self_signed": True}, "https://10.1.2.3:8080"),
    ],
)
def test_the_listening_url_is_one_that_a_browser_here_can_open(host, options, url):
    assert load_settings({"host": host, **options}).listening_url == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host",
        "https://",
        "https://host:0",
        "https://host:99999",
        "https://host/?a=b",
        "https://host/#top",
        "https://user@host",
        "https://ho st",
        "https://hóst",
        "https://[::1",
    ],
)
def test_what_identity_providers_could_not_reach_is_no_public_url(url):
    with pytest.raises(ValueError, match="must be"):
        parse_public_url(url)


def test_a_public_url_loses_the_slash_at_its_end_and_keeps_its_path():
    assert parse_public_url("https://example.com/rolecall/") == "https://example.com/rolecall"


@pytest.mark.parametrize(
    "url, loopback",
    [
        ("http://127.0.0.1:8080", True),
        ("http://127.9.9.9", True),
        ("https://localhost", True),
        ("http://a.localhost:1", True),
        ("http://[::1]:80", True),
        ("https://rolecall.example.com", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_urls_are_those_that_only_this_machine_can_reach(url, loopback):
    assert is_loopback_url(url) is loopback


def test_a_mistyped_variable_is_pointed_out_with_the_nearest_setting():
    (sentence,) = unknown_variables({"ROLECALL_PUBIC_URL": "x", "ROLECALL_PORT": "1", "HOME": "/"})
    assert "ROLECALL_PUBIC_URL" in sentence
    assert "Is ROLECALL_PUBLIC_URL meant?" in sentence


def test_a_variable_that_resembles_no_setting_is_pointed_out_too():
    (sentence,) = unknown_variables({"ROLECALL_ZZZZ": "x"})
    assert sentence == "The variable ROLECALL_ZZZZ names no setting and has no effect."


def test_domains_are_kept_in_lower_case_and_separated_by_commas_or_blanks():
    assert load_settings({"outbound_domains": "Example.com, b.org"}).outbound_domains == ("example.com", "b.org")
    assert load_settings({"outbound_domains": ["a.org"]}).outbound_domains == ("a.org",)


def test_secrets_are_not_shown_and_a_faulty_one_is_not_repeated(monkeypatch):
    monkeypatch.setenv("ROLECALL_KEYS", "marker")
    monkeypatch.setenv("ROLECALL_SMTP_PASSWORD", "marker")
    settings = load_settings({})
    assert "marker" not in repr(settings)
    assert settings.keys.get_secret_value() == "marker"
    with pytest.raises(InvalidSetting) as caught:
        load_settings({"keys": ["marker"]})
    assert caught.value.detail.startswith("ROLECALL_KEYS: ")
    assert "marker" not in caught.value.detail


def test_every_setting_has_a_description_that_ends_as_a_sentence():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_log_format_is_read_from_its_name():
    assert load_settings({"log_format": "json"}).log_format is LogFormat.JSON


@pytest.mark.parametrize(
    "given", [["agents", "/etc/scim, more.json"], ("agents", "/etc/scim", "more.json"), "agents,/etc/scim,more.json,"]
)
def test_declarations_are_separated_by_commas_or_are_several_options(given):
    assert load_settings({"scim_declarations": given}).scim_declarations == ("agents", "/etc/scim", "more.json")


def test_declarations_are_read_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("ROLECALL_SCIM_DECLARATIONS", "agents, /etc/scim")
    assert load_settings({}).scim_declarations == ("agents", "/etc/scim")
