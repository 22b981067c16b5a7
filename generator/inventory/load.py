"""Loads an inventory: hosts.yml, group_vars, host_vars and secrets → typed settings (design section 2)."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from generator.errors import DocumentError, Problem
from generator.inventory.checks import check_host
from generator.inventory.convert import billing_host, bqn_host
from generator.inventory.graph import ALL, Graph
from generator.inventory.lookups import Lookups
from generator.inventory.merge import Merged, merge
from generator.inventory.reading import HostReading
from generator.inventory.settings import Inventory
from generator.inventory.shape import BILLING, BQN
from generator.inventory.templating import Resolver, template_names
from generator.inventory.unknown import missing_kinds, unknown_variables, unread_files
from generator.inventory.vault import Vault

_Groups = Mapping[str, tuple[str, ...]]

KINDS = frozenset({BILLING, BQN})


def load_inventory(
    folder: Path,
    *,
    environ: Mapping[str, str],
    credentials: frozenset[str] = KINDS,
    hosts: frozenset[str] | None = None,
) -> Inventory:
    """The inventory in `folder`, validated; environment variables are taken from `environ`.

    `credentials` are the kinds of host (`billing`, `bqn`) whose secrets are wanted, `hosts` which of those
    (None: all): the secrets of the others are neither resolved nor needed, and are empty. Raises
    `DocumentError` with every problem of every host.
    """
    vault = Vault(environ)
    merged = merge(folder, vault)
    problems = [*missing_kinds(merged.graph), *unread_files(folder, merged.graph)]
    kinds = _kinds(merged.graph, problems)
    groups = {name: merged.graph.members(name) for name in merged.graph.groups}
    wanted = {host for host, kind in kinds.items() if kind in credentials and (hosts is None or host in hosts)}
    readings = [
        _read(merged, host, kind=kind, groups=groups, lookups=Lookups(folder, environ, vault), wanted=host in wanted)
        for host, kind in kinds.items()
    ]
    problems += _unknown(merged, readings, groups=groups)
    sources = [host for host, kind in kinds.items() if kind == BILLING]
    for read in readings:
        check_host(read, folder, sources=sources)
    problems += [problem for read in readings for problem in read.problems]
    if problems:
        raise DocumentError(sorted(problems, key=_place))
    billing = {read.name: billing_host(read, folder) for read in readings if read.kind == BILLING}
    bqn = {read.name: bqn_host(read, folder, sources=sources) for read in readings if read.kind == BQN}
    return Inventory(folder=folder, billing=billing, bqn=bqn, groups=groups)


def _place(problem: Problem) -> tuple[str, int, int]:
    return (str(problem.file), problem.line, problem.column)


def _kinds(graph: Graph, problems: list[Problem]) -> dict[str, str]:
    """What each host is, in the order of the file; hosts in neither group are none of ours."""
    members = {kind: set(graph.members(kind)) if kind in graph.groups else set() for kind in (BILLING, BQN)}
    kinds: dict[str, str] = {}
    for host in graph.hosts:
        found = [kind for kind in (BILLING, BQN) if host in members[kind]]
        if len(found) > 1:
            what = "the host is in the groups billing and bqn"
            problems.append(graph.problem_at(host, what, fix="give the appliance and the billing system a host each"))
        elif found:
            kinds[host] = found[0]
    return kinds


def _read(merged: Merged, host: str, *, kind: str, groups: _Groups, lookups: Lookups, wanted: bool) -> HostReading:
    resolver = Resolver(
        host,
        variables=merged.variables[host],
        magic=_magic(merged, host, groups=groups),
        lookups=lookups,
    )
    return HostReading(host, kind=kind, graph=merged.graph, resolver=resolver, wanted=wanted)


def _magic(merged: Merged, host: str, *, groups: _Groups) -> dict[str, Any]:
    """The variables that Ansible gives every host."""
    graph, folder = merged.graph, merged.folder.resolve()
    return {
        "inventory_hostname": host,
        "inventory_hostname_short": host if _is_address(host) else host.split(".", maxsplit=1)[0],
        "inventory_dir": str(folder),
        "inventory_file": str(folder / graph.document.file.name),
        "group_names": sorted(group.name for group in graph.groups_of(host)),
        "groups": groups,
    }


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _unknown(merged: Merged, readings: list[HostReading], *, groups: _Groups) -> Iterator[Problem]:
    """Settings that would do nothing; one in a group is told once, not for each of its hosts."""
    used = {
        name
        for variables in merged.variables.values()
        for variable in variables.values()
        for name in template_names(variable.value)
    }
    hosts = {kind: {read.name for read in readings if read.kind == kind} for kind in KINDS}
    alone = {kind: {name for name, members in groups.items() if hosts[kind].issuperset(members)} for kind in KINDS}
    told: set[Problem] = set()
    for read in readings:
        peers = alone[read.kind] - {ALL}
        variables = merged.variables[read.name]
        for problem in unknown_variables(variables, read.shape, host=read.name, used=used, peers=peers):
            if problem not in told:
                told.add(problem)
                yield problem
