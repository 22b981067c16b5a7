"""The wheel, installed in an empty environment, is all a user needs: `bqnctl demo` runs from any folder."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from generator import __version__

ROOT = Path(__file__).resolve().parents[2]
WHEELHOUSE = Path(sys.prefix) / "wheelhouse"


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    ended = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, f"{command}\n{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bqnctl` of a wheel in an empty environment, its dependencies from the wheels that make fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--isolated"]
    run(*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "--wheel-dir", folder, ROOT, cwd=folder)
    wheel = next(folder.glob("bqnctl-*.whl"))
    environment = folder / "empty"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    find = ["--no-index", "--find-links", str(WHEELHOUSE)]
    run(python, "-m", "pip", "--disable-pip-version-check", "--isolated", "install", *find, wheel, cwd=folder)
    return environment / "bin" / "bqnctl"


def clean_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    out = run(installed, "demo", cwd=tmp_path, env=clean_environment(tmp_path))
    assert out.count("2 appliances: no changes") == 2
    assert (tmp_path / "bqnctl-demo" / "hosts.yml").is_file()


def test_schemas_and_templates_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    names = run(installed, "schema", cwd=tmp_path, env=clean_environment(tmp_path)).split()
    assert "billing/splynx" in names
    for name in names:
        assert '"$schema"' in run(installed, "schema", name, cwd=tmp_path, env=clean_environment(tmp_path))


def test_the_wheel_says_its_version_and_has_the_collection(installed: Path, tmp_path: Path) -> None:
    assert run(installed, "--version", cwd=tmp_path, env=clean_environment(tmp_path)) == f"bqnctl {__version__}\n"
    python = installed.with_name("python")
    where = "from generator.documents.resources import resource_dir as r; print(r('templates') / 'ansible')"
    collection = Path(run(python, "-c", where, cwd=tmp_path, env=clean_environment(tmp_path)).strip())
    assert collection.is_relative_to(installed.parents[1])
    for name in ("galaxy.yml", "plugins/modules/policy.py", "roles/policy/tasks/main.yml"):
        assert (collection / name).is_file()
    assert list(installed.parents[2].glob(f"bqnctl-{__version__}-*.whl"))


def test_init_writes_a_repository_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    told = ["--system", "splynx", "--host", "billing.example.net", "--bqn", "bqn-1=192.0.2.10", "--ci", "gitlab"]
    run(installed, "init", "new", *told, "--defaults", cwd=tmp_path, env=clean_environment(tmp_path))
    run(installed, "validate", "--no-credentials", cwd=tmp_path / "new", env=clean_environment(tmp_path))
    assert (tmp_path / "new/ci/gitlab.sh").is_file()
