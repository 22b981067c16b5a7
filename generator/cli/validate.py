"""`bqnctl validate`: everything that can be wrong in the files, at once, without a network."""

import sys

import click

from generator.cli.options import common_options
from generator.cli.session import open_session
from generator.desired.check import reference_problems
from generator.desired.render import check_templates
from generator.desired.tree import load_tree
from generator.errors import DocumentError, Exit, Problem
from generator.reconcile.target import make_target


@click.command(name="validate", short_help="check inventory and desired state, offline")
@common_options
def command() -> Exit:
    """Check inventory, templates and desired state: schemas, references, collisions; all problems at once."""
    session = open_session(credentials=frozenset({"billing", "bqn"}))
    problems: list[Problem] = list(check_templates(session.inventory.folder / "templates"))
    states = {}
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
