"""Is a value in a declaration what it has to be, and what is said, with its place, when it is not?"""

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn, TypeVar

from rolecall.kernel.document import Json
from rolecall.kernel.errors import DomainError, ErrorKind
from rolecall.kernel.text import has_control_character

E = TypeVar("E", bound=Enum)


class InvalidDeclaration(DomainError):
    """A file that declares SCIM schemas or resource types cannot be used; the detail names file and field."""

    kind = ErrorKind.INVALID
    code = "invalid_declaration"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredValue:
    """One JSON value of a declaration, and where it stands: in which file, and at which path there."""

    file: str
    path: str
    value: Json

    def refuse(self, sentence: str) -> NoReturn:
        """Raise InvalidDeclaration: file, path, sentence."""
        place = f"{self.file}: {self.path}" if self.path else self.file
        raise InvalidDeclaration(f"{place}: {sentence}", file=self.file, field=self.path)

    def members(self, known: Collection[str] | None = None) -> "Mapping[str, DeclaredValue]":
        """Return the members of an object that are not null; those that are not `known`, if that is given, are refused.

        Raises: InvalidDeclaration.
        """
        if not isinstance(self.value, Mapping):
            self.refuse("must be a JSON object.")
        found = {}
        for name, value in self.value.items():
            member = DeclaredValue(file=self.file, path=f"{self.path}.{name}".removeprefix("."), value=value)
            if known is not None and name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                member.refuse(f"is not known here.{f' Did you mean {near[0]}?' if near else ''}")
            if value is not None:
                found[name] = member
        return found

    def required(self, name: str, known: Collection[str] | None = None) -> "DeclaredValue":
        """Return the member of that name.

        Raises: InvalidDeclaration.
        """
        member = self.members(known).get(name)
        if member is None:
            self.refuse(f"{name} is missing.")
        return member

    def items(self) -> "Iterator[DeclaredValue]":
        """Yield the items of a list.

        Raises: InvalidDeclaration.
        """
        if isinstance(self.value, str) or not isinstance(self.value, Sequence):
            self.refuse("must be a list.")
        for index, value in enumerate(self.value):
            yield DeclaredValue(file=self.file, path=f"{self.path}[{index}]", value=value)

    def text(self) -> str:
        """Return a text that is not empty.

        Raises: InvalidDeclaration.
        """
        if not isinstance(self.value, str) or not self.value or has_control_character(self.value):
            self.refuse("must be a text without control characters, and not empty.")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts.

        Raises: InvalidDeclaration.
        """
        return tuple(item.text() for item in self.items())

    def truth(self) -> bool:
        """Return a boolean.

        Raises: InvalidDeclaration.
        """
        if not isinstance(self.value, bool):
            self.refuse("must be true or false.")
        return self.value

    def choice(self, choices: type[E]) -> E:
        """Return the member of the enumeration that has this value.

        Raises: InvalidDeclaration.
        """
        chosen = next((choice for choice in choices if choice.value == self.value), None)
        if chosen is None:
            self.refuse(f"must be one of {', '.join(str(choice.value) for choice in choices)}.")
        return chosen

    def description(self) -> str:
        """Return the member `description`, which may be missing or empty.

        Raises: InvalidDeclaration.
        """
        member = self.members().get("description")
        return "" if member is None or member.value == "" else member.text()
