"""`bqnctl rollback`: a journaled run → the plan that undoes it, to be reviewed and applied like any other."""

from pathlib import Path

import click

from generator.cli.options import common_options
from generator.cli.plan import allow_option, plan_exit, show_plan
from generator.cli.session import open_session, require_hosts
from generator.errors import Exit, UsageError
from generator.reconcile.guards import parse_allowances
from generator.reconcile.history import read_run
from generator.reconcile.planfile import save_plan
from generator.reconcile.planner import make_rollback_plan


@click.command(name="rollback", short_help="a journaled run → the plan that undoes it")
@click.argument("run")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `apply PLAN`.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 for changes pending, 3 for a guard's refusal.")
@allow_option
@common_options
def command(*, run: str, out: Path | None, format_: str, detailed_exitcode: bool, allow: tuple[str, ...]) -> Exit:
    """Plan what puts the objects that RUN wrote back as they were; writes nothing to a BQN.

    The desired files still say what RUN applied: revert them in git too, or the next apply does it again.
    """
    session = open_session(credentials=frozenset({"bqn"}))
    record = read_run(session.journal_folder, run)
    names = {write.appliance for write in record.writes}
    chosen = [bqn for bqn in session.bqn if bqn.name in names]
    if not names:
        raise UsageError(f"the run {run} wrote nothing: there is nothing to undo")
    require_hosts(chosen, "bqn")
    plan = make_rollback_plan(chosen, record, inventory=session.inventory.folder.name, allowed=parse_allowances(allow))
    if out is not None:
        save_plan(plan, out)
    show_plan(plan, format_=format_)
    return plan_exit(plan, detailed=detailed_exitcode)
