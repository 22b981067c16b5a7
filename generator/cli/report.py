"""`bqnctl report`: saved plans shown again, and the parts of a fleet's plan joined into one review."""

from pathlib import Path

import click

from generator.cli.logs import start_log
from generator.cli.options import common_options, current_options
from generator.cli.plan import plan_exit, report_options, save_html, show_plan
from generator.errors import Exit
from generator.reconcile.merging import merge_plans
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import load_plan, save_plan

_files = click.argument(
    "files", metavar="PLAN...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False)
)  # fmt: skip


@click.group(name="report", short_help="saved plans shown again, or joined")
@common_options
def command() -> None:
    """Work with saved plans; asks no BQN."""


@command.command(name="show", short_help="a saved plan in any format")
@click.argument("file", metavar="PLAN", type=click.Path(path_type=Path, dir_okay=False))
@report_options
@common_options
def show(
    *, file: Path, format_: str, max_bytes: int, link: str | None, html: Path | None, detailed_exitcode: bool
) -> Exit:
    """Show a saved plan."""
    return _show(load_plan(file), format_, max_bytes, link, html, detailed=detailed_exitcode)


@command.command(name="merge", short_help="the parts of a fleet's plan as one")
@_files
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the whole plan for `apply PLAN`.")
@report_options
@common_options
def merge(
    *, files: tuple[Path, ...], out: Path | None, format_: str, max_bytes: int, link: str | None, html: Path | None,
    detailed_exitcode: bool,
) -> Exit:  # fmt: skip
    """Join plans that were made with `plan --limit`, one for some appliances each, and show them as one."""
    plan = merge_plans([(file, load_plan(file)) for file in files])
    if out is not None:
        save_plan(plan, out)
    return _show(plan, format_, max_bytes, link, html, detailed=detailed_exitcode)


def _show(plan: Plan, format_: str, max_bytes: int, link: str | None, html: Path | None, *, detailed: bool) -> Exit:
    start_log(verbose=current_options().verbose, log_format=current_options().log_format)
    if html is not None:
        save_html(plan, html)
    show_plan(plan, format_=format_, max_bytes=max_bytes, link=link)
    return plan_exit(plan, detailed=detailed)
