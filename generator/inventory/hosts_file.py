"""Reads hosts.yml into the graph of groups and hosts, as ansible-core's YAML inventory does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generator.documents.schema import schema_findings
from generator.documents.wording import described
from generator.documents.yaml import Document
from generator.errors import DocumentError, Problem
from generator.inventory.graph import ALL, Graph
from generator.inventory.ranges import RangeError, expand_host
from generator.inventory.variables import Variable, read_document
from generator.inventory.vault import Vault

PRIORITY = "ansible_group_priority"


def hosts_file(folder: Path) -> Path:
    """hosts.yml, or hosts.yaml, of an inventory; raises `DocumentError` when there is none or are two."""
    found = [file for file in (folder / "hosts.yml", folder / "hosts.yaml") if file.is_file()]
    if not found:
        fix = "write it, or start with `bqnctl init`"
        raise DocumentError([Problem(what="there is no such file", file=folder / "hosts.yml", fix=fix)])
    if len(found) > 1:
        raise DocumentError([Problem(what="hosts.yml stands beside it", file=found[1], fix="keep one of the two")])
    return found[0]


def read_graph(folder: Path, vault: Vault) -> Graph:
    """The groups and hosts of the inventory in `folder`; raises `DocumentError` with every problem."""
    document = read_document(hosts_file(folder), vault)
    problems = _shape_problems(document)
    builder = _Builder(document)
    if not problems:
        for name, body in document.data.items():
            builder.group(name, body, (name,))
        problems = builder.problems
    if problems:
        raise DocumentError(problems)
    builder.graph.finish()
    return builder.graph


def _shape_problems(document: Document) -> list[Problem]:
    if document.data is None:
        return [document.problem("the file is empty", fix="name the groups billing and bqn with their hosts")]
    unnamed = [
        document.problem(f"{described(path[-1])} is not a name", path, of_key=True, fix="put it in quotes")
        for path in _name_paths(document.data, ())
        if not isinstance(path[-1], str) or not path[-1]
    ]
    return unnamed or [
        document.problem(found.what, found.path, of_key=found.of_key, fix=found.fix)
        for found in schema_findings(_groups(document.data), "inventory")
    ]


def _name_paths(data: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """The path of every name of a group, a host and a group's part."""
    for name, body in data.items() if isinstance(data, dict) else ():
        yield (*path, name)
        for part, below in body.items() if isinstance(body, dict) else ():
            yield (*path, name, part)
            if part == "children":
                yield from _name_paths(below, (*path, name, part))
            elif part in ("hosts", "vars") and isinstance(below, dict):
                yield from ((*path, name, part, key) for key in below)


def _groups(data: Any) -> Any:
    """The groups without the values of their variables, which are no business of the file's own schema."""
    return {name: _group(body) for name, body in data.items()} if isinstance(data, dict) else data


def _group(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    hidden = {part: _hidden(below) for part, below in body.items()}
    if "children" in body:
        hidden["children"] = _groups(body["children"])
    if isinstance(body.get("hosts"), dict):
        hidden["hosts"] = {host: _hidden(variables) for host, variables in body["hosts"].items()}
    return hidden


def _hidden(value: Any) -> Any:
    return {} if isinstance(value, dict) else [] if isinstance(value, list) else value


class _Builder:
    """Walks hosts.yml once, in its order, and keeps the problems on the way."""

    def __init__(self, document: Document) -> None:
        self.graph, self.problems, self._document = Graph(document), list[Problem](), document

    def group(self, name: str, body: Any, path: tuple[Any, ...]) -> None:
        self.graph.add_group(name)
        for part, below in (body or {}).items():
            entries = {below: None} if isinstance(below, str) else below or {}
            if part == "vars":
                for variable, value in entries.items():
                    self._set(name, variable, value, (*path, part, variable))
            elif part == "children":
                for child, child_body in entries.items():
                    self.group(child, child_body, (*path, part, child))
                    self._link(name, child, (*path, part, child))
            else:
                for pattern, variables in entries.items():
                    self._hosts(name, pattern, variables or {}, (*path, part, pattern))

    def _link(self, parent: str, child: str, path: tuple[Any, ...]) -> None:
        if child in (ALL, parent) or child in self.graph.ancestors(parent):
            what = f"the group {child} would be a child of itself"
            if child == ALL:
                what = f"the group {ALL} cannot be a child: every group is below it"
            self.problems.append(self._document.problem(what, path, of_key=True, fix="take it out here"))
            return
        self.graph.link(parent, child)

    def _hosts(self, group: str, pattern: str, variables: dict[str, Any], path: tuple[Any, ...]) -> None:
        try:
            names, port = expand_host(pattern)
        except RangeError as error:
            self.problems.append(self._document.problem(str(error), path, of_key=True))
            return
        for name in names:
            if name not in self.graph.hosts:
                self.graph.hosts[name], self.graph.places[name] = {}, path
                if port is not None:
                    self._set(name, "ansible_port", port, path)
            self.graph.groups[group].hosts.setdefault(name)
            for variable, value in variables.items():
                self._set(name, variable, value, (*path, variable))

    def _set(self, name: str, variable: str, value: Any, path: tuple[Any, ...]) -> None:
        group = self.graph.groups.get(name)
        if group is not None and variable == PRIORITY:
            try:
                group.priority = int(value)
            except (TypeError, ValueError, OverflowError):
                what = f"{described(value)} is not a whole number"
                self.problems.append(self._document.problem(what, path))
            return
        target = self.graph.hosts[name] if group is None else group.variables
        target[variable] = Variable(value=value, document=self._document, path=path, owner=name, of_host=group is None)
