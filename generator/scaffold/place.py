"""Writes new files where nothing else stands: all of them, or none."""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from generator.documents.files import write_atomically
from generator.errors import BqnctlError, DocumentError, Problem
from generator.scaffold.files import NewFile


class Placed(Struct, frozen=True, kw_only=True):
    """What was written, and what was there already with the same content; paths in the folder."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]


def place(folder: Path, files: Sequence[NewFile]) -> Placed:
    """Write `files` under `folder`.

    Raises `DocumentError`, with every file that stands there and differs, before anything is written; and
    `BqnctlError` when one cannot be written, after taking away again what this call wrote.
    """
    problems = [problem for file in files if (problem := _conflict(folder, file)) is not None]
    if problems:
        raise DocumentError(problems)
    missing = [file for file in files if not (folder / file.path).exists()]
    done: list[Path] = []
    made: list[Path] = []
    try:
        for file in missing:
            path = folder / file.path
            made += _make_parents(path)
            write_atomically(path, file.content, mode=file.mode)
            done.append(path)
    except OSError as error:
        for path in done:
            path.unlink(missing_ok=True)
        for parent in reversed(made):
            parent.rmdir()
        raise BqnctlError(f"it cannot be written: {error.strerror}", where=str(error.filename or folder)) from error
    written = tuple(file.path for file in missing)
    return Placed(written=written, unchanged=tuple(file.path for file in files if file.path not in written))


def _make_parents(path: Path) -> list[Path]:
    """The folders above `path` that had to be made, the outermost first."""
    absent = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(absent):
        parent.mkdir()
    return absent[::-1]


def _conflict(folder: Path, file: NewFile) -> Problem | None:
    """Why `file` cannot be written, if so."""
    path = folder / file.path
    for parent in (folder, *(folder / part for part in reversed(Path(file.path).parents[:-1]))):
        if (parent.exists() or parent.is_symlink()) and not parent.is_dir():
            return Problem(what="a folder is needed here", file=parent, fix="move it away")
    if not path.exists() and not path.is_symlink():
        return None
    if path.is_file() and path.read_bytes() == file.content:
        return None
    what = "it exists and differs from what init would write"
    return Problem(what=what, file=path, fix="move it away, or merge by hand")
