"""What does the code declare: which errors, events, actions and settings, and what is said about each?"""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import TypeVar

import rolecall
from rolecall.kernel.errors import DomainError
from rolecall.kernel.event import Event

T = TypeVar("T")

_NOT_FOR_IMPORT = ("rolecall.migrations",)
"""Alembic runs these; importing them elsewhere would run them."""


def modules() -> Iterator[ModuleType]:
    """Yield every module of the package, in order of name."""
    yield rolecall
    for found in pkgutil.walk_packages(rolecall.__path__, "rolecall."):
        if not found.name.startswith(_NOT_FOR_IMPORT):
            yield importlib.import_module(found.name)


def classes_below(base: type[T]) -> list[type[T]]:
    """Return the public classes of the package that derive from `base`, each once, in order of module and line."""
    return [
        value
        for module in modules()
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value is not base
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]


def errors() -> list[type[DomainError]]:
    """Return the errors that a caller can meet: those with a code."""
    return [error for error in classes_below(DomainError) if hasattr(error, "code")]


def events() -> list[type[Event]]:
    """Return the events that can happen: those with a type."""
    return [event for event in classes_below(Event) if hasattr(event, "type")]


def own_docstring(declared: type) -> str:
    """Return what the class itself says of itself, on one line; empty where it says nothing.

    A dataclass without words of its own gets its signature from Python: that counts as nothing.
    """
    text = vars(declared).get("__doc__") or ""
    if text.startswith(f"{declared.__name__}("):
        return ""
    return " ".join(text.split())


def words_after(declared: type) -> dict[str, str]:
    """Return, by name, the docstrings that stand below the class's members."""
    source = textwrap.dedent(inspect.getsource(declared))
    definition = ast.parse(source).body[0]
    words: dict[str, str] = {}
    name = ""
    for statement in definition.body if isinstance(definition, ast.ClassDef) else []:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=target)) | ast.Assign(targets=[ast.Name(id=target)]):
                name = target
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                words[name] = " ".join(text.split())
                name = ""
            case _:
                name = ""
    return words


def members_with_words(enumeration: type[Enum]) -> dict[str, str]:
    """Return, by value, what is said below each member of an enumeration; empty text where nothing is."""
    words = words_after(enumeration)
    return {str(member.value): words.get(member.name, "") for member in enumeration}
