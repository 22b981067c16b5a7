"""The kept corpus as regression inputs, and a short run of each target under coverage guidance, the same each time.

`make fuzz` runs them for longer; docs/testing.md says how.
"""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.run import CORPUS, TARGETS

RUNS = {"yaml": 800, "plan": 800, "radius": 4000, "rates": 10_000}
"""By what one input costs: about a second for each."""
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_that_was_kept_holds(target: str) -> None:
    check = importlib.import_module(f"tests.fuzz.fuzz_{target}").check
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs
    for each in inputs:
        check(each.read_bytes())


def test_the_corpus_stays_small() -> None:
    inputs = [each for each in CORPUS.rglob("*") if each.is_file()]
    assert {each.parent.name for each in inputs} == set(TARGETS)
    assert len(inputs) < 200
    assert max(each.stat().st_size for each in inputs) <= 4096


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run_from_the_corpus_finds_nothing(target: str, tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    command = [sys.executable, "-m", "tests.fuzz.run", target, str(found), str(CORPUS / target)]
    options = [f"-runs={RUNS[target]}", "-seed=1", f"-artifact_prefix={tmp_path}/", "-rss_limit_mb=1024"]
    ran = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert f"Done {RUNS[target]} runs" in ran.stderr
