"""Which rules does the source text itself have to keep? Each returns the places that break it."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST_FILE = 500
LONGEST_FUNCTION = 40
FORBIDDEN_NAMES = frozenset(
    (
        "base",
        "common",
        "handler",
        "handlers",
        "helper",
        "helpers",
        "manager",
        "misc",
        "service",
        "services",
        "util",
        "utils",
    )
)
"""Names without content attract content. (`managers` may stand: SCIM knows a user's manager, a person.)"""

_SILENCE = re.compile(r"#\s*noqa|#\s*type:\s*ignore|#\s*pragma:")
_EXCEPTION = re.compile(rf"{_SILENCE.pattern}|\bcast\(")
_TYPING_CAST = re.compile(r"^from typing import .*\bcast\b", re.MULTILINE)
_REASON = re.compile(
    r"(noqa: [A-Z]+\d+(, [A-Z]+\d+)*|type: ignore\[[a-z, -]+\]|pragma: [a-z ]+|\bcast\(.*\).*)\s+[-#] *\w"
)


def long_files(paths: Iterable[Path], limit: int = LONGEST_FILE) -> list[str]:
    """Return the files with more lines than the limit."""
    counted = [(path, len(path.read_text("utf-8").splitlines())) for path in paths]
    return [f"{path}: {lines} lines" for path, lines in counted if lines > limit]


def long_functions(paths: Iterable[Path], limit: int = LONGEST_FUNCTION) -> list[str]:
    """Return the functions whose body has more lines than the limit; signature and docstring do not count."""
    return [
        f"{path}: {function.name} has {lines} lines"
        for path in paths
        for function in _functions(path)
        if (lines := _code_lines(function)) > limit
    ]


def forbidden_names(paths: Iterable[Path]) -> list[str]:
    """Return the modules and packages whose name says nothing."""
    return [str(path) for path in paths if _own_name(path) in FORBIDDEN_NAMES]


def silent_modules(paths: Iterable[Path]) -> list[str]:
    """Return the modules that do not begin by saying which question they answer."""
    return [str(path) for path in paths if not (ast.get_docstring(_parse(path)) or "").strip()]


def broad_excepts(paths: Iterable[Path]) -> list[str]:
    """Return the functions, as `file: function`, that catch every exception and do not raise again."""
    return sorted({f"{path}: {function}" for path in paths for function in _swallowing(_parse(path), "module")})


def bare_exceptions(paths: Iterable[Path]) -> list[str]:
    """Return the lines, as `file:line`, that silence a tool or overrule the types and do not say why."""
    found = []
    for path in paths:
        text = path.read_text("utf-8")
        # SQLAlchemy has a `cast` too, which is SQL and needs no excuse.
        pattern = _EXCEPTION if _TYPING_CAST.search(text) else _SILENCE
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line) and not _REASON.search(line):
                found.append(f"{path}:{number}")
    return found


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once."""
    seen: set[str] = set()
    return sorted({name for name in names if name in seen or seen.add(name) is not None})


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first, last = function.body[0], function.body[-1]
    lines = (last.end_lineno or 0) - first.lineno + 1
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or 0) - first.lineno + 1
    return lines


def _swallowing(node: ast.AST, function: str) -> Iterator[str]:
    """Yield, for each place that swallows every exception, the function that it stands in."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ExceptHandler(type=caught, body=body) if _is_broad(caught) and not isinstance(body[-1], ast.Raise):
                yield function
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=caught):
                if any(_is_broad(one) for one in caught):
                    yield function
        inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else function
        yield from _swallowing(child, inner)


def _is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None | ast.Name(id="Exception" | "BaseException"):
            return True
        case ast.Tuple(elts=parts):
            return any(_is_broad(part) for part in parts)
        case _:
            return False


def _own_name(path: Path) -> str:
    return path.parent.name if path.name == "__init__.py" else path.stem
