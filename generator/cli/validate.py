"""`bqnctl validate`: everything that can be wrong in the files, at once, without a network."""

import sys
from pathlib import Path

import click

from generator.cli.options import common_options
from generator.cli.session import open_session
from generator.desired.check import reference_problems
from generator.desired.render import render_tree
from generator.desired.tree import load_tree
from generator.errors import DocumentError, Exit, Problem
from generator.model import DesiredState, Group, Limit, Policy, Subscriber
from generator.reconcile.target import make_target


@click.command(name="validate", short_help="check inventory and desired state, offline")
@common_options
def command() -> Exit:
    """Check inventory, templates and desired state: schemas, references, collisions; all problems at once."""
    session = open_session(credentials=frozenset({"billing", "bqn"}))
    problems = _template_problems(session.inventory.folder / "templates")
    states: dict[str, DesiredState] = {}
    for source in session.inventory.billing:
        folder = session.desired_folder / source
        if not folder.is_dir():
            continue
        try:
            tree = load_tree(folder)
        except DocumentError as error:
            problems += error.problems
            continue
        problems += reference_problems(tree)
        states[source] = tree.state
    if problems:
        raise DocumentError(problems)
    for bqn in session.bqn:
        target = make_target({source: states[source] for source in bqn.sources if source in states}, bqn)
        for warning in target.warnings:
            sys.stdout.write(f"warning: {bqn.name}: {warning}\n")
    counts = f"{len(session.inventory.billing)} billing hosts, {len(session.inventory.bqn)} BQNs"
    sys.stdout.write(f"valid: {counts}, desired state of {len(states)} sources\n")
    return Exit.OK


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
