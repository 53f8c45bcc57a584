"""What is one page of a list?"""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """Some items of a list, in its order, and how many there are in all."""

    items: tuple[T, ...]
    total: int
