"""Finds settings that would silently do nothing: typos, settings of the other kind, files for nobody."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from generator.documents.nearest import typo_of
from generator.errors import Problem
from generator.inventory.graph import Graph
from generator.inventory.shape import BILLING, BQN, Shape, shape_of
from generator.inventory.templating import CREDENTIALS
from generator.inventory.variables import Variable

_CREDENTIAL_NAMES = frozenset({"username", "password", "api_key", "api_secret", "client_id", "client_secret"})


def unknown_variables(
    variables: Mapping[str, Variable],
    shape: Shape,
    *,
    host: str,
    used: Collection[str],
    peers: Collection[str],
) -> Iterator[Problem]:
    """The variables of `host` that look like settings and are none.

    Others are the operator's own business, as are those of Ansible and those that templates use (`used`).
    A setting of the other kind of host is told where it can only be meant for this one: at the host itself
    or in one of the groups `peers`, which hold hosts of this kind alone.
    """
    other = shape_of(BILLING if shape.kind == BQN else BQN)
    secrets = _CREDENTIAL_NAMES | set(shape.known_credentials())
    for name, variable in variables.items():
        if not isinstance(name, str) or name in shape.rules or name.startswith("ansible_") or name in used:
            continue
        own = variable.of_host or variable.owner in peers
        meant = typo_of(name, shape.rules)
        what, fix = None, None
        if name in other.rules:
            if own:
                what, fix = f"{name} is a setting of {other.kind} hosts only", "take it out"
        elif meant:
            what, fix = f"there is no setting {name}", f"did you mean {meant}?"
        elif own and name in secrets:
            what, fix = f"{name} stands beside {CREDENTIALS}", f"put it below {CREDENTIALS}"
        if what:
            yield variable.problem(what, host=host if variable.of_host else None, key=name, of_key=True, fix=fix)


def unread_files(folder: Path, graph: Graph) -> Iterator[Problem]:
    """Files of group_vars and host_vars whose names are most likely typos of a group or host."""
    for kind, names in (("group_vars", graph.groups), ("host_vars", graph.hosts)):
        where = folder / kind
        for path in sorted(where.iterdir()) if where.is_dir() else ():
            if path.name in names or path.stem in names or path.name.startswith(".") or path.name.endswith("~"):
                continue
            meant = typo_of(path.stem, names)
            if meant:
                noun = kind.removesuffix("_vars")
                fix = f"did you mean {path.with_name(meant + path.suffix).name}?"
                yield Problem(what=f"there is no {noun} {path.stem}: nobody reads this", file=path, fix=fix)


def missing_kinds(graph: Graph) -> Iterator[Problem]:
    """The groups billing and bqn, where a typo hides one of them or where both are empty."""
    for kind in (BILLING, BQN):
        meant = None if kind in graph.groups else next((name for name in graph.groups if typo_of(name, [kind])), None)
        if meant:
            path = (meant,) if meant in graph.document.data else ("all", "children", meant)
            yield graph.document.problem(
                f"the hosts of the group {meant} are neither billing systems nor BQNs",
                path,
                of_key=True,
                fix=f"did you mean {kind}?",
            )
            return
    if not any(graph.members(kind) for kind in (BILLING, BQN) if kind in graph.groups):
        yield graph.document.problem(
            "no host is in the group billing or in the group bqn", fix="put the hosts into these two groups"
        )
