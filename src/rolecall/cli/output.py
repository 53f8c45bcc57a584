"""How does a command print what it found?"""

import json
import sys
from collections.abc import Mapping, Sequence

WIDE = 240
"""Columns of a table that goes into a file or a pipe, where nothing needs to be folded."""


def print_json(value: object) -> None:
    """Print one JSON value, readable and on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print rows under their headings, or, where there are none, the sentence `empty`; None shows as nothing."""
    if not rows:
        print(empty)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # `Text` takes a name as it is: `[bold]` in one is no command.
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one pair a line."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        print(f"{name.ljust(width)}  {'' if value is None else value}")


def print_error(sentence: str) -> None:
    """Print why a command failed, on standard error."""
    from rolecall.telemetry.logging import mask

    print(f"rolecall: {mask(sentence)}", file=sys.stderr)
