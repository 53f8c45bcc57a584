"""Which errors does SCIM itself define?"""

from typing import ClassVar

from rolecall.kernel.errors import DomainError, ErrorKind


class ScimError(DomainError):
    """A refusal with a `scimType` of its own (RFC 7644 §3.12, table 9).

    `uniqueness` is the directory's. `sensitive` is never said: filters on personal data are answered in a GET too,
    since every provider looks users up so; who minds searches by POST (RFC 7644 §7.5.2).
    """

    kind = ErrorKind.INVALID
    scim_type: ClassVar[str]


class InvalidFilter(ScimError):
    """The filter is not valid, or compares what cannot be compared (RFC 7644 §3.4.2.2)."""

    code = "invalid_filter"
    scim_type = "invalidFilter"


class TooMany(ScimError):
    """The request asks for more than the server is willing to do at once (RFC 7644 §3.4.2)."""

    code = "too_many"
    scim_type = "tooMany"


class Mutability(ScimError):
    """The attribute cannot be changed so (RFC 7644 §3.5.2; RFC 7643 §2.2)."""

    code = "mutability"
    scim_type = "mutability"


class InvalidSyntax(ScimError):
    """The body does not have the structure of such a request (RFC 7644 §3.3, §3.5)."""

    code = "invalid_syntax"
    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """The path of a PATCH operation is malformed or names nothing that can be changed (RFC 7644 §3.5.2)."""

    code = "invalid_path"
    scim_type = "invalidPath"


class NoTarget(ScimError):
    """The path of a PATCH operation selects nothing that could be operated on (RFC 7644 §3.5.2)."""

    code = "no_target"
    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value is missing or does not fit its attribute (RFC 7643 §2.2, §2.3)."""

    code = "invalid_value"
    scim_type = "invalidValue"


class InvalidVersion(ScimError):
    """The protocol version asked for is not spoken here (RFC 7644 §3.13)."""

    code = "invalid_vers"
    scim_type = "invalidVers"
