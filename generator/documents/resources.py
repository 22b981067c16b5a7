"""Where the files that ship with the package are: in a wheel inside it, in a checkout beside it."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def resource_dir(name: str) -> Path:
    """The folder `name` (`schemas`, `templates`, `inventories/demo`) of this installation."""
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
