"""Completion, asked of the shells themselves."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOSTS = """
all:
  children:
    billing: {hosts: {splynx-main: {system: splynx}}}
    bqn:
      children:
        north: {hosts: {bqn-north: {}, 'bqn-$(touch pwned)': {}, "bqn-\\n": {}, 'bqn-*': {}}}
        south: {hosts: {bqn-south: {}}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with two inventories, one of them broken, and `bqnctl` on its PATH."""
    for name, text in (("good", HOSTS), ("broken", "all: [\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hosts.yml").write_text(text)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/bqnctl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m generator "$@"\n')
    program.chmod(0o755)
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    path = f"{place / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(place), "PYTHONPATH": str(ROOT), "TERM": "dumb", "LANG": "C.UTF-8"}


def run(*command: str, place: Path) -> list[str]:
    ended = subprocess.run(
        command, cwd=place, env=environment(place), capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return sorted(ended.stdout.split())


def bash(line: str, *, place: Path) -> list[str]:
    """What bash offers for a line, by the function that it calls itself."""
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    script = f"""
        eval "$(bqnctl completion bash)"
        COMP_WORDS=({listed}) COMP_CWORD={len(words) - 1}
        compopt() {{ echo "asked for: $*"; }}
        $(complete -p bqnctl | sed 's/.*-F \\([^ ]*\\) .*/\\1/') bqnctl
        for word in "${{COMPREPLY[@]}}"; do echo "$word"; done
    """
    return run("bash", "--norc", "-c", script, place=place)


def fish(line: str, *, place: Path) -> list[str]:
    script = f"bqnctl completion fish | source; complete --do-complete '{line}' | string replace -r '\\t.*' ''; true"
    return run("fish", "--no-config", "-c", script, place=place)


@pytest.mark.parametrize("shell", [bash, fish])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bqnctl pl", ["plan"]),
        ("bqnctl r", ["render", "rollback", "runs"]),
        ("bqnctl plan --detailed", ["--detailed-exitcode"]),
        ("bqnctl completion ", ["bash", "fish", "zsh"]),
        ("bqnctl -i good plan -l bqn", ["bqn", "bqn-north", "bqn-south"]),
        ("bqnctl plan -i good --limit s", ["south", "splynx-main"]),
        ("bqnctl plan -i good -l north,!bqn-n", ["north,!bqn-north"]),
        ("bqnctl plan -i broken -l b", []),
        ("bqnctl plan -i nowhere -l b", []),
        ("bqnctl nothing -l b", []),
    ],
)
def test_bash_and_fish(shell: object, line: str, offered: list[str], place: Path) -> None:
    assert callable(shell)
    found = shell(line, place=place)
    if line.startswith("bqnctl r"):
        found = [name for name in found if name in offered]
    assert found == offered
    assert not (place / "pwned").exists()


def test_folders_for_the_inventory(place: Path) -> None:
    assert bash("bqnctl plan -i go", place=place) == ["-o", "asked", "dirnames", "for:"]
    assert "good/" in fish("bqnctl plan -i go", place=place)


def typed_in_zsh(line: str, wanted: str, *, place: Path) -> str:
    """What stands on the terminal of a zsh after `line` and Tab are typed, until `wanted` is there."""
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover - it becomes zsh
        os.chdir(place)
        os.execvpe("zsh", ["zsh", "-f", "-i"], environment(place))
    start = "PS1='> '; autoload -U compinit; compinit -u -D; eval \"$(bqnctl completion zsh)\"; echo rea''dy\n"
    os.write(terminal, start.encode())
    said, typed, until = "", False, time.monotonic() + 60
    while time.monotonic() < until and not (typed and wanted in said):
        if select.select([terminal], [], [], 0.2)[0]:
            said += os.read(terminal, 4096).decode(errors="replace")
        if not typed and "ready" in said:
            said, typed = "", True
            os.write(terminal, f"{line}\t".encode())
    os.write(terminal, b"\x03exit\n")
    os.close(terminal)
    os.waitpid(process, 0)
    return said


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("bqnctl comp", "bqnctl completion"), ("bqnctl -i good plan -l bqn-n", "bqnctl -i good plan -l bqn-north")],
)
def test_zsh(line: str, wanted: str, place: Path) -> None:
    assert wanted in typed_in_zsh(line, wanted, place=place)


def test_completing_loads_no_command_and_no_parser_of_documents_for_options(place: Path) -> None:
    """What makes it quick: a command's name is completed without the modules of the commands."""
    asked = {**environment(place), "COMP_WORDS": "bqnctl pl", "COMP_CWORD": "1", "_BQNCTL_COMPLETE": "bash_complete"}
    command = [sys.executable, "-X", "importtime", "-m", "generator"]
    ended = subprocess.run(command, env=asked, capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout == "plain,plan\n"
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "generator.cli.complete" in loaded
    assert not loaded & {"generator.cli.plan", "generator.inventory.hosts_file", "yaml", "deepdiff", "jinja2"}
