"""What can the directory refuse?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class UserNameTaken(DomainError):
    """Another user has this user name, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "user_name_taken"


class GroupNameTaken(DomainError):
    """Another group has this display name, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "group_name_taken"


class ValueTaken(DomainError):
    """Another resource of the kind has this value of an attribute that is unique."""

    kind = ErrorKind.CONFLICT
    code = "value_taken"


class NoSuchMember(DomainError):
    """A member that was to be added is neither a user nor a group that SCIM owns."""

    kind = ErrorKind.INVALID
    code = "no_such_member"


class LastAdministrator(DomainError):
    """Somebody must remain able to administer Rolecall, so the last administrator stays."""

    kind = ErrorKind.FORBIDDEN
    code = "last_administrator"


class BreakGlassUser(DomainError):
    """The break-glass user is the way back in when everything else fails, so SCIM cannot touch it."""

    kind = ErrorKind.FORBIDDEN
    code = "break_glass_user"


class ListTooSlow(DomainError):
    """The condition needs a scan that takes longer than a request may."""

    kind = ErrorKind.INVALID
    code = "list_too_slow"


class BadUser(DomainError):
    """Something about a user that was to be made or changed is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_user"
