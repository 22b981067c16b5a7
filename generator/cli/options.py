"""The options that every command takes, before or after its name."""

import os
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
        self.vault_ids: list[str] = []
        """LABEL@FILE of each vault password that was given."""


_current = click.make_pass_decorator(CommonOptions, ensure=True)


def current_options() -> CommonOptions:
    """The options of the running command; defaults outside of one."""
    context = click.get_current_context(silent=True)
    if context is None:
        return CommonOptions()
    options = context.find_root().ensure_object(CommonOptions)
    return options if isinstance(options, CommonOptions) else CommonOptions()


def environment() -> dict[str, str]:
    """The environment for the inventory: the process's own, with the vault passwords of the command line first."""
    from generator.inventory.vault import IDENTITIES  # noqa: PLC0415 - `--help` needs nothing of it

    environ = dict(os.environ)
    given = [*current_options().vault_ids, environ.get(IDENTITIES, "")]
    return environ | {IDENTITIES: ",".join(filter(None, given))}


def _remember_vault(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    label = "default@" if parameter.name == "vault_password_file" else ""
    context.find_root().ensure_object(CommonOptions).vault_ids += [f"{label}{each}" for each in value]


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
                "--vault-password-file", metavar="FILE", multiple=True, callback=_remember_vault, expose_value=False,
                help="The password of what Ansible Vault encrypted in the inventory.",
            ),
            click.option(
                "--vault-id", metavar="LABEL@FILE", multiple=True, callback=_remember_vault, expose_value=False,
                help="The same for what has this label.",
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
