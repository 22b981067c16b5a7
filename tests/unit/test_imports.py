"""Imports between the rooms go one way (docs/architecture.md)."""

import ast
from pathlib import Path

import generator

PACKAGE = Path(generator.__file__).parent
ORDER = [
    "errors",
    "model",
    "documents",
    "net",
    "inventory",
    "bqn",
    "billing",
    "desired",
    "reconcile",
    "report",
    "gateway",
    "demo",
    "scaffold",
    "support",
    "operate",
    "cli",
]


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        rooms |= {name.split(".")[1] for name in names if name.startswith("generator.")}
    return rooms


def test_every_room_is_in_the_order() -> None:
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms <= set(ORDER)


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {room}"
        for path in PACKAGE.rglob("*.py")
        if room_of(path) in ORDER
        for room in imported_rooms(path)
        if ORDER.index(room) > ORDER.index(room_of(path))
    ]
    assert wrong == []


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}
