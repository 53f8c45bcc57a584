"""What are providers and data sources?"""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

ProviderId = NewType("ProviderId", str)
DataSourceId = NewType("DataSourceId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A kind of connected system as somebody registered it; the unit by which teams are limited."""

    id: ProviderId
    name: str
    type: str
    """Which kind it is, such as `okta` or `custom`: a word of whoever registers it."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """One instance of a provider; the unit in which data is pushed and replaced."""

    id: DataSourceId
    provider_id: ProviderId
    name: str
    type: str
    created_at: datetime
