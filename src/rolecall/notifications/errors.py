"""What can be refused about subscriptions?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class BadSubscription(DomainError):
    """A field of the subscription cannot be so; the detail names it."""

    kind = ErrorKind.INVALID
    code = "bad_subscription"


class SubscriptionNameTaken(DomainError):
    """Another subscription has this name."""

    kind = ErrorKind.CONFLICT
    code = "subscription_name_taken"
