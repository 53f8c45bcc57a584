"""Which headers protect every answer?"""

from collections.abc import Sequence
from typing import Final, TypeAlias

RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]

MACHINE_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""Content-Security-Policy of answers that are not pages."""

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of pages: nothing inline, no script, nothing from elsewhere."""

_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_STRICT_TRANSPORT: Final = (b"strict-transport-security", b"max-age=31536000")


def protected(headers: RawHeaders, *, https: bool) -> list[tuple[bytes, bytes]]:
    """Return the answer's headers with the protecting ones added; what the answer itself says stays."""
    present = {name.lower() for name, _ in headers}
    added = [header for header in _ALWAYS if header[0] not in present]
    if b"content-security-policy" not in present:
        added.append((b"content-security-policy", MACHINE_POLICY.encode()))
    if https and _STRICT_TRANSPORT[0] not in present:
        added.append(_STRICT_TRANSPORT)
    return [*headers, *added]
