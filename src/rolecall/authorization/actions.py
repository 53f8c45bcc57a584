"""What can Rolecall be asked to do?"""

from enum import Enum
from typing import Final


class Action(Enum):
    """One thing Rolecall can be asked to do, `noun:verb`. Alphabetical."""

    API_KEY_CHANGE = "api_key:change"
    """Rename, reinstate and delete any API key."""
    API_KEY_CREATE = "api_key:create"
    """Make an API key for any user or team."""
    API_KEY_LIST = "api_key:list"
    """See every API key (never its secret)."""
    API_KEY_REVOKE = "api_key:revoke"
    """End an API key."""
    ASSIGNMENT_CHANGE = "assignment:change"
    """Give a role in a team to a user, or take it away."""
    AUDIT_DELETE = "audit:delete"
    """Forget audit records that are older than they have to be kept."""
    AUDIT_READ = "audit:read"
    """Read the audit log, and verify that it is whole."""
    AUDIT_SEAL = "audit:seal"
    """Seal the audit log, so that it shows tampering."""
    CONNECTION_CHANGE = "connection:change"
    """Make, change, decommission and delete SCIM connections, give them credentials, and link users to them."""
    CONNECTION_LIST = "connection:list"
    """See every SCIM connection and its credentials (never a secret)."""
    DATA_SOURCE_LIST = "data_source:list"
    """See the data sources that the active team may see."""
    DATA_SOURCE_REGISTER = "data_source:register"
    """Make a data source known, of a provider that the active team may see."""
    EVENT_DELETE = "event:delete"
    """Forget events that are older than they have to be kept."""
    EVENT_READ = "event:read"
    """Read the event log."""
    GROUP_LIST = "group:list"
    """See every group and its members."""
    HELD_CHANGE_DECIDE = "held_change:decide"
    """Release and drop what a SCIM connection sent and a guard held."""
    HELD_CHANGE_LIST = "held_change:list"
    """See every held change, and who would gain and lose what by it."""
    JOB_CHANGE = "job:change"
    """Cancel a job, or have it tried again."""
    JOB_LIST = "job:list"
    """See every job and every schedule."""
    KEY_RING_CHANGE = "key_ring:change"
    """Change the keys with which secrets are sealed, and see how many each has sealed."""
    MAPPING_CHANGE = "mapping:change"
    """Create, change, approve and delete mappings, and choose how groups map by themselves."""
    MAPPING_LIST = "mapping:list"
    """See every mapping, and what it would give and take."""
    METRICS_READ = "metrics:read"
    """Read the metrics from another machine."""
    OWN_KEY_CHANGE = "own_key:change"
    """Make, see, rename, end, reinstate and delete one's own API keys."""
    PROVIDER_LIST = "provider:list"
    """See the providers that the active team may see."""
    PROVIDER_REGISTER = "provider:register"
    """Make a provider known."""
    PROVISIONED_READ = "provisioned:read"
    """Read, over SCIM, the users and groups that SCIM owns."""
    PROVISIONED_WRITE = "provisioned:write"
    """Create, change and remove, over SCIM, the users and groups that SCIM owns."""
    ROLE_CHANGE = "role:change"
    """Create, change and delete custom roles."""
    ROLE_LIST = "role:list"
    """See every role and its actions."""
    SETTING_CHANGE = "setting:change"
    """Change a setting that is kept in the database."""
    SUBSCRIPTION_CHANGE = "subscription:change"
    """Make, change, try out and end subscriptions to events."""
    SUBSCRIPTION_LIST = "subscription:list"
    """See every subscription (never its secrets) and what became of its deliveries."""
    TEAM_CHANGE = "team:change"
    """Create, change and delete teams."""
    TEAM_LIST = "team:list"
    """See every team and its scope."""
    USER_CREATE = "user:create"
    """Create a local user or a service user."""
    USER_DEACTIVATE = "user:deactivate"
    """End or restore the access of any user."""
    USER_DELETE = "user:delete"
    """Delete any user."""
    USER_LIST = "user:list"
    """See every user."""


IN_ANY_TEAM: Final[frozenset[Action]] = frozenset(
    {
        Action.ASSIGNMENT_CHANGE,
        Action.DATA_SOURCE_LIST,
        Action.DATA_SOURCE_REGISTER,
        Action.OWN_KEY_CHANGE,
        Action.PROVIDER_LIST,
        Action.ROLE_LIST,
        Action.TEAM_LIST,
    }
)
"""What a role can give in a team other than Root. Everything else is about the installation as a whole."""

RAISING: Final[frozenset[Action]] = frozenset(
    {
        Action.API_KEY_CHANGE,
        Action.API_KEY_CREATE,
        Action.ASSIGNMENT_CHANGE,
        Action.CONNECTION_CHANGE,
        Action.HELD_CHANGE_DECIDE,
        Action.MAPPING_CHANGE,
        Action.ROLE_CHANGE,
        Action.SETTING_CHANGE,
        Action.USER_CREATE,
        Action.USER_DEACTIVATE,
        Action.USER_DELETE,
    }
)
"""What can raise or end the access of others. No role with one of these is given without a person's consent."""
