"""Reads one host: its variables resolved, its secrets taken out, everything checked against the schemas."""

from collections.abc import Iterator
from typing import Any

from generator.documents.nearest import suggestion
from generator.documents.schema import schema_findings
from generator.documents.wording import Finding, shown
from generator.errors import DocumentError, Problem
from generator.inventory.credentials import read_credentials
from generator.inventory.graph import Graph
from generator.inventory.secret import Secret
from generator.inventory.shape import BILLING, Shape, filled, known_systems, shape_of
from generator.inventory.templating import CREDENTIALS, Resolver, is_template

_ANSIBLE_HOST = "ansible_host"
_Path = tuple[Any, ...]


class HostReading:
    """One host while it is read: `values` with defaults filled in, `secrets`, and the problems so far."""

    def __init__(self, name: str, *, kind: str, graph: Graph, resolver: Resolver, wanted: bool) -> None:
        self.name, self.kind, self.problems = name, kind, list[Problem]()
        self.secrets: dict[str, Secret] = {}
        self.values: dict[str, Any] = {}
        self._graph, self._resolver, self._wanted = graph, resolver, wanted
        self._variables = resolver.variables
        self._broken: set[str] = set()
        """Settings with a template that failed: they have no value."""
        self._faulty: set[str] = set()
        """Settings with a value that breaks the schema."""
        self.shape = self._shape()
        self._read()

    def sound(self, setting: str) -> bool:
        """Whether the setting has a value in which the schemas found no fault."""
        return setting in self.values and setting not in self._faulty

    def at(
        self, path: _Path, what: str, *, fix: str | None = None, of_key: bool = False, key: str | None = None
    ) -> None:
        """Keep a problem with the setting that `path` leads to: placed where the variable stands."""
        source = self._source(path[0]) if path else None
        key = key or ".".join(str(part) for part in path)
        if source is None:
            problem = self._graph.problem_at(self.name, what, key=key, fix=fix)
        else:
            variable = self._variables[source]
            problem = variable.problem(what, path[1:], host=self.name, key=key, of_key=of_key, fix=fix)
        self.problems.append(problem)

    def _source(self, setting: str) -> str | None:
        """The variable that a setting comes from."""
        if setting in self._variables:
            return setting
        return _ANSIBLE_HOST if setting == "host" and _ANSIBLE_HOST in self._variables else None

    def _shape(self) -> Shape:
        if self.kind != BILLING or "system" not in self._variables:
            return shape_of(self.kind)
        system = self._resolve("system")
        systems = known_systems()
        if system in systems:
            return shape_of(self.kind, system)
        if isinstance(system, str) and system and "system" not in self._broken:
            near = suggestion(system, systems)
            known = f"known: {', '.join(systems)}"
            fix = known if near is None or near == known else f"{near} {known}"
            self.at(("system",), f"there is no billing system {shown(system)}", fix=fix)
            self._broken.add("system")
        return shape_of(self.kind)

    def _read(self) -> None:
        instance: dict[str, Any] = {}
        for setting in self.shape.rules:
            source = self._source(setting)
            if source is not None and setting != CREDENTIALS and setting not in self._broken:
                instance[setting] = self._resolve(source, setting=setting)
        if "host" not in instance:
            instance["host"] = self.name
        if CREDENTIALS in self._variables:
            read = read_credentials(self._resolver, self.shape, host=self.name, wanted=self._wanted)
            self.secrets, instance[CREDENTIALS] = dict(read.secrets), read.stand_in
            self.problems += read.problems
        present = {setting: value for setting, value in instance.items() if setting not in self._broken}
        for found in self._findings(present):
            self._keep(found)
        self.values = filled(present, self.shape.rules)

    def _resolve(self, source: str, *, setting: str | None = None) -> Any:
        """The value of a variable; each template in it that fails is a problem, and breaks the setting."""
        before = len(self.problems)
        value = self._walk(self._variables[source].value, source, ())
        if len(self.problems) > before:
            self._broken.add(setting or source)
        return value

    def _walk(self, raw: Any, name: str, below: _Path) -> Any:
        if isinstance(raw, dict):
            return {key: self._walk(part, name, (*below, key)) for key, part in raw.items()}
        if isinstance(raw, list):
            return [self._walk(part, name, (*below, index)) for index, part in enumerate(raw)]
        if not is_template(raw):
            return raw
        try:
            return self._resolver.resolve(name, below)
        except DocumentError as error:
            self.problems += error.problems
            return None

    def _findings(self, instance: dict[str, Any]) -> Iterator[Finding]:
        """What the schemas find, each once: the general one and the system's often agree."""
        seen: set[tuple[_Path, str | None]] = set()
        for schema in self.shape.schemas:
            for found in schema_findings(instance, schema):
                broken = not found.path and found.missing in self._broken
                if not broken and (found.path, found.missing) not in seen:
                    seen.add((found.path, found.missing))
                    yield found

    def _keep(self, found: Finding) -> None:
        path = found.path
        self._faulty.update(path[:1])
        if found.missing is not None:
            key = ".".join(str(part) for part in (*path, found.missing))
            about = self.shape.rules.get(key, {}).get("description")
            self.at(path, found.what, fix=f"add {key}: {about}" if about else found.fix, key=key)
        elif path[0] != CREDENTIALS:
            self.at(path, found.what, fix=found.fix, of_key=found.of_key)
        elif found.of_key:
            # A key here may be a password without the blank before it ({password:hunter2}): it is not told.
            fix = f"known: {', '.join(self.shape.known_credentials())}; a blank stands after each colon"
            self.at(path, "an unknown key stands here", fix=fix, of_key=True, key=CREDENTIALS)
        else:
            names = ", ".join(self.shape.credential_names())
            self.at((CREDENTIALS,), "this is not a mapping", fix=f"write {names} below it, each with its value")
