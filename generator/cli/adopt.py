"""`bqnctl import`: the live BQN → desired state, to adopt an appliance in use; nothing on it changes."""

import sys

import click

from generator.bqn.client import BqnClient
from generator.cli.options import common_options
from generator.cli.session import open_session, require_hosts
from generator.desired.render import render_tree
from generator.desired.saving import save_tree
from generator.errors import Exit, RefusedError, UsageError
from generator.inventory.settings import BqnHost
from generator.reconcile.adopt import adopt
from generator.report.safe import printable


@click.command(name="import", short_help="the live BQN → desired state")
@click.option("--source", help="Write it as the desired state of this source (default: the appliance's only one).")
@click.option("--replace", is_flag=True, help="Replace a desired state that is there already.")
@common_options
def command(*, source: str | None, replace: bool) -> Exit:
    """Write the live state of one BQN (choose it with --limit) as desired state; the first plan is empty."""
    session = open_session(credentials=frozenset({"bqn"}))
    require_hosts(session.bqn, "bqn")
    if len(session.bqn) > 1:
        names = ", ".join(bqn.name for bqn in session.bqn)
        raise UsageError(f"one appliance is imported at a time, the limit has {names}", fix="-l NAME")
    bqn = session.bqn[0]
    folder = session.desired_folder / _source_of(bqn, source)
    if folder.is_dir() and not replace:
        raise RefusedError("there is a desired state already", where=str(folder), fix="--replace overwrites it")
    with BqnClient(bqn) as client:
        adopted = adopt(client.read_state(), bqn)
    save_tree(folder, render_tree(adopted.state, templates=None))
    others = [other.name for other in session.inventory.bqn.values() if folder.name in other.sources and other != bqn]
    if others:
        shared = f"{folder.name} feeds {', '.join(others)} too, whose plan now wants what {bqn.name} has and no more"
        click.echo(f"warning: {shared}", err=True)
    for warning in adopted.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    state = adopted.state
    counts = f"{len(state.policies)} policies, {len(state.subscribers)} subscribers, {len(state.groups)} groups"
    sys.stdout.write(f"{bqn.name}: {counts} → {folder}\n")
    return Exit.OK


def _source_of(bqn: BqnHost, source: str | None) -> str:
    if source is not None:
        if source not in bqn.sources:
            raise UsageError(f"{source} is not a source of {bqn.name}", fix=f"one of: {', '.join(bqn.sources)}")
        return source
    if len(bqn.sources) != 1:
        raise UsageError(f"{bqn.name} has {len(bqn.sources)} sources", fix="name one with --source")
    return bqn.sources[0]
