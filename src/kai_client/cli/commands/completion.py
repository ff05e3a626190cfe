"""`kai completion`."""

import click

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes your shell complete `kai`.

    \b
    bash, in ~/.bashrc:       eval "$(kai completion bash)"
    zsh, in ~/.zshrc:         eval "$(kai completion zsh)"
    fish:                     kai completion fish > ~/.config/fish/completions/kai.fish
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - for this command only

    source = get_completion_class(shell)
    if source is None:
        raise click.UsageError(f"No completion for {shell}")
    root = click.get_current_context().find_root()
    click.echo(source(root.command, {}, "kai", "_KAI_COMPLETE").source())
