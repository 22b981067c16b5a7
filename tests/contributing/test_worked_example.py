"""The worked example for contributors, followed to the letter in a copy of the repository."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "contributing" / "worked-example.md"
COPIED = ("generator", "schemas", "templates", "docs/billing", "tests/contract", "tests/conftest.py", "pyproject.toml")
_CASES, _FAULTS = 20, 10
_FILE = re.compile(r"<!-- file: (\S+) -->\n(`{3,})\w+\n(.*?)\n\2\n", re.DOTALL)
_RUN = re.compile(r"<!-- run -->\n```sh\n(.*?)\n```\n", re.DOTALL)


def run(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(folder), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        command, cwd=folder, env=clean | environment, capture_output=True, text=True, check=False, timeout=200
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with what the page says in it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            shutil.copy(source, target)
        else:
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    page = PAGE.read_text(encoding="utf-8")
    before = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    for name, _, content in _FILE.findall(page):
        assert Path(name) not in before, f"{name} is not new: a system must need no edit elsewhere"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content + "\n", encoding="utf-8")
    scripts = _RUN.findall(page)
    assert scripts
    for script in scripts:
        ran = run(folder, "sh", "-eu", "-c", script)
        assert ran.returncode == 0, ran.stderr
    return folder


def test_its_cases_faults_and_page_hold(copy: Path) -> None:
    by_hand = copy / "tests" / "contract" / "acme" / "clean" / "expected.yml"
    written = yaml.safe_load(by_hand.read_text(encoding="utf-8"))
    tests = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", "acme"]
    checked = run(
        copy, *tests, "tests/contract/test_cases.py", "tests/contract/test_emulators.py", BQNCTL_WRITE_EXPECTED="1"
    )
    assert checked.returncode == 0, checked.stdout
    assert yaml.safe_load(by_hand.read_text(encoding="utf-8")) == written
    assert len(list((copy / "tests" / "contract" / "acme").glob("*/expected.yml"))) >= _CASES
    passed = re.search(r"(\d+) passed", checked.stdout)
    assert passed is not None
    assert int(passed[1]) > _CASES + _FAULTS


def test_its_code_is_in_the_style_of_the_project(copy: Path) -> None:
    code = ["generator/billing/acme.py", "generator/demo/acme.py"]
    tools = str(Path(sys.executable).parent)
    for command in (["ruff", "check", *code], ["ruff", "format", "--check", *code]):
        ran = run(copy, f"{tools}/{command[0]}", *command[1:])
        assert ran.returncode == 0, ran.stdout


def test_the_emulator_is_examined_and_rendered(copy: Path) -> None:
    bqnctl = [sys.executable, "-m", "generator"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(copy), "PYTHONPATH": str(copy)}
    with subprocess.Popen(
        [*bqnctl, "simulate", "acme", "--port", "0", "--customers", "12"],
        cwd=copy, env=environment, stdout=subprocess.PIPE, text=True,
    ) as emulator:  # fmt: skip
        try:
            assert emulator.stdout is not None
            reached = json.loads(emulator.stdout.readline())["host_vars"]
            hosts = {"billing": {"hosts": {"acme-main": reached}}, "bqn": {"hosts": {}}}
            (copy / "inventory").mkdir()
            (copy / "inventory" / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
            examined = run(copy, *bqnctl, "-i", "inventory", "doctor")
            rendered = run(copy, *bqnctl, "-i", "inventory", "render", "--diff")
        finally:
            emulator.terminate()
    assert examined.returncode == 0, examined.stdout + examined.stderr
    assert "services: read: 12 rows, for example 1" in examined.stdout
    assert rendered.returncode == 0, rendered.stderr
    assert "acme-main: 9 policies, 12 subscribers" in rendered.stdout
