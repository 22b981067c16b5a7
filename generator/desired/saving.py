"""Saving a tree of files so that every reader sees the old one or the new one, whenever a crash comes.

The new files are staged in a folder of their own, flushed, and then named in a commit record: from that
moment the new tree stands, and a reader takes staged files for the ones they replace. Moving them to their
places may then be interrupted at any point; the next save finishes it. Files that are not ours are not
touched, and files that did not change are not written.
"""

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from generator.documents.files import write_atomically
from generator.errors import DocumentError, Problem

FIXED_FILES = ("policies.yml", "groups.yml", "rejected.yml", "absent.yml")
SUBSCRIBERS = "subscribers"

_STAGE = ".bqnctl-save"
_COMMIT = "commit.json"
_OWN = re.compile(rf"(?:{'|'.join(map(re.escape, FIXED_FILES))}|{SUBSCRIBERS}/[^./][^/]*\.yml)")


class Changed(Struct, frozen=True, kw_only=True):
    """What a save did, by path relative to the tree."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class _Step(Struct, frozen=True):
    """One file of a commit: digests of what it was and what it becomes; `None` where there is none."""

    old: str | None
    new: str | None


def save_tree(folder: Path, files: Mapping[str, bytes]) -> Changed:
    """Make `files` (path relative to `folder` → content) the tree in `folder`; all of them or none.

    The tree's own files that are not in `files` are removed: `subscribers/*.yml`, and the fixed four. Raises
    `DocumentError` when the disk refuses; until the commit the old tree stands, after it the new one.
    """
    wrong = [name for name in files if not _OWN.fullmatch(name)]
    if wrong:
        raise ValueError(f"not files of a desired state: {wrong}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder, fcntl.LOCK_EX):
            _finish(folder)
            return _save(folder, files)
    except OSError as error:
        file = Path(error.filename) if isinstance(error.filename, str) else folder
        raise DocumentError([Problem(what=f"cannot be written: {error.strerror}", file=file)]) from error


def differences(folder: Path, files: Mapping[str, bytes]) -> Changed:
    """What `save_tree` would do; writes nothing."""
    present = tree_files(folder)
    found = {name: path.read_bytes() for name, path in present.items() if name in files}
    return Changed(
        added=tuple(sorted(files.keys() - present.keys())),
        changed=tuple(sorted(name for name, content in found.items() if files[name] != content)),
        removed=tuple(sorted(present.keys() - files.keys())),
    )


def tree_files(folder: Path) -> dict[str, Path]:
    """The files of the tree in `folder` by relative path, and where to read each: in order of the paths.

    After an interrupted save that was committed these are the new files, wherever they are now. Raises
    `DocumentError` when someone changed files since then.
    """
    files = _in_place(folder)
    problems: list[Problem] = []
    for name, step in _commit(folder).items():
        staged, target = folder / _STAGE / name, folder / name
        now = _digest(target)
        if now not in (step.old, step.new):
            what = "an interrupted save left a newer version of this file, and it was changed since"
            fix = f"run bqnctl render, or remove {folder / _STAGE} to keep the files as they are"
            problems.append(Problem(what=what, file=target, fix=fix))
        elif step.new is None:
            files.pop(name, None)
        else:
            files[name] = target if now == step.new else staged
    if problems:
        raise DocumentError(problems)
    return dict(sorted(files.items()))


def fingerprint(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Something that differs when any file of the tree was written, added or removed in between."""
    marks = []
    for path in (*_in_place(folder).values(), folder / _STAGE / _COMMIT):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        marks.append((str(path), status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(marks)


def _in_place(folder: Path) -> dict[str, Path]:
    shards = sorted((folder / SUBSCRIBERS).glob("*.yml"))
    names = [*FIXED_FILES, *(f"{SUBSCRIBERS}/{path.name}" for path in shards)]
    return {name: folder / name for name in names if _OWN.fullmatch(name) and (folder / name).is_file()}


def _commit(folder: Path) -> dict[str, _Step]:
    try:
        raw = (folder / _STAGE / _COMMIT).read_bytes()
    except FileNotFoundError:
        return {}
    try:
        steps = msgspec.json.decode(raw, type=dict[str, _Step])
    except msgspec.DecodeError:
        steps = {"?": _Step(None, None)}
    if all(map(_OWN.fullmatch, steps)):
        return steps
    raise DocumentError(
        [Problem(what="is not a record of a save", file=folder / _STAGE / _COMMIT, fix="remove its folder")]
    )


def _digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


@contextmanager
def steady(folder: Path) -> Iterator[None]:
    """Reading a tree that no `save_tree` changes meanwhile; the other waits."""
    if not folder.is_dir():
        yield
        return
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks; there, what `fingerprint` and the commit record do must do.
        with suppress(OSError):
            fcntl.flock(descriptor, mode)
        yield
    finally:
        os.close(descriptor)


def _save(folder: Path, files: Mapping[str, bytes]) -> Changed:
    changed = differences(folder, files)
    if not changed:
        return changed
    stage = folder / _STAGE
    steps: dict[str, _Step] = {}
    try:
        for name in (*changed.added, *changed.changed):
            _write(stage / name, files[name])
            steps[name] = _Step(_digest(folder / name), hashlib.sha256(files[name]).hexdigest())
        for name in changed.removed:
            steps[name] = _Step(_digest(folder / name), None)
        for part in (stage / SUBSCRIBERS, stage):
            part.mkdir(parents=True, exist_ok=True)
            _flush(part)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    write_atomically(stage / _COMMIT, msgspec.json.encode(steps))
    _move(folder, steps)
    return changed


def _finish(folder: Path) -> None:
    """Complete a committed save that was interrupted; drop the rests of one that was not committed."""
    try:
        tree_files(folder)
        steps = _commit(folder)
    except DocumentError:
        # Files were changed by hand since: the tree is about to be written anew, all of it.
        steps = {}
    _move(folder, steps)


def _move(folder: Path, steps: Mapping[str, _Step]) -> None:
    """Put committed files in their places; may be interrupted and begun again anywhere."""
    stage = folder / _STAGE
    for name, step in steps.items():
        if step.new is None:
            (folder / name).unlink(missing_ok=True)
        elif (stage / name).exists():
            (folder / name).parent.mkdir(exist_ok=True)
            (stage / name).replace(folder / name)
    for part in (folder / SUBSCRIBERS, folder):
        if part.is_dir():
            _flush(part)
    (stage / _COMMIT).unlink(missing_ok=True)
    if stage.exists():
        _flush(stage)
        shutil.rmtree(stage)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
