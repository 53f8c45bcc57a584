"""What can the graph refuse?"""

from rolecall.kernel.errors import DomainError, ErrorKind


class ProviderNameTaken(DomainError):
    """Another provider has this name, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "provider_name_taken"


class DataSourceNameTaken(DomainError):
    """Another data source of the same provider has this name, in some spelling of case, width or composition."""

    kind = ErrorKind.CONFLICT
    code = "data_source_name_taken"


class BadProvider(DomainError):
    """Something about a provider that was to be registered is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_provider"


class BadDataSource(DomainError):
    """Something about a data source that was to be registered is not as it must be."""

    kind = ErrorKind.INVALID
    code = "bad_data_source"


class NoSuchProvider(DomainError):
    """A provider that was named is not there."""

    kind = ErrorKind.INVALID
    code = "no_such_provider"
