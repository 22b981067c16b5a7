"""Inventories written for one test, and the text of the problems that loading them finds."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from generator.errors import DocumentError
from generator.inventory.load import KINDS, load_inventory
from generator.inventory.settings import Inventory

Write = Callable[..., Path]
Load = Callable[..., Inventory]
Problems = Callable[..., list[str]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files by name below a fresh folder; every text loses its first line break."""

    def write_files(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text.removeprefix("\n"), encoding="utf-8")
        return tmp_path

    return write_files


@pytest.fixture
def load(write: Write) -> Load:
    def load_files(files: Mapping[str, str], credentials: frozenset[str] = KINDS, **environ: str) -> Inventory:
        return load_inventory(write(files), environ=environ, credentials=credentials)

    return load_files


@pytest.fixture
def problems(write: Write, tmp_path: Path) -> Problems:
    """Every problem of an inventory as text, with file names as seen from its folder."""

    def find(files: Mapping[str, str], credentials: frozenset[str] = KINDS, **environ: str) -> list[str]:
        with pytest.raises(DocumentError) as caught:
            load_inventory(write(files), environ=environ, credentials=credentials)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return find
