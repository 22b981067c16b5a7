"""Where a host's settings stand in the inventory's files, for who wants to know which line decided."""

from collections.abc import Callable, Mapping
from pathlib import Path

from generator.inventory.merge import merge
from generator.inventory.vault import Vault

PlaceOf = Callable[[str, str], str | None]


def setting_places(folder: Path, environ: Mapping[str, str]) -> PlaceOf:
    """A function of host and setting: its `file:line:column`, or `None` where the default holds.

    Raises `DocumentError` with every problem of the files.
    """
    merged = merge(folder, Vault(environ))

    def place_of(host: str, setting: str) -> str | None:
        variable = merged.variables.get(host, {}).get(setting)
        if variable is None:
            return None
        place = variable.document.place(variable.path)
        return f"{variable.document.file}:{place.line}:{place.column}"

    return place_of
