"""`bqnctl plan`: what apply would change; reads, writes nothing."""

import sys
from pathlib import Path

import click

from generator.cli.options import common_options, current_options
from generator.cli.session import Session, load_desired, open_session, require_hosts
from generator.errors import Exit
from generator.reconcile.guards import parse_allowances
from generator.reconcile.only import parse_only
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import encode_plan, save_plan
from generator.reconcile.planner import make_plan
from generator.report.text import plan_text

allow_option = click.option(
    "--allow", multiple=True, metavar="RULE=N", help="Let a guard's rule through once, up to N objects."
)
only_option = click.option("--only", multiple=True, metavar="KIND[:KEY]", help="Only these objects; KEY may be a glob.")


@click.command(name="plan", short_help="what apply would change")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `apply PLAN`.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 for changes pending, 3 for a guard's refusal.")
@allow_option
@only_option
@common_options
def command(
    *, out: Path | None, format_: str, detailed_exitcode: bool, allow: tuple[str, ...], only: tuple[str, ...]
) -> Exit:
    """Compare the desired state on disk with the live BQNs and show the difference."""
    plan = compute_plan(open_session(credentials=frozenset({"bqn"})), allow=allow, only=only)
    if out is not None:
        save_plan(plan, out)
    show_plan(plan, format_=format_)
    return plan_exit(plan, detailed=detailed_exitcode)


def plan_exit(plan: Plan, *, detailed: bool) -> Exit:
    """The exit code of a plan that was shown: with `detailed` 2 for changes, 3 for a guard's refusal."""
    if plan.failed:
        return Exit.ERROR
    if not detailed:
        return Exit.OK
    if plan.refused:
        return Exit.REFUSED
    return Exit.PENDING if plan.has_changes else Exit.OK


def compute_plan(session: Session, *, allow: tuple[str, ...], only: tuple[str, ...]) -> Plan:
    """The plan for the appliances of a session."""
    require_hosts(session.bqn, "bqn")
    allowed, narrowed = parse_allowances(allow), parse_only(only)
    desired = load_desired(session)
    return make_plan(
        session.bqn,
        desired.states,
        inventory=session.inventory.folder.name,
        desired_digests=desired.digests,
        allowed=allowed,
        only=narrowed,
    )


def show_plan(plan: Plan, *, format_: str) -> None:
    """Print a plan on stdout."""
    if format_ == "json":
        sys.stdout.write(encode_plan(plan).decode())
    else:
        sys.stdout.write(plan_text(plan, verbose=current_options().verbose > 0, colour=sys.stdout.isatty()))
