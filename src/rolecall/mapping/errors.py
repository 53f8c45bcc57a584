"""What can be refused about mappings?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class BadMapping(DomainError):
    """Something about a mapping that was to be made or changed is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_mapping"


class MappingMadeByName(DomainError):
    """A mapping that follows from a group's name changes with that name, or goes when the convention is off."""

    kind = ErrorKind.CONFLICT
    code = "mapping_made_by_name"


class MappingNotWaiting(DomainError):
    """Only a mapping that waits, or was refused, can be decided about."""

    kind = ErrorKind.CONFLICT
    code = "mapping_not_waiting"


class RoleNeedsConsent(DomainError):
    """A role by which access can be raised is given by a person, never by a name alone."""

    kind = ErrorKind.FORBIDDEN
    code = "role_needs_consent"
