"""Writes docs/reference/ from the commands and the schemas: `make reference`; a test says when it is stale."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from generator.cli.main import cli
from generator.documents.schema import load_schema, resolve_ref, schema_names
from generator.inventory.shape import BILLING, BQN, known_systems, shape_of

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"
_COMMON = {parameter.name for parameter in cli.params}
_MADE = "<!-- Made by `make reference`; edit the code or the schema instead. -->"
_MOST_CHOICES = 20


def pages() -> dict[str, str]:
    """The text of each page by its file's name."""
    return {
        "commands.md": "\n".join(_commands()) + "\n",
        "variables.md": "\n".join(_variables()) + "\n",
        "files.md": "\n".join(_files()) + "\n",
    }


def _commands() -> Iterator[str]:
    yield from ("# Commands", "", _MADE, "", "Every command takes these options, before or after its name:", "")
    context = click.Context(cli, info_name="bqnctl")
    yield from _options([each for each in cli.params if isinstance(each, click.Option)], context)
    yield from (
        "",
        "Exit codes: 0 done or nothing to do, 1 an error, 2 changes pending, 3 refused by a guard or stale,",
    )
    yield "4 applied in part; see [errors](../errors.md)."
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from _command(command, f"bqnctl {name}", context, depth=2)


def _command(command: click.Command, path: str, parent: click.Context, *, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=path, parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ("", f"{'#' * depth} {path}", "", f"    {path} {usage}".rstrip(), "")
    yield re.sub(r"\s+", " ", command.help or "").strip()
    own = [each for each in command.params if isinstance(each, click.Option) and each.name not in _COMMON]
    if own:
        yield ""
        yield from _options(own, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, f"{path} {name}", context, depth=depth + 1)


def _options(options: list[click.Option], context: click.Context) -> Iterator[str]:
    yield from ("| option | default | |", "|---|---|---|")
    for option in options:
        names = ", ".join((*option.opts, *option.secondary_opts))
        value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
        default = option.to_info_dict()["default"]
        shown = "" if default in (None, False, (), 0) or callable(default) or not _plain(default) else f"`{default}`"
        many = " May be given several times." if option.multiple else ""
        yield f"| `{_cell(names + value)}` | {_cell(shown)} | {_cell((option.help or '') + many)} |"


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _variables() -> Iterator[str]:
    yield from ("# Variables of the inventory", "", _MADE, "", "What a host may set, and its default.")
    yield from ("", "## Every BQN", "")
    yield from _rules(_fields({"properties": shape_of(BQN).rules}, "bqn-host"), "bqn-host")
    yield from ("", "## Every billing host", "")
    yield from _rules(_fields({"properties": shape_of(BILLING).rules}, "billing-host"), "billing-host")
    for system in known_systems():
        general, own = shape_of(BILLING).rules, shape_of(BILLING, system).rules
        other = {name: rule for name, rule in own.items() if rule != general.get(name)}
        yield from (
            "",
            f"## {system}",
            "",
            f"What differs for [{system}](../billing/{system}.md), or is there for it alone.",
            "",
        )
        yield from _rules(_fields({"properties": other}, f"billing/{system}"), f"billing/{system}")


def _files() -> Iterator[str]:
    yield from (
        "# Files",
        "",
        _MADE,
        "",
        "Every file that is read or written, field by field; `bqnctl schema NAME` prints the",
    )
    yield "JSON Schema of each."
    inside = {"host", "billing-host", "bqn-host", "inventory"}
    for name in schema_names():
        if name in inside or name.startswith("billing/"):
            continue
        schema = load_schema(name)
        yield from ("", f"## {name}", "", str(schema.get("description", schema.get("title", ""))), "")
        yield from _rules(_fields(schema, name), name)


def _fields(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The properties of a schema and of what it holds, by dotted path."""
    found: dict[str, Any] = {}

    def walk(rule: Mapping[str, Any], path: str, depth: int) -> None:
        seen = {**resolve_ref(rule["$ref"], name), **rule} if "$ref" in rule else rule
        if path:
            found[path] = seen
        if depth > 5:
            return
        for key, part in seen.get("properties", {}).items():
            walk(part, f"{path}.{key}" if path else key, depth + 1)
        for key in ("additionalProperties", "items"):
            if isinstance(seen.get(key), dict):
                walk(seen[key], f"{path}.*" if path else "*", depth + 1)

    walk(schema, "", 0)
    return found


def _rules(rules: Mapping[str, Any], name: str) -> Iterator[str]:
    yield from ("| name | type | default | |", "|---|---|---|---|")
    for key, rule in rules.items():
        seen = {**resolve_ref(rule["$ref"], name), **rule} if "$ref" in rule else rule
        default = f"`{_json(seen['default'])}`" if "default" in seen else ""
        about = str(seen.get("description") or seen.get("title") or "")
        yield f"| `{key}` | {_cell(_type(seen))} | {_cell(default)} | {_cell(about)} |"


def _type(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        values = [f"`{_json(value)}`" for value in rule["enum"]]
        return ", ".join(values[:_MOST_CHOICES])
    if "const" in rule:
        return f"`{_json(rule['const'])}`"
    kind = rule.get("type")
    return " or ".join(kind) if isinstance(kind, list) else str(kind or "any")


def _json(value: Any) -> str:
    import msgspec  # noqa: PLC0415 - one use

    return msgspec.json.encode(value).decode()


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {FOLDER / name}\n")


if __name__ == "__main__":
    main()
