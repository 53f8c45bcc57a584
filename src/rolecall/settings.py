"""What can be set, what does it mean, and what is it when nobody sets it?"""

import difflib
import re
from collections.abc import Mapping
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rolecall.kernel.errors import DomainError, ErrorKind

Network: TypeAlias = IPv4Network | IPv6Network

PREFIX: Final = "ROLECALL_"
VARIABLES_ONLY: Final = frozenset({"keys", "smtp_password"})
"""Secrets: no option of a command, since every user of the machine can read those."""
SMTP_PORTS: Final = MappingProxyType({"smtp": 587, "smtps": 465, "smtp-plain": 25})
"""Schemes of the mail server's URL, with their usual ports."""
SELF_SIGNED_FILE: Final = "self-signed-cert.pem"
"""In the data directory: the certificate that Rolecall made itself."""
_DOMAIN: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_MAIL_ADDRESS: Final = re.compile(r"[^@\s<>,]+@[A-Za-z0-9.-]+")
_DATABASE_SCHEMES: Final = ("sqlite", "postgresql", "postgresql+psycopg")


class InvalidSetting(DomainError):
    """A setting has a value that cannot be; the detail names it and says what it takes."""

    kind = ErrorKind.INVALID
    code = "invalid_setting"


class LogFormat(Enum):
    """How a log line is written."""

    JSON = "json"
    """One JSON object a line, for a log collector."""
    TEXT = "text"
    """For a person at a terminal."""


class Settings(BaseSettings):
    """Everything about one installation that is decided outside its database.

    Each is an environment variable `ROLECALL_…` and, unless it is secret, an option of `rolecall serve`; the
    option wins.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address to listen on. `0.0.0.0` accepts connections from other machines.",
    )
    port: int = Field(default=8080, ge=1, le=65535, description="TCP port to listen on.")
    data_dir: Path = Field(
        default=Path("rolecall-data"),
        description="Directory for everything that Rolecall keeps in files. It is made when it is missing.",
    )
    database_url: str = Field(
        default_factory=lambda known: f"sqlite:///{known['data_dir'] / 'rolecall.sqlite3'}",
        description="Database: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`. "
        "By default the file `rolecall.sqlite3` in the data directory.",
    )
    keys: SecretStr | None = Field(
        default=None,
        description="The key ring that seals secrets in the database, in place of the file `keys.json` in the data "
        "directory and in its form.",
    )
    public_url: str | None = Field(
        default=None,
        description="URL under which people and identity providers reach Rolecall, without a path behind it "
        "unless a reverse proxy adds one. Kept in the database, so it need be given only once.",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Networks (CIDR) of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; "
        "several are separated by commas.",
    )
    tls_cert: Path | None = Field(
        default=None, description="PEM file with the certificate chain. With it Rolecall serves HTTPS itself."
    )
    tls_key: Path | None = Field(default=None, description="PEM file with the private key of the certificate.")
    self_signed: bool = Field(
        default=False,
        description="Serve HTTPS with a certificate that Rolecall makes itself and keeps in the data directory; "
        "for trying things out.",
    )
    requirement_profile: Literal["rfc", "strict"] = Field(
        default="rfc",
        description="What a SCIM client must send for a user. `rfc`: what RFC 7643 requires. `strict`: also the given, "
        "family and display name and exactly one primary e-mail address, which is the user name.",
    )
    scim_declarations: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="What SCIM knows besides users and groups: JSON files of schemas and resource types, directories "
        "of them, or `agents` for the agents and agentic applications that come with Rolecall; several are "
        "separated by commas.",
    )
    max_body_bytes: int = Field(
        default=5 * 1024 * 1024,
        ge=1024,
        description="Largest request body in bytes; a larger one is answered 413.",
    )
    audit_days: int = Field(
        default=0,
        ge=0,
        description="Days that audit records are kept at least; 0 keeps them for ever. They are forgotten up to a "
        "checkpoint, so some live a little longer.",
    )
    event_days: int = Field(default=0, ge=0, description="Days that events are kept; 0 keeps them for ever.")
    job_days: int = Field(default=14, ge=0, description="Days that finished jobs are kept; 0 keeps them for ever.")
    outbound_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Domains that notifications may be sent to, by web or by mail, each with all below it; several are "
        "separated by commas. None: every domain.",
    )
    outbound_networks: Annotated[tuple[Network, ...], NoDecode] = Field(
        default=(),
        description="Networks (CIDR) that are not public and may be called all the same, also without TLS; several are "
        "separated by commas. Without this nobody can make Rolecall call into your network.",
    )
    smtp_url: str | None = Field(
        default=None,
        description="Mail server: `smtp://USER@HOST:587` (STARTTLS), `smtps://USER@HOST:465` (TLS), or "
        "`smtp-plain://HOST:25` (neither; for one on this machine). Without one no mail is sent.",
    )
    smtp_password: SecretStr | None = Field(default=None, description="Password of the user in `--smtp-url`.")
    mail_from: str | None = Field(default=None, description="Address in `From` of mails; belongs to `--smtp-url`.")
    log_format: LogFormat = Field(
        default=LogFormat.TEXT, description="How log lines on standard error are written: `text` or `json`."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least important kind of log line that is still written."
    )

    @field_validator("trusted_proxies", "outbound_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            return value
        texts = [text for item in items for text in str(item).replace(",", " ").split()]
        return tuple(ip_network(text) for text in texts)

    @field_validator("scim_declarations", mode="before")
    @classmethod
    def _split_declarations(cls, value: object) -> object:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            return value
        return tuple(name.strip() for item in items for name in str(item).split(",") if name.strip())

    @field_validator("outbound_domains", mode="before")
    @classmethod
    def _split_domains(cls, value: object) -> object:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            return value
        domains = [text for item in items for text in str(item).lower().replace(",", " ").split()]
        if not all(_DOMAIN.fullmatch(domain) for domain in domains):
            raise ValueError("must be domains such as example.com")
        return tuple(domains)

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.password is not None:
                raise ValueError("must hold no password: put that into ROLECALL_SMTP_PASSWORD")
            if parts.scheme not in SMTP_PORTS or not parts.hostname or parts.path not in {"", "/"}:
                raise ValueError("must be smtp://USER@HOST:PORT, smtps://… or smtp-plain://…")
        return value

    @field_validator("mail_from")
    @classmethod
    def _check_mail_from(cls, value: str | None) -> str | None:
        if value is not None and not _MAIL_ADDRESS.fullmatch(value):
            raise ValueError("must be an address such as rolecall@example.com")
        return value

    @field_validator("database_url")
    @classmethod
    def _check_database_url(cls, value: str) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in _DATABASE_SCHEMES:
            raise ValueError("must begin with sqlite:/// or postgresql://")
        if scheme == "sqlite" and rest in {"", "/"}:
            raise ValueError("must name a file: sqlite:///PATH; Rolecall keeps nothing in memory only")
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        return None if value is None else parse_public_url(value)

    @model_validator(mode="after")
    def _check_tls(self) -> "Settings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("--tls-cert and --tls-key belong together: give both or neither")
        if self.self_signed and self.tls_cert is not None:
            raise ValueError("--self-signed makes its own certificate: leave out --tls-cert and --tls-key, or itself")
        return self

    @model_validator(mode="after")
    def _check_mail(self) -> "Settings":
        if (self.smtp_url is None) != (self.mail_from is None):
            raise ValueError("--smtp-url and --mail-from belong together: give both or neither")
        return self

    @property
    def sqlite_path(self) -> Path | None:
        """The file that is the database; None on PostgreSQL."""
        scheme, _, rest = self.database_url.partition(":///")
        return Path(rest.partition("?")[0]) if scheme == "sqlite" else None

    @property
    def https(self) -> bool:
        """Whether Rolecall itself serves HTTPS."""
        return self.self_signed or self.tls_cert is not None

    @property
    def certificate_file(self) -> Path | None:
        """The certificate that Rolecall itself serves; None: it serves plain HTTP."""
        return self.data_dir / SELF_SIGNED_FILE if self.self_signed else self.tls_cert

    @property
    def listening_url(self) -> str:
        """The URL at which a browser on this machine reaches Rolecall."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # compared, not bound
        bracketed = f"[{host}]" if ":" in host else host
        return f"{'https' if self.https else 'http'}://{bracketed}:{self.port}"


def load_settings(options: Mapping[str, Any]) -> Settings:
    """Return the settings from `options` (None: not given), then the environment, then the defaults.

    Raises: InvalidSetting with one sentence for each faulty setting.
    """
    given = {name: value for name, value in options.items() if value is not None and value != []}
    try:
        return Settings(**given)
    except ValidationError as error:
        sentences = [_sentence(cast("Mapping[str, Any]", fault)) for fault in error.errors()]  # a TypedDict is one
        raise InvalidSetting(" ".join(sentence for sentence in sentences if sentence)) from error


def unknown_variables(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each `ROLECALL_…` variable that names no setting, with the nearest one that does."""
    known = [name.upper() for name in Settings.model_fields]
    sentences = []
    for name in sorted(environment):
        ours = name.upper().startswith(PREFIX)
        meant = name.upper().removeprefix(PREFIX)
        if ours and meant not in known:
            nearest = difflib.get_close_matches(meant, known, n=1)
            hint = f" Is {PREFIX}{nearest[0]} meant?" if nearest else ""
            sentences.append(f"The variable {name} names no setting and has no effect.{hint}")
    return tuple(sentences)


def parse_public_url(text: str) -> str:
    """Return the URL without a slash at its end.

    Raises: ValueError unless it is http or https with a host, and nothing but a path behind that.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise ValueError("must be a URL such as https://rolecall.example.com")
    if parts.query or parts.fragment or parts.username is not None or not text.isascii() or " " in text:
        raise ValueError("must be only scheme, host, port and path: no user, query or fragment")
    return text.rstrip("/")


def is_loopback_url(url: str) -> bool:
    """Return whether only this machine can reach the URL."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _sentence(fault: Mapping[str, Any]) -> str:
    """Return one pydantic error as a sentence that names the option; empty when it only follows from another."""
    if fault["type"] == "default_factory_not_called":
        return ""
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return f"{message}."
    name = str(fault["loc"][0])
    if name not in Settings.model_fields:
        return f"There is no setting {name!r}."
    # A database URL may hold a password.
    hidden = name in {"database_url", *VARIABLES_ONLY} or isinstance(fault["input"], dict)
    given = "" if hidden else f" (given: {fault['input']!r})"
    option = "" if name in VARIABLES_ONLY else f"--{name.replace('_', '-')} or "
    return f"{option}{PREFIX}{name.upper()}: {message}{given}."
