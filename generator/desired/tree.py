"""The desired-state tree of one source, on disk: loading it whole, with the place of everything in it."""

import hashlib
import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct

from generator.desired.canonical import Doubt, make_canonical
from generator.desired.order import by_address, by_name
from generator.desired.reading import KINDS, FileEntries, read_entries
from generator.desired.saving import (
    FIXED_FILES,
    SUBSCRIBERS,
    Changed,
    differences,
    fingerprint,
    save_tree,
    steady,
    tree_files,
)
from generator.documents.yaml import read_text
from generator.errors import DocumentError, Problem
from generator.model import DesiredState

__all__ = ["Changed", "LoadedTree", "Location", "differences", "load_tree", "read_tree", "save_tree"]

_ATTEMPTS = 5
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Location(Struct, frozen=True):
    """Where something stands: as in `Problem`, line and column count from 1, and 0 means the whole file."""

    file: Path
    line: int = 0
    column: int = 0


class LoadedTree:
    """A desired state as it was read, and where each thing in it stands."""

    def __init__(self, folder: Path, files: tuple[FileEntries, ...]) -> None:
        self.folder = folder
        self._files = files
        self._places: dict[str, dict[str, Location]] = {}
        self.state = _state(files)

    @property
    def digest(self) -> str:
        """SHA-256 over names and text of all files: the same only for the same tree."""
        digest = hashlib.sha256()
        for each in self._files:
            text = each.text.encode()
            digest.update(f"{each.file.relative_to(self.folder).as_posix()}\0{len(text)}\0".encode())
            digest.update(text)
        return digest.hexdigest()

    def place(self, kind: str, key: str, field: str | None = None) -> Location:
        """Where `key` of `kind` (`subscribers`, `policies`, `groups`, `absent`) stands, or its `field`.

        The file as a whole for what is not there.
        """
        for each in self._files:
            if each.kind == kind and key in each.entries:
                return self._in_file(each, key, field)
        name = SUBSCRIBERS if kind == SUBSCRIBERS else f"{kind}.yml"
        return Location(self.folder / name)

    def problem(self, what: str, kind: str, key: str, *, field: str | None = None, fix: str | None = None) -> Problem:
        """A problem with `key` of `kind`, at its place."""
        place = self.place(kind, key, field)
        return Problem(what=what, file=place.file, line=place.line, column=place.column, key=key, fix=fix)

    def _in_file(self, file: FileEntries, key: str, field: str | None) -> Location:
        for part in file.parts:
            if key in part.written:
                path = (file.kind, part.written[key]) + (() if field is None else (field,))
                place = part.document.place(path, of_key=field is None)
                return Location(file.file, place.line, place.column)
        lines = self._places.get(str(file.file))
        if lines is None:
            lines = self._places[str(file.file)] = _canonical_places(file)
        place_of_key = lines.get(key, Location(file.file))
        return place_of_key if field is None else _field_place(file, place_of_key, field)


def _canonical_places(file: FileEntries) -> dict[str, Location]:
    canonical = make_canonical(file.kind)
    places: dict[str, Location] = {}
    for number, line in enumerate(file.text.split("\n"), 1):
        found = canonical.pattern.fullmatch(line)
        if found is None:
            continue
        try:
            made = canonical.make(found.groups())
        except Doubt:
            continue
        if made is not None:
            places[made[0]] = Location(file.file, number, 3)
    return places


def _field_place(file: FileEntries, key: Location, field: str) -> Location:
    """The value of `field` on a canonical line; texts in quotes are blanked out first."""
    if not key.line:
        return key
    line = file.text.split("\n")[key.line - 1]
    plain = _STRING.sub(lambda text: "x" * len(text[0]), line)
    found = re.search(rf"[{{ ]{re.escape(field)}: ", plain)
    return key if found is None else Location(key.file, key.line, found.end() + 1)


def load_tree(folder: Path) -> LoadedTree:
    """The desired state in `folder`, which `save_tree` or a person wrote.

    Reads any valid YAML of the right shape. A tree being saved meanwhile is read before or after, never half.
    Raises `DocumentError` with every problem of every file.
    """
    for _ in range(_ATTEMPTS):
        with steady(folder):
            before = fingerprint(folder)
            texts, problems = _texts(folder)
            if fingerprint(folder) == before:
                break
    else:
        what = "its files change faster than they can be read"
        raise DocumentError([Problem(what=what, file=folder, fix="run again when they are saved")])
    problems += _unread_names(folder)
    if problems:
        raise DocumentError(problems)
    return read_tree(texts, folder)


def _texts(folder: Path) -> tuple[dict[str, str], list[Problem]]:
    """The text of each file of the tree, and what kept the others from being read."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for name, path in tree_files(folder).items():
        try:
            texts[name] = read_text(path)
        except DocumentError as error:
            problems += error.problems
    return texts, problems


def read_tree(texts: Mapping[str, str], folder: Path) -> LoadedTree:
    """The desired state in `texts` (path relative to `folder` → content); raises as `load_tree` does."""
    if "policies.yml" not in texts:
        what = "there is no desired state here (no policies.yml)"
        raise DocumentError([Problem(what=what, file=folder, fix="run bqnctl render")])
    files: list[FileEntries] = []
    problems: list[Problem] = []
    for name, text in texts.items():
        kind = SUBSCRIBERS if name.startswith(f"{SUBSCRIBERS}/") else name.removesuffix(".yml")
        try:
            files.append(read_entries(kind, text, folder / name))
        except DocumentError as error:
            problems += error.problems
    if not problems:
        tree = LoadedTree(folder, tuple(files))
        problems = _twice(tree, files)
    if problems:
        raise DocumentError(problems)
    return tree


def _unread_names(folder: Path) -> list[Problem]:
    """Files that look like parts of the tree and are none: what is not read must not look as if it were."""
    names = [
        *(f"{Path(name).stem}.yaml" for name in FIXED_FILES),
        f"{SUBSCRIBERS}.yml",
        f"{SUBSCRIBERS}.yaml",
    ]
    found = [folder / name for name in names if (folder / name).exists()]
    found += sorted((folder / SUBSCRIBERS).glob("*.yaml"))
    return [
        Problem(what="is not a file of the desired state, and would not be read", file=path,
                fix="rename it: policies.yml, groups.yml, subscribers/NAME.yml")
        for path in found
    ]  # fmt: skip


def _twice(tree: LoadedTree, files: list[FileEntries]) -> list[Problem]:
    """Addresses that stand in two files."""
    if len(tree.state.subscribers) == sum(len(each.entries) for each in files if each.kind == SUBSCRIBERS):
        return []
    first: dict[str, FileEntries] = {}
    problems = []
    for each in files:
        if each.kind != SUBSCRIBERS:
            continue
        for ip in first.keys() & each.entries.keys():
            here = tree._in_file(each, ip, None)  # noqa: SLF001 - the same room; place() finds the first only
            there = tree.place(SUBSCRIBERS, ip)
            what = f"{ip} stands in two files, first in {there.file.name}:{there.line}"
            problems.append(
                Problem(what=what, file=here.file, line=here.line, column=here.column, key=ip, fix="keep one")
            )
        first |= dict.fromkeys(each.entries, each)
    return sorted(problems, key=lambda problem: (str(problem.file), problem.line))


def _state(files: tuple[FileEntries, ...]) -> DesiredState:
    content: dict[str, Mapping[str, Any]] = {}
    for kind in KINDS:
        parts = [each.entries for each in files if each.kind == kind]
        content[kind] = parts[0] if len(parts) == 1 else dict(chain.from_iterable(part.items() for part in parts))
    return DesiredState(
        policies=by_name(content["policies"]),
        groups=by_name(content["groups"]),
        subscribers=by_address(content["subscribers"]),
        rejected=tuple(content["rejected"].values()),
        absent=by_address(content["absent"]),
    )
