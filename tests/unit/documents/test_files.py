"""Whole-file writing."""

from pathlib import Path

import pytest

from generator.documents.files import write_atomically


def test_a_file_is_written_once_and_left_alone_when_it_is_the_same(tmp_path: Path) -> None:
    file = tmp_path / "new" / "f"
    assert write_atomically(file, b"one", mode=0o600)
    before = file.stat()
    assert not write_atomically(file, b"one")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert file.stat().st_mode & 0o777 == 0o600
    assert write_atomically(file, b"two")
    assert file.read_bytes() == b"two"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "f"
    write_atomically(file, b"one")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(file, b"two")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert file.read_bytes() == b"one"
