"""`bqnctl init`: what it writes, asks, and refuses."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from generator.cli.main import main
from generator.inventory.load import load_inventory
from generator.inventory.shape import known_systems

SPLYNX = ["--system", "splynx", "--host", "billing.example.net"]
BQN = ["--bqn", "bqn-north=192.0.2.10"]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("system", known_systems())
def test_the_inventory_of_every_system_is_valid_and_names_its_secrets(
    system: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    assert main(["init", str(new), "--system", system, "--host", "billing.example.net", *BQN, "--defaults"]) == 0
    assert main(["-i", str(new / "inventories/production"), "validate", "--no-credentials"]) == 0
    readme = (new / "README.md").read_text()
    variables = [line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")]
    environ = {name: f"value of {name}" for name in variables}
    inventory = load_inventory(new / "inventories/production", environ=environ)
    (billing,) = inventory.billing.values()
    assert billing.name == f"{system.replace('_', '-')}-main"
    assert "value of" not in capfd.readouterr().out
    assert not (new / "ci").exists()
    assert "plan-out/" in (new / ".gitignore").read_text()


def test_all_that_can_be_told(tmp_path: Path) -> None:
    told = [*SPLYNX, "--system", "splynx", "--host", "2001:db8::7", "--system", "powercode_api", "--host", "pc"]
    told += [*BQN, "--bqn", "bqn-south=bqn.example.net", "--network", "10.20.0.0/16", "--network", "2001:db8::/32"]
    assert main(["init", str(tmp_path), *told, "--ci", "gitlab", "--name", "lab"]) == 0
    environ = dict.fromkeys(["SPLYNX_API_KEY", "SPLYNX_API_SECRET", "SPLYNX_2_API_KEY", "SPLYNX_2_API_SECRET"], "x")
    environ |= dict.fromkeys(["POWERCODE_API_API_KEY", "BQN_USERNAME", "BQN_PASSWORD"], "x")
    inventory = load_inventory(tmp_path / "inventories/lab", environ=environ)
    assert [host.host for host in inventory.billing.values()] == ["billing.example.net", "2001:db8::7", "pc"]
    assert [str(network) for network in inventory.billing["splynx-2"].networks or ()] == [
        "10.20.0.0/16",
        "2001:db8::/32",
    ]
    assert list(inventory.bqn) == ["bqn-north", "bqn-south"]
    assert (tmp_path / ".gitlab-ci.yml").exists()
    assert not (tmp_path / ".github").exists()
    assert os.access(tmp_path / "ci/plan.sh", os.X_OK)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--system is missing"),
        (["--system", "splynx"], "--host is missing"),
        (SPLYNX, "--bqn is missing"),
        ([*SPLYNX, "--host", "more", *BQN], "1 times --system, 2 times --host"),
        (["--system", "splinx", "--host", "a", *BQN], "did you mean splynx?"),
        ([*SPLYNX, "--bqn", "192.0.2.10"], "--bqn bqn-north=192.0.2.10"),
        ([*SPLYNX, "--bqn", "../x=192.0.2.10"], "is not a name"),
        ([*SPLYNX, "--bqn", "bqn=https://192.0.2.10"], "without https://"),
        (["--system", "splynx", "--host", "a\n: b", *BQN], "is not an address"),
        ([*SPLYNX, *BQN, *BQN], "two hosts are called bqn-north"),
        ([*SPLYNX, "--bqn", "splynx-main=192.0.2.1"], "two hosts are called splynx-main"),
        ([*SPLYNX, *BQN, "--network", "10.0.0.1/8"], "has host bits set"),
        ([*SPLYNX, *BQN, "--name", "a/b"], "--name: "),
        ([*SPLYNX, *BQN, "--ci", "none", "--ci", "github"], "--ci none"),
        ([*SPLYNX, *BQN, "--ci", "github", "--parts", "2"], "2 parts of 1 appliances"),
        ([*SPLYNX, "--bqn", "a=192.0.2.1", *BQN, "--parts", "2"], "--parts is for pipelines"),
        ([*SPLYNX, *BQN, "-l", "x"], "-i and -l do not go with it"),
    ],
)
def test_what_cannot_be_is_an_error_and_writes_nothing(
    arguments: list[str], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new"), *arguments, "--defaults"]) == 1
    assert said in capfd.readouterr().err
    assert not (tmp_path / "new").exists()


def test_again_changes_nothing_and_what_differs_is_never_overwritten(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    line = ["init", str(tmp_path), *SPLYNX, *BQN, "--ci", "github"]
    assert main(line) == 0
    whole = content(tmp_path)
    assert main(line) == 0
    assert "written" not in capfd.readouterr().out.split("Next:")[1]
    (tmp_path / "ci/plan.sh").unlink()
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "requirements.txt").write_text("mine too")
    before = content(tmp_path)
    assert main(line) == 1
    err = capfd.readouterr().err
    assert f"{tmp_path}/README.md: it exists and differs" in err
    assert f"{tmp_path}/requirements.txt: it exists and differs" in err
    assert content(tmp_path) == before
    (tmp_path / "README.md").write_bytes(whole["README.md"])
    (tmp_path / "requirements.txt").write_bytes(whole["requirements.txt"])
    assert main(line) == 0
    assert content(tmp_path) == whole


def test_what_stands_in_the_way_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "inventories").write_text("a file")
    (tmp_path / "README.md").symlink_to(tmp_path / "nowhere")
    (tmp_path / ".gitignore").mkdir()
    assert main(["init", str(tmp_path), *SPLYNX, *BQN]) == 1
    err = capfd.readouterr().err
    assert "inventories: a folder is needed here" in err
    assert "README.md: it exists and differs" in err
    assert ".gitignore: it exists and differs" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "README.md", "inventories"]
    assert main(["init", str(tmp_path / "inventories"), *SPLYNX, *BQN]) == 1
    assert "a folder is needed here" in capfd.readouterr().err


def answer(folder: Path, *arguments: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Run init on a terminal of its own: each answer is typed when its question stands there."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "generator", "init", str(folder), *arguments]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, close_fds=True)
    os.close(terminal)
    said, waiting, until = "", list(answers), time.monotonic() + 60
    while time.monotonic() < until:
        if not select.select([controller], [], [], 1)[0]:
            continue
        try:
            said += os.read(controller, 4096).decode()
        except OSError:  # the terminal is gone: the process has ended
            break
        if waiting and waiting[0][0] in said:
            os.write(controller, f"{waiting[0][1]}\n".encode())
            said = said.split(waiting.pop(0)[0], 1)[1]
    os.close(controller)
    return process.wait(timeout=10), said


def test_on_a_terminal_it_asks_for_what_no_option_says(tmp_path: Path) -> None:
    talk = [
        ("Billing system", "splinx"), ("Billing system", "splynx"), ("Address of splynx", "billing.example.net"),
        ("Address of the first BQN", "192.0.2.10"), ("One more", "bqn-south=192.0.2.20"), ("One more", ""),
        ("Prefixes", "10.20.0.0/16, 10.30.0.0/16"), ("Pipelines", "github"), ("Name of the inventory", ""),
    ]  # fmt: skip
    code, said = answer(tmp_path / "asked", answers=talk)
    assert code == 0, said
    told = [*SPLYNX, "--bqn", "bqn-1=192.0.2.10", "--bqn", "bqn-south=192.0.2.20", "--ci", "github"]
    told += ["--network", "10.20.0.0/16", "--network", "10.30.0.0/16"]
    assert main(["init", str(tmp_path / "told"), *told]) == 0
    assert content(tmp_path / "asked") == content(tmp_path / "told")


def test_what_an_option_says_is_not_asked_and_defaults_never_asks(tmp_path: Path) -> None:
    talk = [("Address of splynx", "billing.example.net"), ("Prefixes", ""), ("Name", "lab")]
    code, said = answer(tmp_path / "new", *SPLYNX[:2], *BQN, "--ci", "none", answers=talk)
    assert code == 0, said
    assert (tmp_path / "new/inventories/lab/hosts.yml").is_file()
    code, said = answer(tmp_path / "more", *SPLYNX, "--defaults", answers=[])
    assert code == 1
    assert "--bqn is missing" in said
