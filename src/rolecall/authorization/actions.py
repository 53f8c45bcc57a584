"""What can Rolecall be asked to do, and which role may ask it?"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class Action(Enum):
    """One thing Rolecall can be asked to do, `noun:verb`. Alphabetical."""

    API_KEY_CREATE = "api_key:create"
    """Make an API key for any user."""
    API_KEY_LIST = "api_key:list"
    """See every API key (never its secret)."""
    API_KEY_REVOKE = "api_key:revoke"
    """End an API key."""
    ASSIGNMENT_CHANGE = "assignment:change"
    """Give a role in a team to a user, or take it away."""
    AUDIT_READ = "audit:read"
    """Read the audit log."""
    EVENT_DELETE = "event:delete"
    """Forget events that are older than they have to be kept."""
    EVENT_READ = "event:read"
    """Read the event log."""
    GROUP_LIST = "group:list"
    """See every group and its members."""
    JOB_CHANGE = "job:change"
    """Cancel a job, or have it tried again."""
    JOB_LIST = "job:list"
    """See every job and every schedule."""
    KEY_RING_CHANGE = "key_ring:change"
    """Change the keys with which secrets are sealed, and see how many each has sealed."""
    METRICS_READ = "metrics:read"
    """Read the metrics from another machine."""
    PROVISIONED_READ = "provisioned:read"
    """Read, over SCIM, the users and groups that SCIM owns."""
    PROVISIONED_WRITE = "provisioned:write"
    """Create, change and remove, over SCIM, the users and groups that SCIM owns."""
    SETTING_CHANGE = "setting:change"
    """Change a setting that is kept in the database."""
    SUBSCRIPTION_CHANGE = "subscription:change"
    """Make, change, try out and end subscriptions to events."""
    SUBSCRIPTION_LIST = "subscription:list"
    """See every subscription (never its secrets) and what became of its deliveries."""
    USER_CREATE = "user:create"
    """Create a local user or a service user."""
    USER_DEACTIVATE = "user:deactivate"
    """End or restore the access of any user."""
    USER_DELETE = "user:delete"
    """Delete any user."""
    USER_LIST = "user:list"
    """See every user."""


class RoleName(Enum):
    """The built-in roles, by their wire names."""

    ADMIN = "admin"
    SCIM_PROVISIONER = "scim_provisioner"


ROLE_ACTIONS: Mapping[RoleName, frozenset[Action]] = MappingProxyType(
    {
        RoleName.ADMIN: frozenset(Action),
        RoleName.SCIM_PROVISIONER: frozenset({Action.PROVISIONED_READ, Action.PROVISIONED_WRITE}),
    }
)
