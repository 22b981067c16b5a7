"""Runs the bqnctl command for the modules of this collection, and makes what it says fit for Ansible's output."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from typing import Any, NamedTuple

OK, ERROR, PENDING, REFUSED, PARTIAL = range(5)
"""The exit codes of bqnctl."""

COMMON_ARGUMENTS: dict[str, dict[str, Any]] = {
    "executable": {"type": "str", "default": "bqnctl"},
    "inventory": {"type": "path", "required": True},
    "limit": {"type": "str"},
    "allow": {"type": "list", "elements": "str"},
}

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ENVIRONMENT = {"NO_COLOR": "1", "PYTHONUTF8": "1"}
_KEPT_BYTES = 8_000


class Ended(NamedTuple):
    """A command that ran: its exit code and what it wrote."""

    code: int
    out: str
    err: str


def run(module: Any, *arguments: str) -> Ended:
    """Run bqnctl with the module's common options; fails the module if there is no such command."""
    given = module.params
    folder = given["inventory"]
    if not os.path.isdir(folder):  # noqa: PTH112 - paths are plain text to Ansible
        folder_of_file = os.path.dirname(folder)  # noqa: PTH120 - the same
        fix = f" (give its folder, {printable(folder_of_file)})" if os.path.isfile(folder) else ""  # noqa: PTH113 - the same
        module.fail_json(msg=f"{printable(folder)} is not a folder on the controller{fix}")
    command = [given["executable"], "-i", folder]
    if given["limit"]:
        command += ["-l", given["limit"]]
    try:
        code, out, err = module.run_command(
            [*command, *arguments],
            environ_update=_ENVIRONMENT,
            handle_exceptions=False,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        module.fail_json(msg=f"{printable(given['executable'])} cannot be run: {error.strerror}; set `executable`")
    return Ended(code, out, err)


def options(flag: str, values: list[str]) -> list[str]:
    """`values` as a repeated option."""
    return [f"{flag}={value}" for value in values]


def printable(text: str) -> str:
    """`text` with control, format and separator characters written as escapes: names come from outside."""
    return "".join(_escaped(char) if unicodedata.category(char) in _UNSAFE else char for char in text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(printable(line) for line in text.split("\n"))


def as_json(value: Any) -> str:
    """A value on one line, fit for a terminal."""
    return printable(json.dumps(value, ensure_ascii=False, sort_keys=True))


def complaint(ended: Ended) -> str:
    """What the command complained about, for the message of a failed module."""
    lines = [printable(line) for line in ended.err.strip().split("\n")]
    start = next((at for at, line in enumerate(lines) if re.match(r"(error|Error|Usage):", line)), 0)
    text = "\n".join(lines[start:]).strip()
    return text[:_KEPT_BYTES] or f"bqnctl ended with {ended.code} and said nothing"


def warn(module: Any, ended: Ended) -> None:
    """Hand the warnings of bqnctl's log on to Ansible."""
    for line in ended.err.split("\n"):
        if line.startswith("warning: "):
            module.warn(printable(line.removeprefix("warning: ")))


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
