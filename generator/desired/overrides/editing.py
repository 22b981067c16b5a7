"""Adds an override to the text of `overrides.yml`, or takes one out, and leaves every other byte as it was.

The text is spliced at the places that the YAML reader knows, because a round trip through a YAML library
reformats lines and drops the comment above the entry after a removed one. What comes out is read again and
must say exactly the same but for the one entry; else nothing is written and the person is asked to edit.
"""

import re
from pathlib import Path
from typing import Any

from generator.desired.lines import address, quoted, scalar
from generator.documents.yaml import Dialect, Document, parse
from generator.errors import DocumentError, UsageError

SCHEMA_URL = "https://bqnctl.dev/schemas/overrides.schema.json"
_TOP = "overrides"
_EMPTY = re.compile(r"^(overrides:)[ \t]*(?:\{[ \t]*\}|null)?(?=[ \t]*(?:#[^\n]*)?\r?$)", re.MULTILINE)
_PASSED_OVER = re.compile(r"([ \t]*)(#.*)?")
_STEP = "  "


def added(text: str, name: str, value: dict[str, Any], file: Path) -> str:
    """`text`, the content of `file` (empty for a new one), with the override `name` after all others.

    Raises `UsageError` when there is one of that name, or where the file is written in a way that only a person
    can add to; `DocumentError` when it is no YAML.
    """
    document, before = _entries(text, file)
    if name in before:
        line = document.place((_TOP, name), of_key=True).line
        raise UsageError(
            f"there is an override {name!r} already", where=f"{file}:{line}",
            fix="choose another name, or remove that one first",
        )  # fmt: skip
    ending = "\r\n" if "\r\n" in text else "\n"
    if not before:
        start, end = _opened(text, ending, file)
        indent, tail = _STEP, end
    else:
        lines = text.splitlines(keepends=True)
        last = max(document.place((_TOP, each), of_key=True).line for each in before)
        indent = " " * (document.place((_TOP, next(iter(before))), of_key=True).column - 1)
        until = _content_end(lines, last, len(lines), indent)
        start, tail = "".join(lines[:until]), "".join(lines[until:])
    if start and not start.endswith("\n"):
        start += ending
    entry = "".join(f"{indent}{line}{ending}" for line in entry_lines(name, value))
    return _proven(start + entry + tail, {**before, name: value}, file)


def removed(text: str, name: str, file: Path) -> str:
    """`text` without the lines of the override `name`; comments above and below it stay.

    Raises `UsageError` when there is none, or where only a person can take it out.
    """
    document, before = _entries(text, file)
    lines = text.splitlines(keepends=True)
    starts = sorted(document.place((_TOP, each), of_key=True).line for each in before)
    place = document.place((_TOP, name), of_key=True)
    following = next((line for line in starts if line > place.line), len(lines) + 1)
    end = _content_end(lines, place.line, following - 1, " " * (place.column - 1))
    rest = "".join(lines[: place.line - 1] + lines[end:])
    return _proven(rest, {each: value for each, value in before.items() if each != name}, file)


def comment_above(text: str, name: str, file: Path) -> int | None:
    """The line of a comment that stands right above the override `name`, if there is one."""
    document, _ = _entries(text, file)
    line = document.place((_TOP, name), of_key=True).line - 1
    lines = text.splitlines()
    return line if line > 0 and lines[line - 1].lstrip().startswith("#") else None


def names(text: str, file: Path) -> tuple[str, ...]:
    """The names of all overrides in `text`, however wrong they may be."""
    return tuple(_entries(text, file)[1])


def entry_lines(name: str, value: dict[str, Any]) -> list[str]:
    """The lines of one override as `override add` writes them, without the indentation of the list."""
    lines = [f"{scalar(name)}:", f"{_STEP}reason: {quoted(value['reason'])}"]
    if "until" in value:
        lines.append(f"{_STEP}until: {quoted(value['until'])}")
    return [*lines, *(f"{_STEP}{part}: {_flow(value[part])}" for part in ("match", "set"))]


def _flow(value: Any, key: str = "") -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_flow(each, name)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_flow(each) for each in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return address(value) if key == "ip" and re.fullmatch("[0-9.]+|[0-9A-Fa-f:]+", value) else scalar(value)


def _entries(text: str, file: Path) -> tuple[Document, dict[str, Any]]:
    document = parse(text, file, Dialect.STRICT)
    data = {_TOP: None} if document.data is None else document.data
    if not isinstance(data, dict) or not isinstance(data.get(_TOP), dict | None):
        what = "this is no file of overrides"
        raise DocumentError([document.problem(what, fix="begin it with a line that says: overrides:")])
    return document, data.get(_TOP) or {}


def _opened(text: str, ending: str, file: Path) -> tuple[str, str]:
    """The text of a file without overrides, up to where the first one goes, and the rest."""
    found = _EMPTY.search(text)
    if found:
        end = text.find("\n", found.end()) + 1 or len(text)
        return text[: found.start()] + found[1] + text[found.end() : end], text[end:]
    if parse(text, file, Dialect.STRICT).data is not None:
        raise _by_hand(file)
    top = text or f"# yaml-language-server: $schema={SCHEMA_URL}{ending}"
    return f"{top}{'' if top.endswith(chr(10)) else ending}{_TOP}:{ending}", ""


def _content_end(lines: list[str], start: int, end: int, indent: str) -> int:
    """The last of the lines `start` to `end` (from 1) that is an entry's own, not a blank or a comment after it."""
    for number in range(end, start, -1):
        found = _PASSED_OVER.fullmatch(lines[number - 1].rstrip("\r\n"))
        if found is None or (found[2] and len(found[1]) > len(indent)):
            return number
    return start


def _proven(text: str, expected: dict[str, Any], file: Path) -> str:
    """`text`, if it says what is `expected` and nothing else."""
    try:
        document, entries = _entries(text, file)
    except DocumentError as error:
        raise _by_hand(file) from error
    if document.data is None or entries != expected or list(entries) != list(expected):
        raise _by_hand(file)
    return text


def _by_hand(file: Path) -> UsageError:
    return UsageError(
        "the file is written in a way that cannot be edited line by line (flow style, anchors or several entries on "
        "one line)",
        where=str(file), fix="edit it by hand, then run bqnctl validate",
    )  # fmt: skip
