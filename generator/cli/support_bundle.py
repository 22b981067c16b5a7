"""`bqnctl support-bundle`: everything that those who help need, in one file, without secrets."""

import datetime as dt
import os
import secrets
import sys
from pathlib import Path

import click

from generator.cli.logs import start_log
from generator.cli.options import common_options, current_options, environment
from generator.documents.files import write_atomically
from generator.errors import BqnctlError, Exit, UsageError
from generator.inventory.find import find_inventory
from generator.report.safe import printable
from generator.support.bundle import Part, Wanted, archive, make_parts


@click.command(name="support-bundle", short_help="what support needs, in one file, secrets out")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="The archive; default: bqnctl-support-TIME.tar.gz here.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option("--full", is_flag=True, help="The desired state too, not only its counts.")
@click.option("--with-names", is_flag=True, help="Leave names and addresses of subscribers as they are.")
@click.option("--offline", is_flag=True, help="Ask no host anything: without doctor's examination.")
@click.option("--runs", type=click.IntRange(0), default=5, show_default=True, help="So many of the latest journals.")
@click.option("--plan", "plans", multiple=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="A saved plan, as a summary; may be repeated.")  # fmt: skip
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="FILE",
              help="A log; its last 256 KiB.")  # fmt: skip
@common_options
def command(
    *, output: Path | None, force: bool, full: bool, with_names: bool, offline: bool, runs: int,
    plans: tuple[Path, ...], log: Path | None,
) -> Exit:  # fmt: skip
    """Write a bundle for the support: versions, settings, counts, journals, doctor's findings; also of what is broken.

    Credentials are never in it; names and addresses of subscribers are replaced, the same ones alike.
    """
    options = current_options()
    start_log(verbose=options.verbose, log_format=options.log_format)
    if options.limit is not None:
        raise UsageError("a bundle is about the whole inventory", fix="take --limit out")
    now = dt.datetime.now(dt.UTC)
    name = f"bqnctl-support-{now:%Y%m%d-%H%M%S}"
    file = output if output is not None else Path(f"{name}.tar.gz")
    if file.exists() and not force:
        raise UsageError("the file exists", where=str(file), fix="name another with -o, or give --force")
    wanted = Wanted(folder=_folder(options.inventory), full=full, offline=offline, runs=runs, plans=plans, log=log)
    if not offline:
        click.echo("asking every host, as doctor does (--offline leaves that out) …", err=True)
    parts = make_parts(wanted, key=None if with_names else secrets.token_bytes(32), environ=environment())
    _save(file, archive(parts, name=name, now=now))
    _tell(parts, with_names=with_names)
    sys.stdout.write(f"{file}\n")
    return Exit.OK


def _folder(option: Path | None) -> Path | None:
    """The inventory's folder, as far as there is one."""
    try:
        return find_inventory(option, os.environ, Path.cwd())
    except UsageError as error:
        click.echo(f"without an inventory: {printable(error.what)}", err=True)
        return option if option is not None and option.is_dir() else None


def _save(file: Path, content: bytes) -> None:
    try:
        write_atomically(file, content, mode=0o600)
    except OSError as error:
        raise BqnctlError(f"the bundle cannot be written: {error.strerror}", where=str(file)) from error


def _tell(parts: list[Part], *, with_names: bool) -> None:
    """Say on stderr what goes in."""
    click.echo("in the bundle:", err=True)
    for name, content in parts:
        click.echo(f"  {len(content):>9,} bytes  {printable(name)}", err=True)
    people = "as they are" if with_names else "replaced"
    click.echo(f"secrets are taken out; names and addresses of subscribers are {people}.", err=True)
    click.echo("Read it before you send it.", err=True)
