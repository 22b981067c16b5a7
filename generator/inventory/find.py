"""Finds the inventory that a command is meant for (design section 7)."""

from collections.abc import Mapping
from pathlib import Path

from generator.errors import UsageError

VARIABLE = "BQNCTL_INVENTORY"
_FILES = ("hosts.yml", "hosts.yaml")


def find_inventory(option: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The inventory folder: `option` (-i), else $BQNCTL_INVENTORY, else the only one of `cwd`.

    The only one is the one folder with a hosts.yml under `inventories/`, or else `cwd` itself. `option` may
    name the hosts.yml too. Raises `UsageError`, which lists the inventories there are.
    """
    if option is not None:
        return _named(cwd / option, "-i", cwd)
    if environ.get(VARIABLE):
        return _named(cwd / environ[VARIABLE], f"${VARIABLE}", cwd)
    candidates = _candidates(cwd)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates and _is_inventory(cwd):
        return cwd
    if candidates:
        raise UsageError("there are several inventories", where=str(cwd), fix=_choice(candidates, cwd))
    raise UsageError(
        "there is no inventory here",
        where=str(cwd),
        fix="name one with -i DIR, or make one with `bqnctl init DIR`",
    )


def _named(folder: Path, by: str, cwd: Path) -> Path:
    if folder.name in _FILES and folder.is_file():
        return folder.parent
    if _is_inventory(folder):
        return folder
    what = "this folder has no hosts.yml" if folder.is_dir() else "there is no such folder"
    candidates = _candidates(cwd)
    fix = _choice(candidates, cwd) if candidates else "name a folder with a hosts.yml"
    raise UsageError(f"{by}: {what}", where=str(folder), fix=fix)


def _candidates(cwd: Path) -> list[Path]:
    folder = cwd / "inventories"
    return sorted(path for path in folder.iterdir() if _is_inventory(path)) if folder.is_dir() else []


def _is_inventory(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _FILES)


def _choice(candidates: list[Path], cwd: Path) -> str:
    return "choose one: " + ", ".join(f"-i {path.relative_to(cwd)}" for path in candidates)
