"""The options that every command takes, before or after its name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from generator.cli.complete import folders, hosts_and_groups

_Function = TypeVar("_Function", bound=Callable[..., Any])


class CommonOptions:
    """What was said on the command line for the run as a whole."""

    def __init__(self) -> None:
        self.inventory: Path | None = None
        self.limit: str | None = None
        self.verbose = 0
        self.log_format = "text"
        self.debug = False


_current = click.make_pass_decorator(CommonOptions, ensure=True)


def current_options() -> CommonOptions:
    """The options of the running command; defaults outside of one."""
    context = click.get_current_context(silent=True)
    if context is None:
        return CommonOptions()
    options = context.find_root().ensure_object(CommonOptions)
    return options if isinstance(options, CommonOptions) else CommonOptions()


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    options = context.find_root().ensure_object(CommonOptions)
    if parameter.name == "verbose":
        options.verbose += value
    elif value:
        setattr(options, str(parameter.name), value)


def common_options(function: _Function) -> _Function:
    """Add -i, -l, -v, --log-format and --debug to a command; `current_options` has what was given."""
    for option in reversed(
        (
            click.option(
                "-i", "--inventory", type=click.Path(path_type=Path), metavar="DIR", callback=_remember,
                expose_value=False, shell_complete=folders,
                help="The inventory's folder (default: $BQNCTL_INVENTORY, or the only one).",
            ),
            click.option(
                "-l", "--limit", metavar="PATTERN", callback=_remember, expose_value=False,
                shell_complete=hosts_and_groups,
                help="Only these hosts or groups, as Ansible's --limit: 'bqn-north', 'site_a:!bqn-3'.",
            ),
            click.option(
                "-v", "--verbose", count=True, callback=_remember, expose_value=False,
                help="Unfold long lists; -vv logs each wait, -vvv each request.",
            ),
            click.option(
                "--log-format", type=click.Choice(["text", "json"]), callback=_remember, expose_value=False,
                help="The log on stderr: for people, or JSON lines.",
            ),
            click.option(
                "--debug", is_flag=True, callback=_remember, expose_value=False,
                help="Show a traceback for errors.",
            ),
        )
    ):  # fmt: skip
        function = option(function)
    return function
