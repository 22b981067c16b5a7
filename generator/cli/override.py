"""`bqnctl override`: human decisions on top of the billing, in `overrides.yml`, edited with care."""

import codecs
import datetime as dt
import logging
import stat
import sys
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from generator.cli.options import common_options
from generator.cli.session import Session, open_session, read_desired
from generator.desired.overrides.account import Account, examine
from generator.desired.overrides.editing import added, comment_above, entry_lines, names, removed
from generator.desired.overrides.model import FILE_NAME, Overrides
from generator.desired.overrides.reading import load_overrides, parse_overrides
from generator.documents.files import write_atomically
from generator.documents.nearest import suggestion
from generator.documents.yaml import read_text
from generator.errors import DocumentError, Exit, Problem, UsageError
from generator.report.overrides import OverrideRow, overrides_json, overrides_text
from generator.report.safe import printable

log = logging.getLogger(__name__)


class _File(Struct, frozen=True):
    """`overrides.yml` of the running command's inventory."""

    session: Session
    path: Path

    @property
    def text(self) -> str:
        return read_text(self.path) if self.path.exists() else ""

    def write(self, text: str) -> None:
        """Put `text` in its place, under the mode it has, and where a link leads."""
        target = self.path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o644
        mark = codecs.BOM_UTF8 if target.exists() and target.read_bytes().startswith(codecs.BOM_UTF8) else b""
        write_atomically(target, mark + text.encode(), mode=mode)

    def examine(self, overrides: Overrides) -> Account:
        """`overrides` held against the desired state on disk; raises `DocumentError` for faults in that."""
        folder, hosts = self.session.desired_folder, self.session.inventory.billing
        desired, problems = read_desired(folder, [name for name in hosts if (folder / name).is_dir()])
        if problems:
            raise DocumentError(problems)
        return examine(overrides, desired.states, hosts, today=_today())


def _open() -> _File:
    session = open_session(credentials=frozenset())
    return _File(session, session.inventory.folder / FILE_NAME)


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


@click.group(name="override", short_help="human decisions on top of the billing")
def command() -> None:
    """Add, list and remove the overrides of overrides.yml; the next render applies them."""


def _rate(_context: click.Context, parameter: click.Parameter, value: str | None) -> int | str | None:
    if value is None or value == "unlimited":
        return value
    try:
        return int(value)
    except ValueError as error:
        raise click.BadParameter("kbps as a whole number, or unlimited", param=parameter) from error


@command.command(name="add", short_help="write a new override")
@click.argument("name")
@click.option("--reason", required=True, help="Why: what a colleague should know in a year's time.")
@click.option("--until", metavar="YYYY-MM-DD", help="The last day it holds (UTC).")
@click.option("--id", "id_", metavar="ID", help="Match the subscriber id.")
@click.option("--ip", metavar="IP|CIDR", help="Match an address or a network.")
@click.option("--policy", help="Match who has this policy.")
@click.option("--group", help="Match who is in this group.")
@click.option("--source", help="Match only subscribers of this billing host.")
@click.option("--set-policy", metavar="POLICY", help="Give this policy.")
@click.option("--download", callback=_rate, metavar="KBPS", help="Give rates of its own; with --upload.")
@click.option("--upload", callback=_rate, metavar="KBPS", help="Give rates of its own; with --download.")
@click.option("--block/--unblock", default=None, help="Block, or do not, whatever the billing says.")
@click.option("--add-group", multiple=True, metavar="GROUP", help="Put into this group; may be repeated.")
@click.option("--remove-group", multiple=True, metavar="GROUP", help="Take out of this group; may be repeated.")
@click.option("--only-group", multiple=True, metavar="GROUP", help="Exactly these groups; may be repeated.")
@click.option("--absent", is_flag=True, help="Take the subscriber out of the desired state.")
@common_options
def add(*, name: str, **given: Any) -> Exit:
    """Add the override NAME to overrides.yml, if it and the whole file are valid; nothing else in it changes."""
    file = _open()
    value = _value(given)
    text = added(file.text, name, value, file.path)
    try:
        overrides = parse_overrides(text, file.path, sources=file.session.inventory.billing)
        if overrides.entries[-1].expired(_today()):
            raise UsageError(f"{given['until']} is over: the override would do nothing", fix="give a later --until")
        account = file.examine(overrides)
        problems = list(account.problems)
    except DocumentError as error:
        problems = error.problems
    if problems:
        raise DocumentError([_unplaced(problem, name, file.path) for problem in problems])
    file.write(text)
    sys.stdout.write("".join(f"+ {printable(line)}\n" for line in entry_lines(name, value)))
    count = account.matched.get(name)
    told = "" if count is None else f"; matches {count} address{'' if count == 1 else 'es'} of the desired state"
    sys.stdout.write(f"added {name} to {file.path}{told}; bqnctl render applies it\n")
    return Exit.OK


def _unplaced(problem: Problem, name: str, file: Path) -> Problem:
    """A problem of the override that is not written yet: its line would lead nowhere."""
    new = problem.file == file and (problem.key or "").split(".")[:2] == ["overrides", name]
    return replace(problem, file=None, line=0, column=0) if new else problem


def _value(given: dict[str, Any]) -> dict[str, Any]:
    """The override that the options make, as it stands in the file."""
    match = {key: given[option] for key, option in _MATCH.items() if given[option] is not None}
    if not match:
        raise UsageError("whom is it about?", fix="give --id, --ip, --policy or --group")
    settings: dict[str, Any] = {}
    if given["set_policy"] is not None:
        settings["policy"] = given["set_policy"]
    rates = {key: given[key] for key in ("download", "upload") if given[key] is not None}
    if len(rates) == 1:
        raise UsageError("rates are set in both directions", fix="give --download and --upload")
    if rates:
        settings["rates"] = rates
    if given["block"] is not None:
        settings["blocked"] = given["block"]
    groups = {key: list(given[option]) for key, option in _GROUPS.items() if given[option]}
    if groups:
        settings["groups"] = groups
    if given["absent"]:
        settings["absent"] = True
    if not settings:
        fix = "give --set-policy, --download and --upload, --block, --unblock, --add-group or --absent"
        raise UsageError("what should hold for them?", fix=fix)
    until = {} if given["until"] is None else {"until": given["until"]}
    return {"reason": given["reason"], **until, "match": match, "set": settings}


_MATCH = {"id": "id_", "ip": "ip", "policy": "policy", "group": "group", "source": "source"}
_GROUPS = {"set": "only_group", "add": "add_group", "remove": "remove_group"}


@command.command(name="list", short_help="all overrides, and which of them do nothing")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
@common_options
def list_(*, format_: str) -> Exit:
    """List the overrides with whom they match in the desired state; shows expired and unused ones."""
    file = _open()
    overrides = load_overrides(file.session.inventory.folder, sources=file.session.inventory.billing)
    rows = list(_rows(overrides, file.examine(overrides)))
    sys.stdout.write(overrides_json(rows) if format_ == "json" else overrides_text(rows))
    return Exit.OK


def _rows(overrides: Overrides, account: Account) -> list[OverrideRow]:
    for problem in account.problems:
        log.warning("%s", problem)
    document = overrides.document
    entries = {} if document is None or document.data is None else document.data["overrides"] or {}
    rows = []
    for each in overrides.entries:
        matches = account.matched.get(each.name)
        state = {None: "unknown", 0: "unused"}.get(matches, "active")
        problem, value = overrides.problem("", each.name), entries[each.name]
        rows.append(
            OverrideRow(
                name=each.name, state="expired" if each.expired(_today()) else state, matches=matches,
                until=value.get("until"), reason=each.reason, match=value["match"], set=value["set"],
                file=str(problem.file), line=problem.line,
            )
        )  # fmt: skip
    return rows


@command.command(name="remove", short_help="take overrides out of the file")
@click.argument("name", nargs=-1, required=True)
@common_options
def remove(*, name: tuple[str, ...]) -> Exit:
    """Remove the overrides NAME from overrides.yml; every other line, comments too, stays as it is."""
    file = _open()
    text = file.text
    for each in name:
        known = names(text, file.path)
        if each not in known:
            raise UsageError(f"there is no override {each!r}", where=str(file.path), fix=suggestion(each, known))
        line = comment_above(text, each, file.path)
        if line is not None:
            log.warning("the comment above %s (line %d) stays", each, line)
        text = removed(text, each, file.path)
    file.write(text)
    sys.stdout.write(f"removed {', '.join(name)} from {file.path}; bqnctl render applies it\n")
    try:
        parse_overrides(text, file.path, sources=file.session.inventory.billing)
    except DocumentError as error:
        for problem in error.problems:
            log.warning("%s", problem)
    return Exit.OK
