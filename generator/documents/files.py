"""Writing files so that a crash leaves the old one or the new one, never a part."""

import os
import tempfile
from pathlib import Path


def write_atomically(file: Path, content: bytes, *, mode: int = 0o644) -> bool:
    """Make `content` the content of `file`; False when it already was, and nothing is touched.

    The bytes go to a temporary file in the same folder, are flushed to disk and renamed into place.
    """
    if file.is_file() and file.read_bytes() == content:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
