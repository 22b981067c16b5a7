"""Merges variables exactly as Ansible does, with `hash_behaviour = replace`.

From weak to strong (ansible-core, VARIABLE_PRECEDENCE): `all` in hosts.yml, other groups in hosts.yml,
group_vars/all, other group_vars, the host in hosts.yml, host_vars. Among groups: depth,
`ansible_group_priority` (hosts.yml only), name. tests/integration/test_ansible_inventory.py compares with
the real `ansible-inventory`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from generator.errors import DocumentError, Problem
from generator.inventory.graph import ALL, Graph
from generator.inventory.hosts_file import read_graph
from generator.inventory.variables import Variable, read_variables, variable_files
from generator.inventory.vault import Vault


class Merged(Struct, frozen=True, kw_only=True):
    """A whole inventory before templating: the graph, and each host's variables, merged."""

    folder: Path
    graph: Graph
    variables: Mapping[str, Mapping[str, Variable]]


def merged_variables(folder: Path, vault: Vault) -> dict[str, dict[str, Any]]:
    """Each host's variables as `ansible-inventory --list` has them: merged, templates as written.

    Raises `DocumentError` with every problem of the files.
    """
    return {
        host: {name: variable.value for name, variable in variables.items()}
        for host, variables in merge(folder, vault).variables.items()
    }


def merge(folder: Path, vault: Vault) -> Merged:
    """The inventory in `folder`, merged; raises `DocumentError` with every problem of the files."""
    graph = read_graph(folder, vault)
    files = _Files(folder, vault)
    variables = {host: _of_host(graph, files, host) for host in graph.hosts}
    if files.problems:
        raise DocumentError(files.problems)
    return Merged(folder=folder, graph=graph, variables=variables)


def _of_host(graph: Graph, files: "_Files", host: str) -> dict[str, Variable]:
    merged = dict(graph.groups[ALL].variables)
    groups = graph.groups_of(host)
    for group in groups:
        merged |= group.variables
    merged |= files.of_group(ALL)
    for group in groups:
        merged |= files.of_group(group.name)
    return merged | graph.hosts[host] | files.of_host(host)


class _Files:
    """group_vars and host_vars of one folder; each file is read once, problems are kept."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder, self._vault, self.problems = folder, vault, list[Problem]()
        self._groups: dict[str, dict[str, Variable]] = {}

    def of_group(self, name: str) -> dict[str, Variable]:
        if name not in self._groups:
            self._groups[name] = self._read("group_vars", name, of_host=False)
        return self._groups[name]

    def of_host(self, name: str) -> dict[str, Variable]:
        return self._read("host_vars", name, of_host=True)

    def _read(self, kind: str, name: str, *, of_host: bool) -> dict[str, Variable]:
        merged: dict[str, Variable] = {}
        for file in variable_files(self._folder / kind, name):
            try:
                merged |= read_variables(file, self._vault, owner=name, of_host=of_host)
            except DocumentError as error:
                self.problems += error.problems
        return merged
