"""`bqnctl render`: billing systems → desired-state files, each source whole or not at all."""

import datetime as dt
import logging
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from msgspec import Struct

from generator.billing.read import read_source
from generator.cli.options import common_options
from generator.cli.session import Session, open_session, require_hosts
from generator.desired.build import build, check_shrink
from generator.desired.outcome import check_outcome
from generator.desired.overrides.account import policy_problems
from generator.desired.overrides.account import warnings as override_warnings
from generator.desired.overrides.model import Overrides
from generator.desired.overrides.reading import load_overrides
from generator.desired.render import render_tree
from generator.desired.saving import save_tree, tree_files
from generator.desired.tree import load_tree
from generator.documents.files import write_atomically
from generator.errors import BqnctlError, DocumentError, Exit, RefusedError
from generator.inventory.settings import BillingHost
from generator.model import DesiredState
from generator.reconcile.guards import SHRINK_RULE, parse_allowances
from generator.report.safe import printable
from generator.report.summary import commit_message, count_changes, summary_line

log = logging.getLogger(__name__)


class Rendered(Struct, frozen=True, kw_only=True):
    """What came of one source: its new files beside the old ones, or the error that kept the old ones."""

    source: str
    folder: Path
    files: Mapping[str, bytes] = {}
    before: Mapping[str, bytes] = {}
    state: DesiredState | None = None
    previous: DesiredState | None = None
    previous_digest: str | None = None
    """Of the files on disk that `previous` was read from."""
    overrides: frozenset[str] = frozenset()
    """The overrides that matched somebody."""
    error: BqnctlError | None = None

    @property
    def changed(self) -> bool:
        """Whether the files on disk would change."""
        return self.error is None and self.files != self.before


class _Run(Struct, frozen=True, kw_only=True):
    """What all sources of one run share."""

    templates: Path
    allowed: Mapping[str, int]
    overrides: Overrides
    now: dt.datetime


@click.command(name="render", short_help="billing → desired state")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 if the files would change.")
@click.option("--diff", "show_diff", is_flag=True, help="Show the difference to the files on disk.")
@click.option("--allow", multiple=True, metavar="RULE=N", help="Accept N fewer (shrink=N) or newly blocked (block=N).")
@click.option(
    "--summary",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what changed to FILE, as a commit message: counts, no names.",
)
@common_options
def command(*, check: bool, show_diff: bool, allow: tuple[str, ...], summary: Path | None) -> Exit:
    """Read the billing systems and write the desired state; a source that fails keeps its old files."""
    session = open_session(credentials=frozenset({"billing"}))
    require_hosts(session.billing, "billing")
    results = render_sources(session, allowed=parse_allowances(allow))
    for result in results:
        report(result, check=check, show_diff=show_diff)
        if result.changed and not check:
            save_tree(result.folder, dict(result.files))
    if summary is not None:
        write_summary(results, summary)
    return exit_code(results, check=check)


def render_sources(session: Session, *, allowed: Mapping[str, int]) -> list[Rendered]:
    """Every source of the session, read at the same time; none hides another's failure."""
    overrides = load_overrides(session.inventory.folder, sources=session.inventory.billing)
    templates = session.inventory.folder / "templates"
    run = _Run(templates=templates, allowed=allowed, overrides=overrides, now=dt.datetime.now(dt.UTC))

    def one(host: BillingHost) -> Rendered:
        folder = session.desired_folder / host.name
        try:
            return _render(host, folder, run)
        except BqnctlError as error:
            return Rendered(source=host.name, folder=folder, error=error)

    with ThreadPoolExecutor(max_workers=max(1, len(session.billing))) as pool:
        results = list(pool.map(one, session.billing))
    _account(session, overrides, results, run.now.date())
    return results


def _account(session: Session, overrides: Overrides, results: list[Rendered], today: dt.date) -> None:
    """Say which overrides did nothing; raises `DocumentError` for one whose policy no source has."""
    known = {result.source: result.state for result in results if result.state is not None}
    hosts = session.inventory.billing
    problems = policy_problems(overrides, {name: state.policies for name, state in known.items()}, hosts, today=today)
    if problems:
        raise DocumentError(problems)
    used = frozenset(name for result in results for name in result.overrides)
    for warning in override_warnings(overrides, used, known, hosts, today=today):
        log.warning("%s", warning)


def _render(host: BillingHost, folder: Path, run: _Run) -> Rendered:
    tree = load_tree(folder) if folder.is_dir() else None
    previous = None if tree is None else tree.state
    answer = read_source(host)
    check_shrink(answer, previous, host, allowed=run.allowed.get(SHRINK_RULE))
    built = build(answer, host, previous=previous, now=run.now, overrides=run.overrides)
    check_outcome(built.state, previous, host, allowed=run.allowed)
    for warning in (*answer.warnings, *built.warnings):
        log.warning("%s: %s", host.name, warning)
    files = render_tree(built.state, templates=run.templates if run.templates.is_dir() else None)
    before = {name: path.read_bytes() for name, path in tree_files(folder).items()}
    return Rendered(
        source=host.name, folder=folder, files=files, before=before, state=built.state, previous=previous,
        previous_digest=None if tree is None else tree.digest, overrides=built.overrides,
    )  # fmt: skip


def report(result: Rendered, *, check: bool, show_diff: bool) -> None:
    """Say on stdout what came of one source; errors go to stderr."""
    if result.error is not None or result.state is None:
        said = str(result.error).removeprefix(f"{result.source}: ")
        text = "\n".join(printable(line) for line in said.split("\n"))
        click.echo(f"error: {result.source}: {text}\n  its desired files stay as they were", err=True)
        return
    state = result.state
    absent = f", {len(state.absent)} kept though absent" if state.absent else ""
    verb = ("would change" if check else "changed") if result.changed else "unchanged"
    counted = f" ({summary_line(count_changes(result.previous, state))})" if result.changed else ""
    sys.stdout.write(
        f"{result.source}: {len(state.policies)} policies, {len(state.subscribers)} subscribers{absent}, "
        f"{len(state.groups)} groups, {len(state.rejected)} rejected: {verb}{counted}\n"
    )
    if show_diff:
        sys.stdout.writelines(f"{line}\n" for line in diff_lines(result))


def write_summary(results: list[Rendered], file: Path) -> None:
    """Write the commit message of a render to `file`."""
    counted = {
        result.source: count_changes(result.previous, result.state)
        for result in results
        if result.changed and result.state is not None
    }
    failed = [result.source for result in results if result.error is not None]
    try:
        write_atomically(file, commit_message(counted, failed).encode())
    except OSError as error:
        raise BqnctlError(f"the summary cannot be written: {error.strerror}", where=str(file)) from error


def diff_lines(result: Rendered) -> Iterator[str]:
    """The lines that go and come, file by file, fit for a terminal; linear, as one line is one object."""
    for name in sorted(result.before.keys() | result.files.keys()):
        before, after = (_lines(files.get(name)) for files in (result.before, result.files))
        if before == after:
            continue
        yield f"--- {result.source}/{name}"
        come = {_key(line): line for line in after if line not in before}
        for line in before:
            if line not in after:
                yield f"-{printable(line)}"
                if _key(line) in come:
                    yield f"+{printable(come.pop(_key(line)))}"
        yield from (f"+{printable(line)}" for line in come.values())


def _lines(content: bytes | None) -> dict[str, None]:
    """The lines of a file in their order, quick to look up."""
    return dict.fromkeys((content or b"").decode("utf-8", "replace").split("\n"))


def _key(line: str) -> str:
    """What a line is about: the key of its object, or all of it."""
    return line.split(": ", 1)[0]


def exit_code(results: list[Rendered], *, check: bool) -> Exit:
    """1 when a source failed, 3 when only guards spoke, 2 for pending changes under --check."""
    errors = [result.error for result in results if result.error is not None]
    if any(not isinstance(error, RefusedError) for error in errors):
        return Exit.ERROR
    if errors:
        return Exit.REFUSED
    return Exit.PENDING if check and any(result.changed for result in results) else Exit.OK
