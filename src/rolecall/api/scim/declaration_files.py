"""Where do the declarations of schemas and resource types come from?"""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from rolecall.scim.declarations import DeclarationFile, read_registry
from rolecall.scim.declared_values import InvalidDeclaration
from rolecall.scim.registry import Registry

_SHIPPED: Final = files("rolecall.scim") / "declared"


def load_registry(declarations: Sequence[str]) -> Registry:
    """Return users, groups, and what is declared: each a file, a directory of `*.json`, or the name of a shipped one.

    Raises: InvalidDeclaration.
    """
    return read_registry(file for name in declarations for file in _files_of(name))


def shipped_declarations() -> tuple[str, ...]:
    """Return the names of the declarations that come with Rolecall."""
    return tuple(sorted(found.name.removesuffix(".json") for found in _SHIPPED.iterdir()))


def _files_of(name: str) -> Iterator[DeclarationFile]:
    if name in shipped_declarations():
        yield _read(name, _SHIPPED / f"{name}.json")
        return
    path = Path(name)
    if not path.is_dir():
        yield _read(name, path)
        return
    found = sorted(path.glob("*.json"))
    if not found:
        raise InvalidDeclaration(f"{name}: there is no file *.json in this directory.", file=name, field="")
    for file in found:
        yield _read(str(file), file)


def _read(name: str, file: Path | Traversable) -> DeclarationFile:
    try:
        return DeclarationFile(name=name, content=file.read_bytes())
    except OSError as error:
        shipped = ", ".join(shipped_declarations())
        raise InvalidDeclaration(
            f"{name}: cannot be read: {error.strerror}. It must be a file, a directory, or one of: {shipped}.",
            file=name,
            field="",
        ) from error
