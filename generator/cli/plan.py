"""`bqnctl plan`: what apply would change; reads, writes nothing."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from generator.cli.options import common_options, current_options
from generator.cli.session import Session, load_desired, open_session, require_hosts
from generator.documents.files import write_atomically
from generator.errors import BqnctlError, Exit
from generator.reconcile.guards import parse_allowances
from generator.reconcile.only import parse_only
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import encode_plan, save_plan
from generator.reconcile.planner import make_plan
from generator.report.safe import printable_json
from generator.report.text import plan_text
from generator.report.wording import MAX_COMMENT_BYTES

_Function = TypeVar("_Function", bound=Callable[..., Any])

allow_option = click.option(
    "--allow", multiple=True, metavar="RULE=N", help="Let a guard's rule through once, up to N objects."
)
only_option = click.option("--only", multiple=True, metavar="KIND[:KEY]", help="Only these objects; KEY may be a glob.")


def report_options(function: _Function) -> _Function:
    """Add how a plan is shown: --format, --max-bytes, --link, --html, --detailed-exitcode."""
    for option in reversed(_REPORT_OPTIONS):
        function = option(function)
    return function


_REPORT_OPTIONS = (
    click.option(
        "--format", "format_", type=click.Choice(["text", "json", "markdown", "html"]), default="text",
        show_default=True, help="markdown is one comment on a merge request, html one file with tables and charts.",
    ),
    click.option(
        "--max-bytes", type=click.IntRange(100), default=MAX_COMMENT_BYTES, show_default=True, help="markdown: at most."
    ),
    click.option("--link", metavar="URL", help="markdown: where the whole plan can be seen."),
    click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write the HTML report there."),
    click.option("--detailed-exitcode", is_flag=True, help="Exit 2 for changes pending, 3 for a guard's refusal."),
)  # fmt: skip


@click.command(name="plan", short_help="what apply would change")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan for `apply PLAN`.")
@report_options
@allow_option
@only_option
@common_options
def command(
    *, out: Path | None, format_: str, max_bytes: int, link: str | None, html: Path | None, detailed_exitcode: bool,
    allow: tuple[str, ...], only: tuple[str, ...],
) -> Exit:  # fmt: skip
    """Compare the desired state on disk with the live BQNs and show the difference."""
    drawn = format_ in ("html", "json") or html is not None or out is not None
    session = open_session(credentials=frozenset({"bqn"}))
    plan = compute_plan(session, allow=allow, only=only, with_figures=drawn)
    if out is not None:
        save_plan(plan, out)
    if html is not None:
        save_html(plan, html)
    show_plan(plan, format_=format_, max_bytes=max_bytes, link=link)
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


def compute_plan(
    session: Session, *, allow: tuple[str, ...], only: tuple[str, ...], with_figures: bool = False
) -> Plan:  # fmt: skip
    """The plan for the appliances of a session; `with_figures` for its reports."""
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
        with_figures=with_figures,
    )


def show_plan(
    plan: Plan, *, format_: str = "text", max_bytes: int = MAX_COMMENT_BYTES, link: str | None = None
) -> None:
    """Print a plan on stdout."""
    if format_ == "json":
        sys.stdout.write(printable_json(encode_plan(plan).decode()))
    elif format_ == "markdown":
        from generator.report.markdown import plan_markdown  # noqa: PLC0415 - few runs want it, each would load it

        sys.stdout.write(plan_markdown(plan, max_bytes=max_bytes, link=link))
    elif format_ == "html":
        sys.stdout.write(_html(plan))
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        sys.stdout.write(plan_text(plan, verbose=current_options().verbose > 0, colour=colour))


def save_html(plan: Plan, file: Path) -> None:
    """Write the HTML report to `file`, whole or not at all; mode 0600, because it names customers."""
    try:
        write_atomically(file, _html(plan).encode(), mode=0o600)
    except OSError as error:
        raise BqnctlError(f"the report cannot be saved: {error.strerror}", where=str(file)) from error


def _html(plan: Plan) -> str:
    from generator.report.html import plan_html  # noqa: PLC0415 - few runs want it, each would load it

    return plan_html(plan)
