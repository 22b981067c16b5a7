"""What the tutorial and the how-to pages show is what a reader gets; BQNCTL_WRITE_DOCS=1 writes it anew."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generator.cli.main import main
from tests.conftest import Net
from tests.docs.snippets import Reader, blocks

DOCS = Path(__file__).resolve().parents[2] / "docs"
HOW_TO = sorted(DOCS.glob("how-to/*.md"))
RUN = {"console", "yaml"}
SHOWN = {
    "text",
    "json",
    "toml",
    "python",
    "sh",
    "bash",
    "ini",
    "jinja",
    "mermaid",
    "diff",
    "csv",
    "sql",
    "html",
    "routeros",
}
"""Kinds of blocks that are read by people only; in the pages of this test they are not allowed."""


@pytest.fixture
def reader(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "operator")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "operator@example.net")
    folder = tmp_path / "work"
    folder.mkdir()
    made = Reader(folder, capfd, monkeypatch)
    yield made
    made.stop()


def check(page: Path, reader: Reader) -> None:
    text = page.read_text(encoding="utf-8")
    really = reader.follow(text)
    if os.environ.get("BQNCTL_WRITE_DOCS"):
        page.write_text(really, encoding="utf-8")
    assert text == really, f"{page.name} shows something else; BQNCTL_WRITE_DOCS=1 writes it anew"


def test_the_tutorial(reader: Reader) -> None:
    check(DOCS / "tutorial.md", reader)


@pytest.mark.parametrize("page", HOW_TO, ids=[page.stem for page in HOW_TO])
def test_how_to(page: Path, reader: Reader, net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page starts in a repository with two appliances that are as the files say."""
    net.add_billing("splynx-main", customers=60)
    for name in ("bqn-north", "bqn-south"):
        net.add_bqn(name)
    net.folder = Path("inventories/production").absolute()
    net.folder.parent.mkdir(parents=True)
    net.write()
    for variable, value in (("BQN_USERNAME", "api"), ("BQN_PASSWORD", "api-password")):
        monkeypatch.setenv(variable, value)
    for arguments in (("render",), ("-l", "bqn-north", "apply", "--yes"), ("-l", "bqn-south", "apply", "--yes")):
        assert main(list(arguments)) == 0
    check(page, reader)


def test_every_block_of_these_pages_is_run() -> None:
    for page in (DOCS / "tutorial.md", *HOW_TO):
        kinds = {(block.kind, block.title is not None) for block in blocks(page.read_text(encoding="utf-8"))}
        assert kinds <= {("console", False), ("yaml", True)}, page
        assert any(kind == "console" for kind, _ in kinds), page


def test_every_block_elsewhere_is_of_a_known_kind() -> None:
    for page in DOCS.rglob("*.md"):
        kinds: Any = {block.kind for block in blocks(page.read_text(encoding="utf-8"))}
        assert kinds <= RUN | SHOWN, page
