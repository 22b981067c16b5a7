"""Reads YAML with the place of every value, for files that people edit; never executes anything.

Two dialects. `ANSIBLE` reads scalars as Ansible (YAML 1.1 by PyYAML's safe rules) does, because an
inventory must mean the same to both. `STRICT` is for the desired state: a scalar that YAML 1.1 and 1.2, or
two libraries, would read differently (`no`, `012`, `12:30:45`, `1e3`, `2024-01-01`, `~`) is an error that
says to quote it.

Built on libyaml's event parser with a stack of our own, so that deep nesting, alias bombs and duplicate
keys are found while reading, and places cost little.
"""

from enum import Enum, auto
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from generator.documents.scalars import AMBIGUOUS, JSON_FLOAT, JSON_INT, AnsibleScalars
from generator.errors import DocumentError, Problem

MAX_DEPTH = 60
MAX_ALIASED_NODES = 100_000
"""How many nodes aliases may stand for in one file; more is a YAML bomb."""

_STR = "tag:yaml.org,2002:str"
_HIDDEN_KEY = "credentials"
"""Under this key nothing that is read ends up in a message."""
VAULT_TAG = "!vault"
_TAG_FIXES = {
    VAULT_TAG: "Ansible Vault is for the inventory",
    "!unsafe": "remove the tag and write {% raw %}text{% endraw %}",
}


class Dialect(Enum):
    """Which reading of plain scalars a file gets."""

    ANSIBLE = auto()
    STRICT = auto()


class Vaulted(str):
    """A text as `ansible-vault` encrypted it, where an inventory has the tag `!vault`."""

    __slots__ = ()


class Place(Struct, frozen=True, gc=False):
    """Where a value stands; both count from 1."""

    line: int
    column: int


class _Node:
    """A value, where it stands, and where its parts stand; `size` counts nodes, aliases unfolded."""

    __slots__ = ("children", "column", "keys", "line", "size", "value")

    def __init__(self, value: Any, line: int, column: int) -> None:
        self.value, self.line, self.column, self.size = value, line, column, 1
        self.children: dict[Any, _Node] | list[_Node] | None = None
        self.keys: dict[Any, Place] = {}


class Document:
    """The data of one YAML file, and the place of each part of it."""

    def __init__(self, file: Path, root: _Node | None, problems: list[Problem]) -> None:
        self.file, self._root, self.problems = file, root, problems

    @property
    def data(self) -> Any:
        """Plain dicts, lists and scalars; `None` for an empty file."""
        return None if self._root is None else self._root.value

    def place(self, path: tuple[Any, ...], *, of_key: bool = False) -> Place:
        """Where the value at `path` (keys and indexes from the root) stands; the nearest parent if absent."""
        node, place = self._root, Place(1, 1)
        for position, part in enumerate(path):
            if node is None or node.children is None:
                return place
            children = node.children
            try:
                child = children[part]
            except (KeyError, IndexError, TypeError):
                return place
            last = position == len(path) - 1
            if last and of_key and part in node.keys:
                return node.keys[part]
            node, place = child, Place(child.line, child.column)
        return place if path or node is None else Place(node.line, node.column)

    def problem(
        self, what: str, path: tuple[Any, ...] = (), *, of_key: bool = False, fix: str | None = None
    ) -> Problem:
        """A problem at `path` of this file."""
        place = self.place(path, of_key=of_key)
        key = ".".join(str(part) for part in path) or None
        return Problem(what=what, file=self.file, line=place.line, column=place.column, key=key, fix=fix)


def read_text(file: Path) -> str:
    """The text of `file`, UTF-8 with or without a byte-order mark.

    Raises `DocumentError` when it cannot be read or is not UTF-8, naming the line.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise DocumentError([Problem(what=f"cannot be read: {error.strerror}", file=file)]) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        problem = Problem(
            what=f"byte 0x{raw[error.start]:02x} is not UTF-8", file=file, line=line, column=column,
            fix="save the file as UTF-8",
        )  # fmt: skip
        raise DocumentError([problem]) from error


def load(file: Path, dialect: Dialect) -> Document:
    """The document in `file`; raises `DocumentError` with every problem found in it."""
    return parse(read_text(file), file, dialect)


def parse(text: str, file: Path, dialect: Dialect, *, first_line: int = 1, secret: bool = False) -> Document:
    """The document in `text`, which is said to be `file` from line `first_line` on.

    Of a `secret` text no message quotes anything. Raises `DocumentError` with every problem: syntax, more than
    one document, duplicate keys, ambiguous scalars, unknown tags, nesting deeper than `MAX_DEPTH`, aliases that
    stand for too much.
    """
    builder = _Builder(file, dialect, first_line - 1, secret=secret)
    try:
        builder.run(yaml.cyaml.CParser(text))  # type: ignore[attr-defined]
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        what = f"the lone surrogate U+{ord(text[error.start]):04X} is no character"
        column = error.start - text.rfind("\n", 0, error.start)
        raise DocumentError([Problem(what=what, file=file, line=line + first_line - 1, column=column)]) from error
    except yaml.YAMLError as error:
        builder.syntax(error, text)
    if builder.problems:
        raise DocumentError(builder.problems)
    return Document(file, builder.root, [])


class _Frame:
    """A collection being read: its node and, in a mapping, the key that waits for its value."""

    __slots__ = ("anchor", "expects_key", "key", "key_place", "node")

    def __init__(self, node: _Node, anchor: str | None) -> None:
        self.node, self.anchor = node, anchor
        self.expects_key, self.key, self.key_place = isinstance(node.value, dict), None, Place(1, 1)


class _Builder:
    """Turns the events of one stream into nodes, and keeps the problems on the way."""

    def __init__(self, file: Path, dialect: Dialect, line_offset: int, *, secret: bool) -> None:
        self.file, self.dialect, self.offset, self._secret = file, dialect, line_offset, secret
        self.problems: list[Problem] = []
        self.root: _Node | None = None
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Node | None] = {}
        self._aliased = 0
        self._ansible = AnsibleScalars()

    def run(self, parser: Any) -> None:
        documents = 0
        while True:
            event = parser.get_event()
            if event is None or isinstance(event, StreamEndEvent):
                return
            if isinstance(event, yaml.events.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._report("a second document starts here", event, "keep one document per file")
                    return
            elif isinstance(event, ScalarEvent):
                self._add(self._scalar(event), event)
            elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
                if not self._open(event):
                    return
            elif isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                self._close(event)
            elif isinstance(event, AliasEvent) and not self._alias(event):
                return

    def syntax(self, error: yaml.YAMLError, text: str) -> None:
        if isinstance(error, yaml.MarkedYAMLError):
            mark = error.problem_mark or error.context_mark
            what = f"not valid YAML: {error.problem or error.context}"
            line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        elif isinstance(error, yaml.reader.ReaderError):
            # libyaml counts bytes of the UTF-8 it was given.
            position = len(text.encode()[: int(error.position)].decode(errors="ignore"))
            line = text.count("\n", 0, position) + 1
            column = position - text.rfind("\n", 0, position)
            what = f"not valid YAML: {error.reason}"
        else:
            what, line, column = f"not valid YAML: {error}", 0, 0
        self.problems.append(Problem(what=what, file=self.file, line=line + self.offset if line else 0, column=column))

    def _report(self, what: str, event: Any, fix: str | None = None) -> None:
        mark = event.start_mark
        self.problems.append(
            Problem(what=what, file=self.file, line=mark.line + 1 + self.offset, column=mark.column + 1, fix=fix)
        )

    def _report_tag(self, event: Any) -> None:
        tag = f" {event.tag}" if event.tag in _TAG_FIXES else self._unless_secret(event.tag)
        self._report(f"the tag{tag} is not allowed here", event, _TAG_FIXES.get(event.tag, "remove the tag"))

    def _unless_secret(self, text: str) -> str:
        """`text` after a blank, for a message; nothing where it may be a part of a credential."""
        hidden = self._secret or any(frame.key == _HIDDEN_KEY for frame in self._stack)
        return "" if hidden else f" {text}"

    def _node(self, value: Any, event: Any) -> _Node:
        return _Node(value, event.start_mark.line + 1 + self.offset, event.start_mark.column + 1)

    def _open(self, event: Any) -> bool:
        if len(self._stack) >= MAX_DEPTH:
            self._report(f"nested deeper than {MAX_DEPTH} levels", event)
            return False
        mapping = isinstance(event, MappingStartEvent)
        if event.tag not in (None, "!") and event.tag != f"tag:yaml.org,2002:{'map' if mapping else 'seq'}":
            self._report_tag(event)
        node = self._node({} if mapping else [], event)
        node.children = {} if mapping else []
        self._anchor(event, None)
        self._stack.append(_Frame(node, event.anchor))
        return True

    def _close(self, event: Any) -> None:
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = frame.node
        if isinstance(frame.node.value, dict):
            frame.node.value.pop(_MERGED, None)
        self._place(frame.node, event)

    def _alias(self, event: Any) -> bool:
        node = self._anchors.get(event.anchor)
        if node is None:
            alias = self._unless_secret(f"*{event.anchor}")
            self._report(f"the alias{alias} stands inside its own anchor or has none", event)
            return False
        self._aliased += node.size
        if self._aliased > MAX_ALIASED_NODES:
            self._report(f"aliases stand for more than {MAX_ALIASED_NODES} values", event, "write them out")
            return False
        self._place(node, event)
        return True

    def _add(self, node: _Node, event: Any) -> None:
        self._anchor(event, node)
        self._place(node, event)

    def _anchor(self, event: Any, node: _Node | None) -> None:
        """Note what an anchor stands for; some readers of YAML take the last of two, others none."""
        if event.anchor in self._anchors:
            told = self._unless_secret(f"&{event.anchor}")
            self._report(f"the anchor{told} stands here a second time", event, "give it another name")
        if event.anchor:
            self._anchors[event.anchor] = node

    def _place(self, node: _Node, event: Any) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if isinstance(frame.node.children, list):
            frame.node.value.append(node.value)
            frame.node.children.append(node)
            frame.node.size += node.size
        elif frame.expects_key:
            frame.key, frame.key_place, frame.expects_key = self._key(node, event), Place(node.line, node.column), False
        else:
            frame.expects_key = True
            self._put(frame, node, event)

    def _key(self, node: _Node, event: Any) -> Any:
        if isinstance(node.value, (dict, list)):
            what = "a collection cannot be a key"
            self.problems.append(Problem(what=what, file=self.file, line=node.line, column=node.column))
            return None
        if self.dialect is Dialect.STRICT and not isinstance(node.value, str):
            shown = "an empty key" if node.value is None else f"{node.value!s} as a key"
            self._report(f"{shown} is not text", event, "quote it" if node.value is not None else None)
        return node.value

    def _put(self, frame: _Frame, node: _Node, event: Any) -> None:
        key, target = frame.key, frame.node
        children = target.children
        if key == "<<" and self.dialect is Dialect.ANSIBLE:
            self._merge(frame, node, event)
            return
        merged = target.value.get(_MERGED, ())
        if key in target.value and key not in merged:
            first = target.keys.get(key, Place(target.line, target.column))
            place, told = frame.key_place, self._unless_secret(str(key))
            self.problems.append(
                Problem(
                    what=f"the key{told} stands here twice, first in line {first.line}",
                    file=self.file, line=place.line, column=place.column, fix="keep one of them",
                )
            )  # fmt: skip
            return
        if key in merged:
            merged.discard(key)
        target.value[key] = node.value
        target.keys[key] = frame.key_place
        if isinstance(children, dict):
            children[key] = node
        target.size += node.size + 1

    def _merge(self, frame: _Frame, node: _Node, event: Any) -> None:
        """YAML 1.1 merge: the keys of another mapping, unless the mapping has them itself."""
        sources = node.children if isinstance(node.children, list) else [node]
        target = frame.node
        merged: set[Any] = target.value.setdefault(_MERGED, set())
        for source in sources:
            if not isinstance(source.children, dict) or not isinstance(target.children, dict):
                self._report("<< merges a mapping or a list of mappings", event)
                return
            for key, child in source.children.items():
                if key not in target.value:
                    target.value[key], target.children[key] = child.value, child
                    merged.add(key)
            target.size += source.size

    def _scalar(self, event: Any) -> _Node:
        plain = event.implicit[0]
        if event.tag == VAULT_TAG and self.dialect is Dialect.ANSIBLE:
            return self._node(Vaulted(event.value), event)
        if event.tag not in (None, "!", _STR):
            self._report_tag(event)
        if not plain or event.tag == _STR:
            return self._node(event.value, event)
        if self.dialect is Dialect.ANSIBLE:
            try:
                return self._node(self._ansible.read(event.value), event)
            except ValueError:
                value = self._unless_secret(event.value)
                self._report(f"the value{value} cannot be read as YAML 1.1 reads it", event, "quote it")
                return self._node(event.value, event)
        return self._node(self._strict(event), event)

    def _strict(self, event: Any) -> Any:
        text: str = event.value
        if text in ("", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if JSON_INT.fullmatch(text) and text != "-0":
            return int(text)
        if JSON_FLOAT.fullmatch(text):
            return float(text)
        if AMBIGUOUS.fullmatch(text):
            what = f"{text!r} without quotes is not text to every YAML reader"
            self._report(what, event, f'write "{text}"')
        return text


_MERGED = object()
"""Key under which a mapping being read keeps the set of keys that came by `<<`."""
