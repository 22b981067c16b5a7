"""Secrets in the files that go into git, desired state and overrides; for `validate`."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from generator.errors import Problem
from generator.inventory.settings import Inventory

_SHORTEST = 8
"""Shorter credentials stand in ordinary words ("demo", "admin"), and would only be guessed at."""
_PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]*PRIVATE KEY-----")
_FIX = "take it out, and change the credential: who can read the repository has it"
_ENDINGS = frozenset({".yml", ".yaml", ".json", ".md"})


def secret_problems(inventory: Inventory) -> Iterator[Problem]:
    """Each line of the desired files and of overrides.yml that has a credential of the inventory, or a private key.

    No message has the credential itself.
    """
    secrets = _secrets(inventory)
    for file in _files(inventory.folder):
        text = file.read_text(encoding="utf-8", errors="replace")
        for name, secret in secrets.items():
            if secret in text:
                yield _problem(file, text, text.index(secret), f"the credential {name} of the inventory stands here")
        key = _PRIVATE_KEY.search(text)
        if key is not None:
            yield _problem(file, text, key.start(), "a private key stands here")


def _secrets(inventory: Inventory) -> dict[str, str]:
    """Credentials worth looking for, by host and name; user names are none."""
    named = {
        f"{host.name}: {name}": secret.reveal()
        for host in inventory.billing.values()
        for name, secret in host.credentials.items()
        if "user" not in name
    }
    named |= {f"{host.name}: password": host.password.reveal() for host in inventory.bqn.values()}
    return {name: secret for name, secret in named.items() if len(secret) >= _SHORTEST}


def _files(folder: Path) -> Iterable[Path]:
    found = [path for path in (folder / "desired").rglob("*") if path.is_file() and path.suffix in _ENDINGS]
    overrides = folder / "overrides.yml"
    return sorted(found) + ([overrides] if overrides.is_file() else [])


def _problem(file: Path, text: str, position: int, what: str) -> Problem:
    line = text.count("\n", 0, position) + 1
    return Problem(what=what, file=file, line=line, column=position - text.rfind("\n", 0, position), fix=_FIX)
