"""Files of the desired state: two readers of ours and one that is not ours see the same, and it can be written back.

Input: a file as it stands on disk. Which kind of file it is said to be follows from its text.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from generator.desired.lines import absent_line, line
from generator.desired.reading import read_as_yaml, read_entries
from generator.documents.yaml import Dialect, parse
from generator.errors import DocumentError
from tests.fuzz.oracle import must

_FILE = Path("f.yml")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_KIND = re.compile("^(policies|groups|subscribers|rejected|absent):", re.MULTILINE)


class _Reader(yaml.CSafeLoader):
    """PyYAML's safe reader, to which `=` and a value `<<` are text instead of what it cannot make."""


for _tag in ("value", "merge"):
    _Reader.add_constructor(f"tag:yaml.org,2002:{_tag}", lambda _, node: node.value)


def check(data: bytes) -> None:
    """One input through every reader of YAML."""
    text = data.decode("utf-8", "surrogateescape")
    for dialect in Dialect:
        _as_others_read_it(text, dialect)
    found = _KIND.search(text)
    kind = found[1] if found else "subscribers"
    by_lines, as_yaml = (_outcome(read, kind, text) for read in (read_entries, read_as_yaml))
    must(by_lines == as_yaml, "both ways of reading agree", by_lines, as_yaml)
    if isinstance(by_lines, dict):
        _written_back(kind, by_lines)


def _as_others_read_it(text: str, dialect: Dialect) -> None:
    """What we take from a document is what PyYAML takes from it; what we refuse has its place."""
    try:
        ours = parse(text, _FILE, dialect).data
    except DocumentError as error:
        for problem in error.problems:
            must(problem.file == _FILE and bool(problem.what), "a problem says what and where", problem)
            must(0 <= problem.line <= len(_BREAK.findall(text)) + 2, "a line of the file", problem)
        return
    theirs = yaml.load(text, Loader=_Reader)
    must(_same(ours, theirs), f"PyYAML reads the same ({dialect.name})", ours, theirs)


def _same(one: Any, other: Any) -> bool:
    """Equality in which true is not 1, a number that is none is itself, and keys keep their types."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return [*map(repr, one)] == [*map(repr, other)] and all(map(_same, one.values(), other.values()))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other) or one != one  # noqa: PLR0124 - NaN


def _outcome(read: Any, kind: str, text: str) -> dict[str, Any] | list[str]:
    try:
        return dict(read(kind, text, _FILE).entries)
    except DocumentError as error:
        return [str(problem) for problem in error.problems]


def _written_back(kind: str, entries: dict[str, Any]) -> None:
    lines = [absent_line(key, item) if kind == "absent" else line(item) for key, item in entries.items()]
    text = "\n".join([f"{kind}:", *(f"  {each}" for each in lines), ""])
    must(text.count("\n") == len(lines) + 1 == len(text.splitlines()), "one object is one line", text)
    for read in (read_entries, read_as_yaml):
        again = _outcome(read, kind, text)
        must(again == entries, "what was read is written back the same", entries, again)
