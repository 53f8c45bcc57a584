"""What do a provider's calls tell, and which steps are left until it pushes?"""

from collections.abc import Iterable, Mapping
from typing import Final

from rolecall.connections.guide.model import (
    Entry,
    Facts,
    FirstCalls,
    Guide,
    GuideStep,
    ProviderKind,
    Sighting,
    SightingKind,
)
from rolecall.connections.model import Dialect
from rolecall.events.model import AuditRecord

_BELOW: Final = "/scim/v2"
_LEAST_ERROR: Final = 400
_NOT_FOUND: Final = 404
_KEY: Final = "the key that `rotate` printed, all 64 characters"

_MEANS: Final[Mapping[SightingKind, str]] = {
    SightingKind.TESTED: "The provider reaches Rolecall, and its key is good.",
    SightingKind.LOOKED_FOR_USER: "It asks whether somebody is there before it creates them.",
    SightingKind.USER_CREATED: "It has pushed the first user.",
    SightingKind.USER_CHANGED: "It changes, deactivates or deletes users.",
    SightingKind.GROUP_CREATED: "It has pushed the first group: map it to a role.",
    SightingKind.MEMBERS_CHANGED: "It keeps groups and their members up to date.",
}
_KINDS: Final[Mapping[tuple[str, str], SightingKind]] = {
    ("POST", "Users"): SightingKind.USER_CREATED,
    ("PUT", "Users"): SightingKind.USER_CHANGED,
    ("PATCH", "Users"): SightingKind.USER_CHANGED,
    ("DELETE", "Users"): SightingKind.USER_CHANGED,
    ("POST", "Groups"): SightingKind.GROUP_CREATED,
    ("PUT", "Groups"): SightingKind.MEMBERS_CHANGED,
    ("PATCH", "Groups"): SightingKind.MEMBERS_CHANGED,
    ("DELETE", "Groups"): SightingKind.MEMBERS_CHANGED,
}


def first_calls(calls: Iterable[AuditRecord], dialect: Dialect | None) -> FirstCalls:
    """Return the first call of each kind, from calls in their order."""
    seen: dict[SightingKind, Sighting] = {}
    for call in calls:
        kind = kind_of(call)
        if kind not in seen:
            means = _MEANS.get(kind) or f"It was refused: {call.detail or call.code or call.status}"
            seen[kind] = Sighting(
                kind=kind,
                at=call.recorded_at,
                method=call.method or "",
                path=call.target or "",
                status=call.status,
                means=means,
            )
    return FirstCalls(dialect=dialect, sightings=tuple(seen.values()))


def kind_of(call: AuditRecord) -> SightingKind:
    """Return what a call did. Not finding something is no refusal: providers look for what may not be there."""
    if (call.status or _LEAST_ERROR) >= _LEAST_ERROR and call.status != _NOT_FOUND:
        return SightingKind.REFUSED
    path, _, query = (call.target or "").partition("?")
    name = path.partition(_BELOW)[2].strip("/").partition("/")[0]
    if call.method == "GET" and name == "Users" and "filter=" in query:
        return SightingKind.LOOKED_FOR_USER
    return _KINDS.get((call.method or "", name), SightingKind.TESTED)


def provider_of(dialect: Dialect | None) -> ProviderKind:
    """Return in whose words a guide speaks when nobody said it."""
    match dialect:
        case Dialect.OKTA:
            return ProviderKind.OKTA
        case Dialect.ENTRA | Dialect.ENTRA_2020:
            return ProviderKind.ENTRA
        case _:
            return ProviderKind.OTHER


def guide_of(facts: Facts, provider: ProviderKind) -> Guide:
    """Return the six steps in a provider's words, and which of them are done."""
    at_provider, (url_label, key_label), groups = _WORDS[provider]
    entries = (Entry(label=url_label, value=facts.base_url), Entry(label=key_label, value=_KEY))
    done = {
        "connection": True,
        "key": facts.has_key,
        "enable": facts.is_on,
        "provider": facts.has_called,
        "groups": facts.has_groups,
        "validate": facts.is_validated,
    }
    said = {**_SAID, "provider": at_provider, "groups": groups}
    return Guide(
        provider=provider,
        base_url=facts.base_url,
        document=_DOCUMENTS[provider],
        steps=tuple(
            GuideStep(
                name=name,
                title=title,
                instructions=said[name],
                entries=entries if name == "provider" else (),
                done=done[name],
            )
            for name, title in _TITLES.items()
        ),
    )


_TITLES: Final[Mapping[str, str]] = {
    "connection": "Make the connection",
    "key": "Make its key",
    "enable": "Switch it on",
    "provider": "Enter address and key at the provider",
    "groups": "Push groups",
    "validate": "Validate",
}
"""In the order of the steps."""
_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "connection": ("It stands for the provider here, and owns what that pushes.",),
    "key": ("`rolecall admin connections rotate NAME` makes one, and shows it only then.",),
    "enable": ("`rolecall admin connections change NAME --on`. Until then the provider hears 403.",),
    "validate": ("`rolecall admin connections validate NAME` tries the life of a user and a group.",),
}
_DOCUMENTS: Final[Mapping[ProviderKind, str]] = {
    ProviderKind.OKTA: "how-to/okta.md",
    ProviderKind.ENTRA: "how-to/entra.md",
    ProviderKind.OTHER: "how-to/any-scim-client.md",
}
_THEN_MAP: Final = "Then say what a group gives: `rolecall admin mappings create`."
_WORDS: Final[Mapping[ProviderKind, tuple[tuple[str, ...], tuple[str, str], tuple[str, ...]]]] = {
    ProviderKind.OKTA: (
        (
            "Applications > Browse App Catalog: take SCIM 2.0 Test App (OAuth Bearer Token).",
            "Provisioning > Integration > Configure API Integration: enter what stands below, Test API Credentials.",
            "Provisioning > To App: switch on Create Users, Update User Attributes and Deactivate Users.",
            "Assignments: assign one person first.",
        ),
        ("Base URL", "OAuth Bearer Token"),
        ("Push Groups > Find groups by name: choose them, with Push group memberships immediately.", _THEN_MAP),
    ),
    ProviderKind.ENTRA: (
        (
            "Enterprise apps > New application > Create your own application: choose Non-gallery.",
            "Provisioning > Connect your application: enter what stands below, Test connection, and save.",
            "Users and groups: assign one person first; then Provision on demand.",
        ),
        ("Tenant URL", "Secret token"),
        (
            "Users and groups > Add: assign the groups; in Attribute mapping leave those of groups switched on.",
            "Start provisioning. A cycle takes about 40 minutes.",
            _THEN_MAP,
        ),
    ),
    ProviderKind.OTHER: (
        (
            "Choose SCIM 2.0 with a bearer token in the header Authorization; users are matched by userName.",
            "Let it push creations, changes and deactivations. Begin with one person.",
        ),
        ("Base URL", "Bearer token"),
        ("Let it push the groups that shall give roles, with their members.", _THEN_MAP),
    ),
}
