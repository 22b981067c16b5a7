"""`bqnctl apply`: makes the live BQNs what the desired state says, by a plan just made or a saved one."""

import datetime as dt
import os
import sys
import threading
from pathlib import Path

import click

from generator.cli.options import common_options
from generator.cli.plan import allow_option, compute_plan, only_option, show_plan
from generator.cli.progress import progress_bar
from generator.cli.session import Session, load_desired, open_session, require_hosts, stop_on_signals
from generator.errors import Exit, RefusedError, UsageError
from generator.reconcile.apply import Applier
from generator.reconcile.guards import parse_allowances
from generator.reconcile.journal import Journal, new_run_id
from generator.reconcile.outcome import RunOutcome
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import load_plan
from generator.report.outcome import outcome_text


@click.command(name="apply", short_help="make it so")
@click.argument("plan_file", metavar="[PLAN]", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@click.option("--check", is_flag=True, help="Show what would be done; write nothing.")
@allow_option
@only_option
@common_options
def command(*, plan_file: Path | None, yes: bool, check: bool, allow: tuple[str, ...], only: tuple[str, ...]) -> Exit:
    """Apply the desired state; with PLAN, exactly that saved plan, and nothing if it is stale."""
    if plan_file is not None and (only or allow):
        raise UsageError(
            "a saved plan is applied as it is, so --only and --allow do not go with it",
            fix="give them to `bqnctl plan --out`",
        )
    session = open_session(credentials=frozenset({"bqn"}))
    if plan_file is None:
        plan = compute_plan(session, allow=allow, only=only)
        show_plan(plan)
    else:
        plan = _saved_plan(session, plan_file)
        if check or plan.refused:
            show_plan(plan)
    if not check and plan.has_changes and _something_may_be_written(plan):
        if plan_file is None and not yes:
            _ask()
        with stop_on_signals() as stop:
            outcome = apply_plan(session, plan, allow=allow, stop=stop)
        sys.stdout.write(outcome_text(outcome))
        return outcome.exit_code
    return _exit_without_writing(plan)


def apply_plan(session: Session, plan: Plan, *, allow: tuple[str, ...], stop: threading.Event) -> RunOutcome:
    """Carry out a plan with journal, locks and a progress bar; `stop` ends it after the requests under way."""
    total = sum(len(appliance.changes) for appliance in plan.appliances)
    with (
        progress_bar("applying", total) as progress,
        Journal(session.journal_folder, new_run_id(dt.datetime.now(dt.UTC))) as journal,
    ):
        applier = Applier(session.inventory.bqn, journal=journal, stop=stop, environ=os.environ, progress=progress)
        return applier.apply(plan, allowed=parse_allowances(allow))


def _saved_plan(session: Session, file: Path) -> Plan:
    """The plan in `file`, for the appliances inside the limit; refused if the desired files moved on."""
    require_hosts(session.bqn, "bqn")
    plan = load_plan(file)
    chosen = {bqn.name: bqn for bqn in session.bqn}
    unknown = [a.name for a in plan.appliances if a.name not in session.inventory.bqn]
    if unknown:
        raise UsageError(f"the plan is for {', '.join(unknown)}, which the inventory does not have", where=str(file))
    appliances = tuple(appliance for appliance in plan.appliances if appliance.name in chosen)
    for appliance in appliances:
        bqn = chosen[appliance.name]
        if appliance.address != f"{bqn.host}:{bqn.port}":
            raise RefusedError(
                f"the plan was made for {appliance.name} at {appliance.address}, now it is {bqn.host}:{bqn.port}",
                where=str(file), fix="plan again",
            )  # fmt: skip
    current = load_desired(session).digests
    changed = sorted(
        source
        for source in {source for appliance in appliances for source in appliance.sources}
        if plan.desired_digests.get(source) != current.get(source)
    )
    if changed:
        raise RefusedError(
            f"stale plan: the desired files of {', '.join(changed)} changed since it was made",
            where=str(file), fix="plan again and review what is new",
        )  # fmt: skip
    return Plan(
        bqnctl=plan.bqnctl, inventory=plan.inventory, desired_digests=plan.desired_digests,
        appliances=appliances, only=plan.only,
    )  # fmt: skip


def _something_may_be_written(plan: Plan) -> bool:
    return any(appliance.changes and not appliance.refused for appliance in plan.appliances)


def _exit_without_writing(plan: Plan) -> Exit:
    if plan.failed:
        return Exit.ERROR
    return Exit.REFUSED if plan.refused else Exit.OK


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask for consent on",
            fix="review with `bqnctl plan`, then apply --yes or apply PLAN",
        )
    if click.prompt("Apply this plan? Only 'yes' is taken", default="", show_default=False, err=True) != "yes":
        raise click.Abort
