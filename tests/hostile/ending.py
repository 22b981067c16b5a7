"""Command lines in a process with little memory, and how each should end."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import Ran
from tests.hostile.outputs import dangerous

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 1 << 30
LONGEST_SAID = 20_000
"""Characters: a person has to read it."""
DEADLINE_S = 200


def bounded(*lines: list[str]) -> list[Ran]:
    """What each command line came to in one process with little memory."""
    command = [sys.executable, "-m", "tests.hostile.bounded", str(MEMORY_BYTES)]
    ended = subprocess.run(
        command, input=json.dumps(lines), capture_output=True, text=True, check=True, cwd=ROOT, timeout=DEADLINE_S,
        env={**os.environ, "MALLOC_ARENA_MAX": "2"},  # address space that each thread else takes and does not use
    )  # fmt: skip
    return [Ran(*each) for each in json.loads(ended.stdout)]


def told(ran: Ran, *texts: str) -> None:
    """No traceback, nothing too long or unsafe to show, and these texts."""
    said = ran.out + ran.err
    assert "Traceback" not in said, ran
    assert len(said) < LONGEST_SAID, said[:2000]
    assert dangerous(said) == []
    for text in texts:
        assert text in said, ran


def refused(ran: Ran, *texts: str) -> None:
    """A clear error besides."""
    assert ran.code == 1, ran
    told(ran, *texts)


def inventory(folder: Path, billing: dict[str, Any], bqn: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    hosts = {"all": {"children": {"billing": {"hosts": billing}, "bqn": {"hosts": bqn}}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts))
    return folder
