"""`bqnctl completion`: the script that lets a shell complete commands, options, hosts and folders."""

import sys

import click
from click.shell_completion import get_completion_class

from generator.cli.options import common_options
from generator.errors import Exit

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_BQNCTL_COMPLETE"


@click.command(name="completion", short_help="the completion script of a shell")
@click.argument("shell", type=click.Choice(SHELLS))
@common_options
def command(*, shell: str) -> Exit:
    """Print the completion script of SHELL, for example: source <(bqnctl completion bash)."""
    kind = get_completion_class(shell)
    if kind is None:  # pragma: no cover - click has all three
        raise LookupError(shell)
    script = kind(click.get_current_context().find_root().command, {}, "bqnctl", _VARIABLE).source()
    # click's script for fish cuts an answer at every comma, and patterns of hosts have some.
    sys.stdout.write(script.replace('string split ","', 'string split --max 1 ","'))
    return Exit.OK
