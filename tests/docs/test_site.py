"""The documentation as a whole: it builds without a warning, nothing of it is stale, nothing comes from elsewhere."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from generator.cli.main import main
from generator.documents.schema import load_schema, schema_names
from tests.tools.reference import FOLDER, pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


class Loaded(HTMLParser):
    """What a browser would fetch to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "img", "iframe", "source"}:
            self.found.append(given.get("src") or "")
        if tag == "link" and given.get("rel") not in {"canonical", "next", "prev"}:
            self.found.append(given.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(Path(sys.executable).with_name("mkdocs")), "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(site: Path) -> None:
    built = sorted(site.rglob("*.html"))
    assert len(built) > len(list(DOCS.glob("billing/*.md")))
    for page in built:
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        assert [address for address in loaded.found if re.match(r"(https?:)?//", address)] == [], page


def test_the_reference_is_what_the_code_and_the_schemas_say() -> None:
    for name, text in pages().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name} is stale: make reference"


def test_every_message_of_troubleshooting_is_one_of_ours() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "generator").rglob("*.py"))
    quoted = re.findall(r"^\| `([^`]+)`", (DOCS / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(quoted) > 8
    assert [message for message in quoted if message not in source] == []


def test_every_schema_says_what_it_is() -> None:
    for name in schema_names():
        schema = load_schema(name)
        assert schema["$id"].endswith(f"/{name}.schema.json")
        assert schema["title"]
        for key, rule in schema.get("properties", {}).items():
            assert {"title", "description", "$ref"} & rule.keys(), f"{name}: {key}"


def test_all_schemas_are_written_for_an_editor(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--all", str(tmp_path)]) == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")}
    assert written == {f"{name}.schema.json" for name in schema_names()}
    assert len(capfd.readouterr().out.splitlines()) == len(written)
    page = (DOCS / "editors.md").read_text(encoding="utf-8")
    settings = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    assert {name.removeprefix(".bqnctl/schemas/") for name in settings["yaml.schemas"]} <= written
    assert main(["schema", "bqn-host", "--all", str(tmp_path)]) == 1


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w./-]+\.md", str(yaml.safe_load(text)["nav"])))
    assert named == {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
