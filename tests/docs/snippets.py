"""The snippets of a page of the documentation: found, run as a reader would, and compared with what the page shows.

A ```console block has commands (`$ …`) and what they print; `…` stands for anything. A ```yaml block with
`title="FILE"` is that file. `export`, `cd`, `… &` and `echo $?` mean what they mean in a shell; a command that is not
followed by `echo $?` must succeed. Everything of a page runs in one folder, one after the other.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from generator.cli.main import main
from generator.net.serve import free_port

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+)(?P<rest>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_TITLE = re.compile(r'title="([^"]+)"')
_PORT = re.compile(r"\b1[38]44[34]\b")
_SHELL = re.compile(r"[|<>;&*$]")
_VOLATILE = (
    (re.compile(r"[0-9a-f]{64}"), "…"),
    (re.compile(r"\d{8}T\d{6}\.\d+Z-\d+"), "…"),
    (re.compile(r"\d+ (?:ms|s apart)"), "…"),
    (re.compile(r"127\.0\.0\.1 port \d{4,5}"), "127.0.0.1 port …"),
    (re.compile(r"for example '[^']*'"), "for example …"),
    (re.compile(r"127\.0\.0\.1:\d{4,5}"), "127.0.0.1:…"),
)


_PROGRAM = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from generator.cli.main import run
run()
"""


class Block(Struct, frozen=True):
    """One fenced block: its kind, the file it is, if any, its text and indentation; where it stands in the page."""

    kind: str
    title: str | None
    body: str
    indent: str
    start: int
    end: int


def blocks(page: str) -> Iterator[Block]:
    """Every fenced block of a page."""
    for found in _FENCE.finditer(page):
        title = _TITLE.search(found["rest"])
        body = textwrap.dedent(found["body"])
        span = found.span("body")
        yield Block(found["kind"], title[1] if title else None, body, found["indent"], *span)


class Reader:
    """Follows a page: writes its files, runs its commands, and keeps what they really print."""

    def __init__(self, folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._capfd, self._patch = folder, capfd, monkeypatch
        self._ports: dict[str, str] = {}
        self._started: list[subprocess.Popen[str]] = []
        self._code = 0
        monkeypatch.chdir(folder)
        programs = folder.with_name("bin")
        programs.mkdir()
        (programs / "bqnctl").write_text(_PROGRAM, encoding="utf-8")
        (programs / "bqnctl").chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")

    def follow(self, page: str) -> str:
        """Run a whole page; the answer is the page as it should be. Raises `AssertionError` for a failed command."""
        written, at = [], 0
        for block in blocks(page):
            if block.kind == "yaml" and block.title:
                path = Path(block.title)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._mapped(block.body), encoding="utf-8")
            elif block.kind == "console":
                written += [page[at : block.start], textwrap.indent(self._console(block.body), block.indent)]
                at = block.end
        return "".join([*written, page[at:]])

    def stop(self) -> None:
        """End what was started in the background."""
        for process in self._started:
            process.terminate()
            process.communicate(timeout=20)

    def _console(self, body: str) -> str:
        """Each command of a block with what it printed, the shown output kept where it fits."""
        commands: list[tuple[str, list[str]]] = []
        for line in body.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        told = []
        for number, (command, shown) in enumerate(commands):
            printed = self._run(command)
            following = commands[number + 1][0] if number + 1 < len(commands) else ""
            told_of = "echo $?" in (command, following)
            assert self._code == 0 or told_of, f"{command}: exit {self._code}\n{printed}"
            told += [f"$ {command}", *(shown if fits(shown, printed) else stable(printed))]
        return "\n".join(told) + "\n"

    def _run(self, command: str) -> list[str]:
        if command == "echo $?":
            return [str(self._code)]
        words = shlex.split(self._mapped(command), comments=True)
        if words[0] == "export":
            for word in words[1:]:
                self._patch.setenv(*word.split("=", 1))
            return []
        if words[0] == "cd":
            self._patch.chdir(words[1])
            return []
        if words[0] == "bqnctl" and words[-1] == "&":
            return self._start(words[1:-1])
        self._capfd.readouterr()
        if words[0] == "bqnctl" and not _SHELL.search(command):
            self._code = main(words[1:])
            printed = "".join(self._capfd.readouterr())
        else:
            ended = subprocess.run(
                ["bash", "-c", self._mapped(command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
            )  # fmt: skip
            self._code, printed = ended.returncode, ended.stdout
        for port, real in self._ports.items():
            printed = printed.replace(real, port)
        printed = printed.replace(f"{Path.cwd()}/", "").replace(f"{self._folder}/", "")
        return printed.splitlines()

    def _start(self, words: list[str]) -> list[str]:
        command = [sys.executable, "-m", "generator", *words]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, env=os.environ)
        self._started.append(process)
        assert process.stdout is not None
        assert "listening" in json.loads(process.stdout.readline())
        self._code = 0
        return []

    def _mapped(self, text: str) -> str:
        """The ports of the page as ports that are free here."""

        def one(found: re.Match[str]) -> str:
            return self._ports.setdefault(found[0], str(free_port()))

        return _PORT.sub(one, text)


def fits(shown: list[str], printed: list[str]) -> bool:
    """Whether what a page shows is what was printed, `…` standing for anything, a line of it for any lines."""
    pattern = "\n".join(re.escape(line).replace("…", "[^\n]*") if line.strip() != "…" else "§" for line in shown)
    pattern = pattern.replace("\n§\n", "\n(?:.*\n)?").replace("§\n", "(?:.*\n)?").replace("\n§", "(?:\n.*)?")
    return re.fullmatch(pattern.replace("§", ".*"), "\n".join(line.rstrip() for line in printed), re.DOTALL) is not None


def stable(printed: list[str]) -> list[str]:
    """What was printed, with what differs from run to run as `…`."""
    lines = []
    for line in printed:
        for volatile, instead in _VOLATILE:
            line = volatile.sub(instead, line)  # noqa: PLW2901 - step by step
        lines.append(line.rstrip())
    return lines
