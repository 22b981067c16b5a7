"""`bqnctl runs`: the runs in the inventory's journal, oldest first."""

import sys

import click

from generator.cli.options import common_options
from generator.cli.session import open_session
from generator.errors import Exit
from generator.reconcile.history import RunRecord, list_runs
from generator.report.safe import printable


@click.command(name="runs", short_help="the runs in the journal")
@common_options
def command() -> Exit:
    """List the runs that wrote, with what each did; `rollback RUN` undoes one."""
    session = open_session(credentials=frozenset())
    for record in list_runs(session.journal_folder):
        sys.stdout.write(f"{printable(_line(record))}\n")
    return Exit.OK


def _line(record: RunRecord) -> str:
    done = sum(1 for write in record.writes if write.ok)
    failed = sum(1 for write in record.writes if write.ok is False)
    unknown = len(record.writes) - done - failed
    ending = "killed" if record.exit_code is None else f"exit {record.exit_code}"
    counts = f"{done} done, {failed} failed" + (f", {unknown} with no answer noted" if unknown else "")
    appliances = ", ".join(sorted({write.appliance for write in record.writes})) or "nothing written"
    return f"{record.run}  {ending:7} {counts}  ({appliances})"
