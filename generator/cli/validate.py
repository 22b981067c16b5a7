"""`bqnctl validate`: everything that can be wrong in the files, at once, without a network."""

import datetime as dt
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from generator.cli.leaks import secret_problems
from generator.cli.options import common_options, current_options, environment
from generator.cli.session import Session, open_session, read_desired
from generator.desired.overrides.account import examine
from generator.desired.overrides.account import warnings as override_warnings
from generator.desired.overrides.model import NONE
from generator.desired.overrides.reading import load_overrides
from generator.desired.render import render_tree
from generator.errors import DocumentError, Exit, Problem
from generator.inventory.find import find_inventory
from generator.inventory.load import KINDS
from generator.model import DesiredState, Group, Limit, Policy, Subscriber
from generator.operate.settings import load_webhooks
from generator.reconcile.target import make_target
from generator.report.safe import printable


@click.command(name="validate", short_help="check inventory and desired state, offline")
@click.option(
    "--credentials/--no-credentials", default=True, help="Resolve secrets too, or not, where they are not at hand."
)
@common_options
def command(*, credentials: bool) -> Exit:
    """Check inventory, templates and desired state: schemas, references, collisions; all problems at once."""
    folder = find_inventory(current_options().inventory, os.environ, Path.cwd())
    problems: list[Problem] = []
    session: Session | None = None
    try:
        session = open_session(credentials=KINDS if credentials else frozenset())
    except DocumentError as error:
        problems += error.problems
    problems += _template_problems(folder / "templates")
    try:
        load_webhooks(folder, environ=environment(), secrets=credentials)
    except DocumentError as error:
        problems += error.problems
    desired, found = read_desired(folder / "desired", _rendered_sources(folder / "desired"))
    hosts = {} if session is None else session.inventory.billing
    today = dt.datetime.now(dt.UTC).date()
    overrides = NONE
    try:
        overrides = load_overrides(folder, sources=None if session is None else hosts)
    except DocumentError as error:
        found += error.problems
    account = examine(overrides, desired.states, hosts, today=today)
    problems += [*found, *account.problems]
    problems += secret_problems(session.inventory) if session is not None else ()
    if problems or session is None:
        raise DocumentError(problems)
    used = {name for name, count in account.matched.items() if count}
    for warning in override_warnings(overrides, used, desired.states, hosts, today=today):
        sys.stdout.write(f"warning: {printable(warning)}\n")
    for warning in _warnings(session, desired.states):
        sys.stdout.write(f"warning: {printable(warning)}\n")
    counts = f"{len(session.inventory.billing)} billing hosts, {len(session.inventory.bqn)} BQNs"
    sys.stdout.write(f"valid: {counts}, desired state of {len(desired.states)} sources\n")
    return Exit.OK


def _rendered_sources(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _warnings(session: Session, states: Mapping[str, DesiredState]) -> Iterator[str]:
    """What is allowed but worth a look: trees without a host, claims of several sources."""
    for source in states.keys() - session.inventory.billing.keys():
        yield f"desired/{source} belongs to no billing host of the inventory: no BQN gets it"
    for bqn in session.bqn:
        target = make_target({source: states[source] for source in bqn.sources if source in states}, bqn)
        yield from (f"{bqn.name}: {warning}" for warning in target.warnings)


def _template_problems(folder: Path) -> list[Problem]:
    """What is wrong with the inventory's own templates, tried on a state with one object of each kind."""
    if not folder.is_dir():
        return []
    limit = Limit(rate=1000)
    sample = DesiredState(
        policies={"Sample": Policy(name="Sample", id="1", download=limit, upload=limit)},
        groups={"L1-Sample": Group(name="L1-Sample")},
        subscribers={
            "192.0.2.1": Subscriber(ip="192.0.2.1", id="sample", policy="Sample", groups=("L1-Sample",)),
        },
    )
    try:
        render_tree(sample, templates=folder)
    except DocumentError as error:
        return error.problems
    return []
