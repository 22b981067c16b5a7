"""The two lookups of templates: the environment and files of the inventory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator.documents.wording import shown
from generator.documents.yaml import read_text
from generator.errors import DocumentError
from generator.inventory.sandbox import Missing
from generator.inventory.vault import MARK, Vault, VaultError

_MAX_FILE = 1_048_576


class LookupFailedError(Exception):
    """A lookup that cannot be: what, and what to do; the resolver adds the place.

    `name` is what the message says that the template asked for: it may itself be the result of a template.
    """

    def __init__(self, what: str, *, name: str, fix: str | None = None) -> None:
        super().__init__(what)
        self.name, self.fix = name, fix


class Lookups:
    """`lookup` as templates call it, for one inventory folder and one environment."""

    def __init__(self, folder: Path, environ: Mapping[str, str], vault: Vault) -> None:
        self._folder, self._environ, self.vault = folder, environ, vault

    def __call__(self, plugin: Any, *terms: Any, **options: Any) -> Any:
        """What `lookup('env', NAME)` or `lookup('file', PATH)` gives; raises `LookupFailedError`."""
        kind = str(plugin).removeprefix("ansible.builtin.")
        if kind not in ("env", "file"):
            what = f"lookup({shown(kind)}) is not available here"
            raise LookupFailedError(what, name=kind, fix="there are lookup('env', 'NAME') and lookup('file', 'PATH')")
        allowed = {"default"} if kind == "env" else set()
        if len(terms) != 1 or not isinstance(terms[0], str) or not terms[0] or set(options) - allowed:
            what = f"lookup({shown(kind)}) takes one name"
            raise LookupFailedError(what, name=kind, fix=f"write lookup('{kind}', 'NAME')")
        return self._file(terms[0]) if kind == "file" else self._variable(terms[0], options)

    def _variable(self, name: str, options: dict[str, Any]) -> Any:
        value = self._environ.get(name)
        return value if value is not None else options.get("default", Missing(environment_variable=name))

    def _file(self, name: str) -> str:
        file = self._folder / name
        if not file.is_file():
            raise LookupFailedError(f"there is no file {file}", name=name, fix="paths count from the inventory folder")
        if file.stat().st_size > _MAX_FILE:
            raise LookupFailedError(f"the file {file} is larger than {_MAX_FILE} bytes", name=name)
        try:
            text = read_text(file)
        except DocumentError as error:
            raise LookupFailedError(f"the file {file} {error.problems[0].what}", name=name) from None
        if text.startswith(MARK):
            try:
                text = self.vault.decrypt(text)
            except VaultError as error:
                raise LookupFailedError(f"the file {file}: {error.what}", name=name, fix=error.fix) from None
        return text.rstrip("\r\n")
