"""One file of the desired state → its entries: by lines where they are ours, as YAML where they are not.

A file that our writer made, with a few lines edited by hand, is read line by line; each run of other lines is
read as YAML under the same parent. Whatever could make a line mean something else than it says (a document
mark, an anchor, a tab, a run that does not parse by itself) has the whole file read as YAML, and that
result or error stands.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from generator.desired.canonical import Doubt, make_canonical
from generator.desired.convert import convert
from generator.documents.yaml import Dialect, Document, parse
from generator.errors import DocumentError

KINDS = ("policies", "groups", "subscribers", "rejected", "absent")

_UNCLEAR = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
"""Line breaks that only some readers know, tabs, and what YAML does not allow at all."""

_NOTHING = re.compile(r" *(?:#.*)?")

_GUARDS = dict.fromkeys(KINDS, "  guard: {}") | {"rejected": "  - {record: guard, reason: guard}"}
"""An entry of each kind that stands before a run, and holds its indentation."""


class Part(Struct, frozen=True, eq=False):
    """Lines that were read as YAML: their document, and what each key is called in it."""

    document: Document
    written: Mapping[str, str]


class FileEntries(Struct, frozen=True, kw_only=True, eq=False):
    """What one file holds: entries by key (by position for `rejected`), and what finds their places."""

    file: Path
    kind: str
    entries: Mapping[str, Any]
    text: str
    parts: tuple[Part, ...]


def read_entries(kind: str, text: str, file: Path) -> FileEntries:
    """The entries of `text`, a file of `kind` that is said to be `file`.

    Raises `DocumentError` with every problem in it.
    """
    try:
        return _by_lines(kind, text, file)
    except Doubt:
        return read_as_yaml(kind, text, file)


def read_as_yaml(kind: str, text: str, file: Path) -> FileEntries:
    """The same, by the YAML library alone: the reference for the fast way."""
    part, entries = _yaml_part(kind, parse(text, file, Dialect.STRICT))
    return FileEntries(file=file, kind=kind, entries=_keyed(kind, entries), text=text, parts=(part,))


def _yaml_part(kind: str, document: Document) -> tuple[Part, tuple[tuple[str, Any], ...]]:
    converted = convert(kind, document)
    return Part(document, converted.written), converted.entries


def _keyed(kind: str, entries: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    if kind == "rejected":
        return {str(position): item for position, (_, item) in enumerate(entries)}
    return dict(entries)


def _by_lines(kind: str, text: str, file: Path) -> FileEntries:
    reader = _LineReader(kind, file, text)
    reader.read()
    entries = reader.entries if kind != "rejected" else _keyed(kind, tuple(reader.listed))
    return FileEntries(file=file, kind=kind, entries=entries, text=text, parts=tuple(reader.parts))


class _LineReader:
    """Goes through the lines of one file once."""

    def __init__(self, kind: str, file: Path, text: str) -> None:
        self._kind, self._file, self._text = kind, file, text
        self._counted, self._line = 0, 1
        self.entries: dict[str, Any] = {}
        self.listed: list[tuple[str, Any]] = []
        self.parts: list[Part] = []

    def read(self) -> None:
        """Fill `entries` (`listed` for `rejected`) and `parts`; raises `Doubt`."""
        canonical = make_canonical(self._kind)
        make = canonical.make
        entries, listed = self.entries, self._kind == "rejected"
        read_to = self._after_top()
        for found in canonical.pattern.finditer(self._text, read_to):
            made = make(found.groups())
            if made is None:
                continue
            start, end = found.span()
            if start != read_to:
                self._read_between(read_to, start)
            read_to = end
            key, item = made
            if listed:
                self.listed.append((key, item))
            elif key in entries:
                raise Doubt
            else:
                entries[key] = item
        self._read_between(read_to, len(self._text))

    def _after_top(self) -> int:
        """Where the first line after the top key starts; comments and blanks may precede it."""
        start = 0
        while start < len(self._text):
            end = self._text.find("\n", start)
            end = len(self._text) if end < 0 else end
            line = self._text[start:end]
            if line == f"{self._kind}:":
                return min(end + 1, len(self._text))
            if _UNCLEAR.search(line) or not _NOTHING.fullmatch(line):
                break
            start = end + 1
        raise Doubt

    def _read_between(self, start: int, end: int) -> None:
        """Read the lines from `start` to `end`, none of which is canonical."""
        between = self._text[start:end]
        if _UNCLEAR.search(between):
            raise Doubt
        run = between.split("\n")
        while run and _NOTHING.fullmatch(run[0]):
            start += len(run.pop(0)) + 1
        if run:
            self._read_run(run, self._line_at(start))

    def _line_at(self, position: int) -> int:
        """The number of the line at `position`, which only grows: each line is counted once."""
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line

    def _read_run(self, run: list[str], first_line: int) -> None:
        """Read `run` as YAML under the same parent, after a guard that holds the indentation."""
        text = "\n".join(run)
        # A line at the margin is not under the parent; an anchor or alias may reach beyond the run.
        if any(line and line[0] not in " #" for line in run) or "&" in text or "*" in text:
            raise Doubt
        wrapped = f"{self._kind}:\n{_GUARDS[self._kind]}\n{text}"
        try:
            document = parse(wrapped, self._file, Dialect.STRICT, first_line=first_line - 2)
            self._drop_guard(document)
            part, found = _yaml_part(self._kind, document)
        except DocumentError as error:
            raise Doubt from error
        self.parts.append(part)
        self.listed += found
        if self._kind != "rejected":
            if not self.entries.keys().isdisjoint(key for key, _ in found):
                raise Doubt
            self.entries.update(found)

    def _drop_guard(self, document: Document) -> None:
        content = document.data[self._kind] if isinstance(document.data, dict) else None
        if isinstance(content, list):
            del content[0]
        elif isinstance(content, dict) and "guard" in content:
            del content["guard"]
        else:
            raise Doubt
