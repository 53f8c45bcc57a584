"""What can have happened to the graph?"""

from dataclasses import dataclass
from typing import ClassVar

from rolecall.graph.model import DataSourceId, ProviderId
from rolecall.kernel.event import Category, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRegistered(Event):
    """A provider became known."""

    type: ClassVar[str] = "graph.provider.registered"
    category: ClassVar[Category] = Category.INTEGRATIONS
    provider_id: ProviderId
    name: str

    def subject_id(self) -> str | None:
        """Return the provider's id."""
        return self.provider_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSourceRegistered(Event):
    """A data source of a provider became known."""

    type: ClassVar[str] = "graph.data-source.registered"
    category: ClassVar[Category] = Category.INTEGRATIONS
    data_source_id: DataSourceId
    provider_id: ProviderId
    name: str

    def subject_id(self) -> str | None:
        """Return the data source's id."""
        return self.data_source_id
