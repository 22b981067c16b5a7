"""What a shell offers for -i and -l while a line is typed: quick, and silent whatever is wrong."""

import os
import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from generator.errors import BqnctlError

_PLAIN = re.compile(r"[\w.-]+")
_SEPARATOR = re.compile(r"[,:]?[&!]?[^,:&!]*\Z")


def folders(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 - click's signature
    """Folders, which the shell itself lists."""
    return [CompletionItem(incomplete, type="dir")]


def hosts_and_groups(
    context: click.Context,
    parameter: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """The hosts and groups of the inventory that the line is about, each behind what stands before it."""
    from generator.cli.options import CommonOptions  # noqa: PLC0415 - that module uses this one

    options = context.find_root().ensure_object(CommonOptions)
    last = _last_part(incomplete)
    before = incomplete[: len(incomplete) - len(last)]
    names = _names(options.inventory)
    return [CompletionItem(f"{before}{name}", help=what) for name, what in names.items() if name.startswith(last)]


def _last_part(pattern: str) -> str:
    """The name being typed at the end of a pattern of hosts: of `north,!bqn-` it is `bqn-`."""
    found = _SEPARATOR.search(pattern)
    return (found[0] if found else "").lstrip(",:&!")


def _names(inventory: Path | None) -> dict[str, str]:
    """Each name of a host or group and what it is; none where the inventory cannot be read."""
    from generator.inventory.find import find_inventory  # noqa: PLC0415 - a line without -l needs none of it
    from generator.inventory.graph import UNGROUPED  # noqa: PLC0415 - same
    from generator.inventory.hosts_file import read_graph  # noqa: PLC0415 - same
    from generator.inventory.vault import Vault  # noqa: PLC0415 - same

    try:
        graph = read_graph(find_inventory(inventory, os.environ, Path.cwd()), Vault(os.environ))
    except (BqnctlError, OSError, ValueError, RecursionError):
        return {}
    names = dict.fromkeys(graph.groups, "group") | dict.fromkeys(graph.hosts, "host")
    return {name: what for name, what in names.items() if name != UNGROUPED and _typable(name)}


def _typable(name: str) -> bool:
    """Whether every shell takes the name as it is: no blank, no quote, nothing that it would expand."""
    return _PLAIN.fullmatch(name) is not None
