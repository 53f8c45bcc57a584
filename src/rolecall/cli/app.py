"""Which commands are there, and how does each end?"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from rolecall.cli import serve
from rolecall.cli.admin.app import app as admin
from rolecall.cli.exit_codes import ExitCode, exit_code_of
from rolecall.cli.output import print_error
from rolecall.kernel.errors import DomainError

app = typer.Typer(
    name="rolecall",
    help="Rolecall: who can do what, on what, by which path, and since when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.add_typer(admin, name="admin")


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # Typer calls it so
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(version("rolecall"))
        except PackageNotFoundError:
            print("not installed")
        raise typer.Exit


@app.callback()
def rolecall(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Rolecall: who can do what, on what, by which path, and since when."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with a code of `ExitCode`."""
    # Databases, keys and backups are for whoever runs Rolecall alone.
    os.umask(0o077)
    try:
        try:
            app(args=arguments, prog_name="rolecall")
        finally:
            sys.stdout.flush()
    except DomainError as error:
        print_error(error.detail)
        sys.exit(exit_code_of(error))
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            # A file or folder of the person's own: the sentence needs no traceback.
            print_error(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
            sys.exit(ExitCode.NOT_FOUND if isinstance(error, FileNotFoundError) else ExitCode.REFUSED)
        # Whoever read our output (`| head`) has enough. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(ExitCode.OK)
