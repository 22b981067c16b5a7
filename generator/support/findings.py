"""The inventory as far as it can be read: its hosts, what is wrong in it, and the secrets to look for."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from generator.desired.check import reference_problems
from generator.desired.overrides.reading import load_overrides
from generator.desired.tree import load_tree
from generator.errors import DocumentError, Problem
from generator.inventory.load import KINDS, load_inventory
from generator.inventory.settings import BillingHost, BqnHost
from generator.model import DesiredState
from generator.support.redaction import redacted

_LARGEST = 1 << 20
_HOSTS_FILES = ("hosts.yml", "hosts.yaml", "gateway.yml")
_LOOKUP = re.compile(r"lookup\(\s*['\"](env|file)['\"]\s*,\s*['\"]([^'\"]+)['\"]")


class Findings(Struct, frozen=True, kw_only=True):
    """What an inventory folder has, also a broken one.

    `billing` and `bqn` are the hosts whose secrets could be resolved; `files` are those of the inventory without
    secrets; `states` the desired states that can be read; `problems` what is wrong; `secrets` every credential seen.
    """

    billing: tuple[BillingHost, ...] = ()
    bqn: tuple[BqnHost, ...] = ()
    plain: frozenset[str] = frozenset()
    files: Mapping[str, str] = {}
    states: Mapping[str, DesiredState] = {}
    problems: tuple[Problem, ...] = ()
    secrets: frozenset[str] = frozenset()


def look_at(folder: Path, environ: Mapping[str, str]) -> Findings:
    """Everything about the inventory in `folder` that can be found out without a network."""
    problems: list[Problem] = []
    files = {name: redacted(text) for name, text in _texts(folder, problems)}
    secrets = {secret for each in files.values() for secret in each.secrets}
    secrets |= set(_looked_up(folder, environ))
    billing, bqn, plain = _hosts(folder, environ, problems)
    secrets |= {secret.reveal() for host in billing for secret in host.credentials.values()}
    secrets |= {secret.reveal() for host in bqn for secret in (host.username, host.password)}
    states = dict(_states(folder / "desired", problems))
    _overrides(folder, problems)
    return Findings(
        billing=billing, bqn=bqn, plain=plain, states=states, problems=tuple(problems),
        files={name: each.text for name, each in files.items()}, secrets=frozenset(map(str.strip, secrets)),
    )  # fmt: skip


def _hosts(
    folder: Path, environ: Mapping[str, str], problems: list[Problem]
) -> tuple[tuple[BillingHost, ...], tuple[BqnHost, ...], frozenset[str]]:
    """The hosts whose secrets can be resolved, each by itself, and the names and addresses of all."""
    try:
        load_inventory(folder, environ=environ, credentials=KINDS)
    except DocumentError as error:
        problems += error.problems
    try:
        known = load_inventory(folder, environ=environ, credentials=frozenset())
    except DocumentError:
        return (), (), frozenset()  # its problems are among those above
    billing: list[BillingHost] = []
    bqn: list[BqnHost] = []
    for name in (*known.billing, *known.bqn):
        try:
            one = load_inventory(folder, environ=environ, credentials=KINDS, hosts=frozenset({name}))
        except DocumentError:
            continue  # the same
        billing += [host for host in one.billing.values() if host.name == name]
        bqn += [host for host in one.bqn.values() if host.name == name]
    addresses = {*(host.host for host in known.billing.values()), *(host.host for host in known.bqn.values())}
    return tuple(billing), tuple(bqn), frozenset({*known.billing, *known.bqn, *known.groups, *addresses})


def _texts(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """The files of the inventory that hold settings."""
    found = [folder / name for name in _HOSTS_FILES]
    found += [path for kind in ("group_vars", "host_vars") for path in sorted((folder / kind).rglob("*"))]
    for path in found:
        if not path.is_file() or path.name.startswith("."):
            continue
        try:
            with path.open("rb") as file:
                yield path.relative_to(folder).as_posix(), file.read(_LARGEST).decode("utf-8", "replace")
        except OSError as error:
            problems.append(Problem(what=f"cannot be read: {error.strerror}", file=path))


def _looked_up(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """What the lookups of the inventory give, wherever they stand."""
    quiet: list[Problem] = []
    for _, text in _texts(folder, quiet):
        for kind, name in _LOOKUP.findall(text):
            if kind == "env":
                yield environ.get(name, "")
                continue
            try:
                yield (folder / name).read_bytes()[:_LARGEST].decode("utf-8", "replace").strip()
            except OSError:
                continue


def _states(folder: Path, problems: list[Problem]) -> Iterator[tuple[str, DesiredState]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            tree = load_tree(path)
        except DocumentError as error:
            problems += error.problems
            continue
        problems += reference_problems(tree)
        yield path.name, tree.state


def _overrides(folder: Path, problems: list[Problem]) -> None:
    try:
        load_overrides(folder, sources=None)
    except DocumentError as error:
        problems += error.problems
