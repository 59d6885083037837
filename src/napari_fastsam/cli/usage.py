"""What is wrong with a command line, said as every other failure: in one line that names the value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from napari_fastsam.cli.common import FAILED, shown

_USAGE_ERROR: Any = typer.BadParameter.__base__
"""Of click, or of typer where it brings its own; it has no public name in both."""


class OneLineGroup(TyperGroup):
    """Commands whose wrong options and arguments are told in one line, where typer draws a box of five."""

    def make_context(self, *args: Any, **keywords: Any) -> Any:
        """Read the options before the command."""
        with _in_one_line():
            return super().make_context(*args, **keywords)

    def invoke(self, ctx: Any) -> Any:
        """Read the command's own options, and run it."""
        with _in_one_line():
            return super().invoke(ctx)


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # no error: the help is what is shown
            raise
        typer.echo(f"Error: {shown(_sentence(error))}", err=True)
        raise typer.Exit(FAILED) from error


def _sentence(error: Any) -> str:
    """Return what is wrong, the value, which pydantic leaves out of its message, and where to read on."""
    said = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    details: list[Any] = getattr(error.__cause__, "errors", list)()
    given = repr(details[0]["input"]) if details else ""
    value = "" if given in said else f"; {given} was given"
    ctx = error.ctx
    return f"{said}{value}" + ("" if ctx is None else f"; see '{ctx.command_path} --help'")
