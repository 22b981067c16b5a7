"""Variables with the place they come from, and the files of group_vars and host_vars.

Which files belong to a name is Ansible's rule (ansible-core, vars plugin host_group_vars): the first that
exists of `NAME`, `NAME.yml`, `NAME.yaml`, `NAME.json`; a folder gives its files in sorted order, folders
in it too; hidden files and backups (`~`) are passed over. A link that leads nowhere is an error here:
Ansible passes over it, and over the settings behind it.
"""

import json
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from generator.documents.yaml import Dialect, Document, parse, read_text
from generator.errors import DocumentError, Problem
from generator.inventory.vault import MARK, Vault, VaultError

_ENDINGS = ("", ".yml", ".yaml", ".json")


class Variable(Struct, frozen=True, kw_only=True):
    """One variable as written, before templating: its value, and where that stands.

    `owner` is the host or group that sets it; `of_host` says which of the two it is.
    """

    value: Any
    document: Document
    path: tuple[Any, ...]
    owner: str
    of_host: bool

    def problem(
        self,
        what: str,
        below: tuple[Any, ...] = (),
        *,
        host: str | None = None,
        key: str | None = None,
        of_key: bool = False,
        fix: str | None = None,
    ) -> Problem:
        """A problem at this variable, or at the part of its value that `below` leads to."""
        placed = self.document.problem(what, (*self.path, *below), of_key=of_key, fix=fix)
        return replace(placed, host=host, key=key)


def read_document(file: Path, vault: Vault) -> Document:
    """The YAML of `file`, encrypted or not, read as Ansible reads it; raises `DocumentError`."""
    text, secret = opened(file, vault)
    return parse(text, file, Dialect.ANSIBLE, secret=secret)


def read_variables(file: Path, vault: Vault, *, owner: str, of_host: bool) -> dict[str, Variable]:
    """The variables in one file of group_vars or host_vars, encrypted or not; none for an empty file."""
    text, secret = opened(file, vault)
    document, data = _parse_either(text, file, secret=secret)
    if data is None:
        return {}
    if not isinstance(data, dict):
        problem = document.problem("the file holds no variables", fix="write NAME: VALUE on each line")
        raise DocumentError([problem])
    return {
        name: Variable(value=value, document=document, path=(name,), owner=owner, of_host=of_host)
        for name, value in data.items()
    }


def opened(file: Path, vault: Vault) -> tuple[str, bool]:
    """The text of `file`, and whether Ansible Vault had encrypted it; raises `DocumentError`."""
    text = read_text(file)
    if not text.startswith(MARK):
        return text, False
    try:
        return vault.decrypt(text), True
    except VaultError as error:
        raise DocumentError([Problem(what=error.what, file=file, line=1, column=1, fix=error.fix)]) from None


def _parse_either(text: str, file: Path, *, secret: bool) -> tuple[Document, Any]:
    """The places by the YAML reader; the values by JSON where the text is JSON: Ansible tries it first."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        document = parse(text, file, Dialect.ANSIBLE, secret=secret)
        return document, document.data
    try:
        return parse(text, file, Dialect.ANSIBLE, secret=secret), data
    except DocumentError:
        return Document(file, None, []), data


def variable_files(folder: Path, name: str) -> list[Path]:
    """The files that hold the variables of the host or group `name` in `folder`, in the order of reading."""
    if "/" in name or not folder.is_dir():
        return []
    for ending in _ENDINGS:
        found = folder / f"{name}{ending}"
        if found.is_dir():
            return _files_in(found)
        if found.exists() or found.is_symlink():
            return [found]
    return []


def _files_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            found += _files_in(path)
        elif (path.is_file() or path.is_symlink()) and path.suffix in _ENDINGS:
            found.append(path)
    return found
