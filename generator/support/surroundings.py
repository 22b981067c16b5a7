"""What bqnctl runs on: versions, packages, schemas, and the git repository around the inventory."""

import hashlib
import importlib.metadata
import locale
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from generator import __version__
from generator.documents.resources import resource_dir
from generator.documents.schema import load_schema, schema_names

_TIMEOUT_S = 10


def versions() -> dict[str, Any]:
    """bqnctl, Python, the system, the packages beside it and the schemas it checks by."""
    packages = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
    return {
        "bqnctl": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "encoding": locale.getpreferredencoding(do_setlocale=False),
        "packages": dict(sorted(packages.items())),
        "schemas": {
            name: {
                "id": load_schema(name).get("$id", ""),
                "sha256": hashlib.sha256((resource_dir("schemas") / f"{name}.schema.json").read_bytes()).hexdigest(),
            }
            for name in schema_names()
        },
    }


def repository(folder: Path) -> dict[str, Any]:
    """The commit that `folder` stands at, and whether files differ from it; `problem` where git cannot say."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        return {"problem": said.strip()}
    return {"commit": commit.strip(), "dirty": bool(changed), "changed_files": len(changed.splitlines())}


def _git(folder: Path, *arguments: str) -> str:
    # A repository may name a program to watch its files; a look at it must not start one.
    command = ["git", "-c", "core.fsmonitor=false", "--no-optional-locks", "-C", str(folder), *arguments]
    done = subprocess.run(  # noqa: S603 - git, by its name, with fixed arguments
        command, capture_output=True, check=True, text=True, errors="replace", timeout=_TIMEOUT_S
    )
    return done.stdout
