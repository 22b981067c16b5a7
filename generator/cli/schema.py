"""`bqnctl schema`: prints a JSON Schema, for editors and for checks elsewhere."""

import sys

import click
import msgspec

from generator.cli.options import common_options
from generator.documents.schema import load_schema, schema_names
from generator.errors import Exit


@click.command(name="schema", short_help="print a JSON Schema")
@click.argument("name", required=False)
@common_options
def command(*, name: str | None) -> Exit:
    """Print the JSON Schema NAME; without NAME, list the names there are."""
    if name is None:
        sys.stdout.write("".join(f"{known}\n" for known in schema_names()))
    else:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(load_schema(name)), indent=2).decode() + "\n")
    return Exit.OK
