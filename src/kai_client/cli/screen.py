"""stdout and stderr as rich draws on them: with the colours that `--color` and the environment ask for, and no others."""

import sys
from typing import TYPE_CHECKING

import click

from .answer.markdown_blocks import parser

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "print_markdown"]


def console(*, stderr: bool = False, width: int | None = None) -> "Console":
    """A console. `--color` decides about escape sequences, else whether there is a terminal; NO_COLOR is obeyed."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and few commands draw

    context = click.get_current_context(silent=True)
    color = context.color if context is not None else None
    return Console(
        file=sys.stderr if stderr else sys.stdout,
        width=width,
        force_terminal=color,
        no_color=color is False or None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def print_markdown(text: str, on: "Console") -> None:
    """Markdown as it looks in a chat. `text` is fit to be shown already (`ShownText`)."""
    from rich.markdown import Markdown  # noqa: PLC0415

    drawing = Markdown(text, code_theme="ansi_dark", hyperlinks=False)
    drawing.parsed = parser().parse(text)  # rich leaves no choice of a parser
    on.print(drawing)
