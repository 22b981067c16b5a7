"""`bqnctl schema`: prints a JSON Schema, for editors and for checks elsewhere."""

import sys
from pathlib import Path

import click
import msgspec

from generator.cli.options import common_options
from generator.documents.files import write_atomically
from generator.documents.schema import load_schema, schema_names
from generator.errors import BqnctlError, Exit, UsageError


@click.command(name="schema", short_help="print a JSON Schema")
@click.argument("name", required=False)
@click.option("--all", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write all of them to DIR.")
@common_options
def command(*, name: str | None, folder: Path | None) -> Exit:
    """Print the JSON Schema NAME; without NAME, list the names there are."""
    if folder is not None:
        if name is not None:
            raise UsageError("NAME does not go with --all", fix="leave one of them out")
        for known in schema_names():
            _save(known, folder / f"{known}.schema.json")
    elif name is None:
        sys.stdout.write("".join(f"{known}\n" for known in schema_names()))
    else:
        sys.stdout.write(_text(name).decode())
    return Exit.OK


def _text(name: str) -> bytes:
    return msgspec.json.format(msgspec.json.encode(load_schema(name)), indent=2) + b"\n"


def _save(name: str, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, _text(name), mode=0o644)
    except OSError as error:
        raise BqnctlError(f"the schema cannot be written: {error.strerror}", where=str(file)) from error
    sys.stdout.write(f"written: {file}\n")
