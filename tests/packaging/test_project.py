"""The project about itself: its pipeline, and its version in one place."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from generator import __version__
from generator.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = re.compile(r"uses: (\S+)(.*)")
PINNED = re.compile(r"([a-z-]+/[a-z-]+)@[0-9a-f]{40}")


@pytest.mark.parametrize("schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"])
def test_the_pipelines_follow_the_schema_of_their_forge(schema: str) -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    ended = subprocess.run(
        [checker, "--builtin-schema", schema, *PIPELINES], capture_output=True, text=True, check=False, timeout=60
    )
    assert PIPELINES
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_actions_are_pinned_and_the_same_as_those_that_init_writes() -> None:
    found = [match for file in PIPELINES for match in ACTION.findall(file.read_text(encoding="utf-8"))]
    written = {
        match
        for file in (ROOT / "templates" / "init" / "github").iterdir()
        for match in ACTION.findall(file.read_text(encoding="utf-8"))
    }
    assert found
    for action, comment in found:
        assert PINNED.fullmatch(action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), action
        assert (action, comment) in written


def test_the_pipeline_may_only_read_and_runs_what_developers_run() -> None:
    pipeline = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert pipeline["permissions"] == {"contents": "read"}
    steps = [step.get("run") for step in pipeline["jobs"]["test"]["steps"]]
    assert steps[-1] == ".ci/run"
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1] == "exec make test"


def test_the_version_stands_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"] == {"path": "generator/__init__.py"}
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"bqnctl {__version__}\n"
    headings = re.findall(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0][0] == __version__
    assert re.fullmatch(r"unreleased|\d{4}-\d{2}-\d{2}", headings[0][1])
    galaxy = yaml.safe_load((ROOT / "templates" / "ansible" / "galaxy.yml").read_text(encoding="utf-8"))
    assert galaxy["version"] == __version__
