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


class OutOfScope(DomainError):
    """The SCIM connection may not push a user, or a group, of this name."""

    kind = ErrorKind.FORBIDDEN
    code = "out_of_push_scope"


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


class TeamNameTaken(DomainError):
    """Another team has this name or alias, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "team_name_taken"


class RoleNameTaken(DomainError):
    """Another role has this name, in some spelling of case, width or composition, or as its id."""

    kind = ErrorKind.CONFLICT
    code = "role_name_taken"


class BadTeam(DomainError):
    """Something about a team that was to be made or changed is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_team"


class BadRole(DomainError):
    """Something about a role that was to be made or changed is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_role"


class RootTeam(DomainError):
    """The team Root sees everything and is always there: it is neither renamed nor deleted."""

    kind = ErrorKind.FORBIDDEN
    code = "root_team"


class BuiltInRoleFixed(DomainError):
    """A built-in role is the same in every installation."""

    kind = ErrorKind.FORBIDDEN
    code = "built_in_role_fixed"


class ListTooSlow(DomainError):
    """The condition needs a scan that takes longer than a request may."""

    kind = ErrorKind.INVALID
    code = "list_too_slow"


class BadSetting(DomainError):
    """A setting that is kept in the database cannot be so."""

    kind = ErrorKind.INVALID
    code = "bad_setting"


class BadUser(DomainError):
    """Something about a user that was to be made or changed is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_user"
