"""The Containerfile, step by step, without an engine: what it copies is enough, what it runs can be run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHEELHOUSE = Path(sys.prefix) / "wheelhouse"


def steps() -> list[tuple[str, str]]:
    """The instructions of the Containerfile in their order; comments out, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def of(instruction: str) -> list[str]:
    return [rest for word, rest in steps() if word == instruction]


def environment() -> dict[str, str]:
    return dict(each.split("=", 1) for rest in of("ENV") for each in shlex.split(rest))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """What COPY makes, below a folder in place of /."""
    for rest in of("COPY"):
        *sources, target = rest.split()
        for source in sources:
            place = tmp_path / target.lstrip("/")
            if source.endswith("/"):
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                assert target.endswith("/")
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
    return tmp_path


def run_in(image: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the environment of the image, its root read-only but for /repo and /state."""
    for name in ("repo", "state"):
        (image / name).mkdir(exist_ok=True)
    variables = {name: re.sub(r"^/", f"{image}/", value) for name, value in environment().items()}
    assert command[0] == "python"
    return subprocess.run(
        [sys.executable, *command[1:]], cwd=image / "repo", env={"PATH": os.environ["PATH"], **variables},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_base_is_pinned_and_the_user_has_no_rights() -> None:
    (base,) = of("FROM")
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+-slim-[a-z]+", base)
    words = [word for word, _ in steps()]
    assert of("USER") == ["10001:10001"]
    assert "RUN" not in words[words.index("USER") :], "nothing is built once the rights are gone"
    assert "ADD" not in words
    assert not any("SECRET" in rest or "PASSWORD" in rest for rest in of("ENV"))


def test_every_step_is_one_that_is_tried_here() -> None:
    """A new RUN step needs a test below."""
    tried = ["python -m pip install", "python -m compileall", "useradd", "install -d"]
    assert [next((each for each in tried if rest.startswith(each)), rest) for rest in of("RUN")] == tried


def test_the_dependencies_are_those_of_the_lock_by_their_hashes(tmp_path: Path) -> None:
    (step,) = [rest for rest in of("RUN") if "pip install" in rest]
    words = shlex.split(step.replace("/app/", f"{ROOT}/"))
    assert "--require-hashes" in words
    offline = ["--no-index", "--find-links", str(WHEELHOUSE), "--target", str(tmp_path / "lib"), "--dry-run"]
    ended = subprocess.run([sys.executable, *words[1:], *offline], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_user_and_folders_are_those_that_the_rest_names() -> None:
    made = {rest.split()[0]: shlex.split(rest) for rest in of("RUN")}
    user = made["useradd"]
    assert user[user.index("--uid") + 1] == "10001"
    assert user[-1] == "bqnctl"
    assert made["install"][-2:] == [environment()["XDG_STATE_HOME"], "/repo"]
    assert json.loads(of("VOLUME")[0]) == ["/repo", "/state"]


def test_what_is_copied_is_all_that_the_commands_need(image: Path) -> None:
    (compiled,) = [shlex.split(rest) for rest in of("RUN") if "compileall" in rest]
    assert compiled[-1] == "/app/generator"
    subprocess.run([sys.executable, *compiled[1:-1], image / "app/generator/cli"], check=True)  # a part shows it works
    (entrypoint,) = map(json.loads, of("ENTRYPOINT"))
    script = "from generator.documents.resources import resource_dir; print(resource_dir('inventories/demo'))"
    assert run_in(image, "python", "-c", script).stdout.strip() == f"{image}/app/inventories/demo"
    assert (image / "app/inventories/demo/hosts.yml").is_file()
    for path in [image / "app", *(image / "app").rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        told = ["--system", "splynx", "--host", "billing.example.net", "--bqn", "bqn-1=192.0.2.1", "--defaults"]
        for arguments in (["init", ".", *told], ["validate", "--no-credentials"], ["schema", "notify"]):
            ran = run_in(image, *entrypoint, *arguments)
            assert ran.returncode == 0, ran.stderr
    finally:
        for path in [image / "app", *(image / "app").rglob("*")]:
            path.chmod(0o755)


def test_the_command_is_a_sync_that_the_health_check_asks(image: Path) -> None:
    (entrypoint,), (command,) = map(json.loads, of("ENTRYPOINT")), map(json.loads, of("CMD"))
    ended = run_in(image, *entrypoint, *command)
    assert ended.returncode == 1
    assert "no inventory" in ended.stderr, "its options are known, and /repo is still empty"
    (health,) = of("HEALTHCHECK")
    port = command[command.index("--metrics-port") + 1]
    asked = json.loads(health.partition(" CMD ")[2])
    assert f"127.0.0.1:{port}/healthz" in asked[-1]
    assert of("EXPOSE") == [port]
    assert "Connection refused" in run_in(image, *asked).stderr


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    ignore = (ROOT / ".containerignore").read_text()
    assert (ROOT / ".dockerignore").read_text() == ignore
    sent = {line[1:] for line in ignore.splitlines() if line.startswith("!")}
    copied = {source.rstrip("/") for rest in of("COPY") for source in rest.split()[:-1]}
    assert "*" in ignore.splitlines()
    assert sent == copied
