"""Which options do several commands share?"""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from typer.models import OptionInfo

from rolecall.settings import PREFIX, Settings


def setting(name: str) -> OptionInfo:
    """Return the option that stands for a setting: its description, its variable, its default."""
    field = Settings.model_fields[name]
    default = field.default
    shown = (
        str(getattr(default, "value", default))
        if field.default_factory is None and default not in {None, (), False}
        else ""
    )
    option: OptionInfo = typer.Option(
        f"--{name.replace('_', '-')}",
        help=field.description,
        envvar=f"{PREFIX}{name.upper()}",
        show_default=shown or False,
    )
    return option


DataDir: TypeAlias = Annotated[Path | None, setting("data_dir")]
DatabaseUrl: TypeAlias = Annotated[str | None, setting("database_url")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Print at most so many.")]
Skip: TypeAlias = Annotated[int, typer.Option("--skip", min=0, help="Leave out so many first.")]
UserName: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.", show_default=False)]
Role: TypeAlias = Annotated[str, typer.Option("--role", help="The role's name, or its id.", show_default=False)]
Team: TypeAlias = Annotated[str, typer.Option("--team", help="The team in which the role holds.")]
