from pathlib import Path
from typing import Any

import pytest

from generator.errors import UsageError
from generator.inventory.find import find_inventory

CHOICE = "choose one: -i inventories/a, -i inventories/b"


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "hosts.yml").touch()


def test_the_option_comes_before_the_environment(tmp_path: Path) -> None:
    make(tmp_path, "a", "b", "inventories/c")
    assert find_inventory(Path("a"), {"BQNCTL_INVENTORY": "b"}, tmp_path) == tmp_path / "a"
    assert find_inventory(tmp_path / "a", {}, Path("/")) == tmp_path / "a"
    assert find_inventory(Path("a/hosts.yml"), {}, tmp_path) == tmp_path / "a"


def test_the_environment_comes_before_the_folders(tmp_path: Path) -> None:
    make(tmp_path, "b", "inventories/c")
    assert find_inventory(None, {"BQNCTL_INVENTORY": "b"}, tmp_path) == tmp_path / "b"
    assert find_inventory(None, {"BQNCTL_INVENTORY": ""}, tmp_path) == tmp_path / "inventories/c"


def test_the_only_inventory_is_found(tmp_path: Path) -> None:
    make(tmp_path, ".", "inventories/c")
    (tmp_path / "inventories/notes").mkdir()
    (tmp_path / "inventories/README.md").touch()
    assert find_inventory(None, {}, tmp_path) == tmp_path / "inventories/c"
    assert find_inventory(None, {}, tmp_path / "inventories/c") == tmp_path / "inventories/c"


def test_hosts_yaml_will_do(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").touch()
    assert find_inventory(None, {}, tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        (
            None,
            {},
            f"FOLDER: there are several inventories\n  → {CHOICE}",
        ),
        (
            Path("x"),
            {},
            f"FOLDER/x: -i: there is no such folder\n  → {CHOICE}",
        ),
        (
            None,
            {"BQNCTL_INVENTORY": "inventories"},
            f"FOLDER/inventories: $BQNCTL_INVENTORY: this folder has no hosts.yml\n  → {CHOICE}",
        ),
    ],
)
def test_a_choice_is_offered(tmp_path: Path, option: Path | None, environ: dict[str, str], expected: str) -> None:
    make(tmp_path, "inventories/a", "inventories/b")
    with pytest.raises(UsageError) as caught:
        find_inventory(option, environ, tmp_path)
    assert str(caught.value).replace(str(tmp_path), "FOLDER") == expected


def test_no_inventory_at_all(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="there is no inventory here"):
        find_inventory(None, {}, tmp_path)
    with pytest.raises(UsageError, match=r"name a folder with a hosts\.yml"):
        find_inventory(Path("x"), {}, tmp_path)
