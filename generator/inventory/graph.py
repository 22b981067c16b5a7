"""The graph of groups and hosts, ranked by the rules of ansible-core.

A group is deeper than each of its parents; groups without a parent hang under `all`; a host that is in no
other group is in `ungrouped`. Variables set for a name that is both a group and a host go to the group.
"""

from typing import Any

from generator.documents.yaml import Document
from generator.errors import Problem
from generator.inventory.variables import Variable

ALL, UNGROUPED = "all", "ungrouped"


class Group:
    """A group while and after hosts.yml is read: what it holds, and where it ranks."""

    __slots__ = ("children", "depth", "hosts", "name", "parents", "priority", "variables")

    def __init__(self, name: str) -> None:
        self.name, self.depth, self.priority = name, 0, 1
        self.hosts: dict[str, None] = {}
        self.children: dict[str, None] = {}
        self.parents: dict[str, None] = {}
        self.variables: dict[str, Variable] = {}


class Graph:
    """The groups and hosts of one hosts.yml, by name in the order of the file.

    `hosts` holds each host's own variables; `places` where hosts.yml names it first.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self.groups: dict[str, Group] = {}
        self.hosts: dict[str, dict[str, Variable]] = {}
        self.places: dict[str, tuple[Any, ...]] = {}
        self.add_group(ALL)
        self.add_group(UNGROUPED)
        self.link(ALL, UNGROUPED)

    def add_group(self, name: str) -> Group:
        """The group `name`, made if it is new."""
        return self.groups.setdefault(name, Group(name))

    def link(self, parent: str, child: str) -> None:
        """Make `child` a child group of `parent`; the caller has seen that this closes no loop."""
        self.groups[parent].children.setdefault(child)
        self.groups[child].parents.setdefault(parent)

    def ancestors(self, name: str) -> set[str]:
        """The groups above the group `name`."""
        found: set[str] = set()
        waiting = list(self.groups[name].parents)
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting += self.groups[parent].parents
        return found

    def members(self, name: str) -> tuple[str, ...]:
        """The hosts of the group `name` and of its child groups: its own first, then level by level."""
        seen = {name: None}
        hosts: dict[str, None] = {}
        level = [name]
        while level:
            for group in level:
                hosts.update(self.groups[group].hosts)
            below = dict.fromkeys(child for group in level for child in self.groups[group].children)
            level = [child for child in below if child not in seen]
            seen.update(below)
        return tuple(hosts)

    def groups_of(self, host: str) -> list[Group]:
        """The groups of `host` but `all`, the weakest first: by depth, then priority, then name."""
        names: set[str] = set()
        for group in self.groups.values():
            if host in group.hosts:
                names |= {group.name} | self.ancestors(group.name)
        groups = [self.groups[name] for name in names - {ALL}]
        return sorted(groups, key=lambda group: (group.depth, group.priority, group.name))

    def finish(self) -> None:
        """Hang loose groups under `all`, loose hosts under `ungrouped`, and work out every depth."""
        for group in self.groups.values():
            if group.name != ALL and not group.parents:
                self.link(ALL, group.name)
        for host in self.hosts:
            named = {group.name for group in self.groups_of(host)}
            if named - {UNGROUPED}:
                self.groups[UNGROUPED].hosts.pop(host, None)
            else:
                self.groups[UNGROUPED].hosts.setdefault(host)
        self._deepen()

    def _deepen(self) -> None:
        level = [ALL]
        for depth in range(len(self.groups)):
            for name in level:
                self.groups[name].depth = depth
            level = list(dict.fromkeys(child for name in level for child in self.groups[name].children))

    def problem_at(self, host: str, what: str, *, key: str | None = None, fix: str | None = None) -> Problem:
        """A problem of a host as a whole, at its first line in hosts.yml."""
        place = self.document.place(self.places[host], of_key=True)
        return Problem(
            what=what,
            file=self.document.file,
            line=place.line,
            column=place.column,
            host=host,
            key=key,
            fix=fix,
        )
