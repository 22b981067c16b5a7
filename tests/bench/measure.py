"""What every bench uses: whole processes with their wall seconds and peak memory, emulators, rows of the table.

Peak memory is that of the largest single process (`ru_maxrss`).
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import requests
import urllib3
import yaml

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable
BQNCTL = [PYTHON, "-m", "generator"]
CREDENTIAL = "bench"
urllib3.disable_warnings()  # the simulator on loopback is not the one under test here


class Run(msgspec.Struct, frozen=True):
    """One finished process: wall seconds and peak memory in MB."""

    seconds: float
    megabytes: float


class Row(msgspec.Struct, frozen=True):
    """One line of the table: what was done, how long it took, at what peak memory, and the ratio."""

    what: str
    seconds: float
    megabytes: float | None = None
    ratio: str = ""

    @classmethod
    def of(cls, what: str, run: Run, ratio: str = "") -> "Row":
        return cls(what, run.seconds, run.megabytes, ratio)

    def text(self) -> str:
        memory = "" if self.megabytes is None else f"{self.megabytes:,.0f} MB"
        return f"| {self.what:44} | {self.seconds:>8.2f} s | {memory:>9} | {self.ratio} |"


HEAD = f"| {'what':44} | {'time':>10} | {'peak':>9} | ratio |\n|{'-' * 46}|{'-' * 12}|{'-' * 11}|---|"


# Run in a small process of its own: a child's peak memory counts its parent's until it has become itself.
_MEASURE = """
import json, os, subprocess, sys, time
with open(sys.argv[1], "wb") as output:
    started = time.perf_counter()
    process = subprocess.Popen(sys.argv[2:], stdout=output, stderr=subprocess.STDOUT)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / 1024]))
"""


def timed(command: list[str], *, cwd: Path = ROOT, expect: int = 0) -> Run:
    """Run a command to its end and measure it; a wrong exit code ends the bench."""
    with tempfile.NamedTemporaryFile() as output:
        measured = subprocess.run(
            [PYTHON, "-S", "-c", _MEASURE, output.name, *command], cwd=cwd, capture_output=True, check=True
        )
        code, seconds, megabytes = json.loads(measured.stdout)
        if code != expect:
            raise SystemExit(f"{' '.join(command)} ended with {code}:\n{output.read()[-3000:].decode()}")
    return Run(seconds, megabytes)


def quickest(command: list[str], *, times: int = 5) -> Run:
    """The quickest of a few runs: for short ones, of which the machine's noise is the larger part."""
    return min((timed(command) for _ in range(times)), key=lambda run: run.seconds)


def middle(command: list[str], *, times: int = 3, expect: int = 0) -> Run:
    """The median of a few runs: for what is short beside the noise of the machine."""
    return sorted((timed(command, expect=expect) for _ in range(times)), key=lambda run: run.seconds)[times // 2]


@contextlib.contextmanager
def emulator(*arguments: str) -> Iterator[dict[str, Any]]:
    """An emulator in a process of its own; yields the line it prints at start."""
    process = subprocess.Popen([*BQNCTL, "simulate", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=60)


def bqn_emulator(*arguments: str) -> contextlib.AbstractContextManager[dict[str, Any]]:
    """An empty BQN simulator in a process of its own."""
    return emulator("bqn", "--port", "0", "--username", CREDENTIAL, "--password", CREDENTIAL, *arguments)


def port_of(listening: dict[str, Any]) -> int:
    return int(str(listening["listening"]).rsplit(":", 1)[1])


def bqn_host(listening: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The inventory's variables of an emulated BQN."""
    return {
        "host": "127.0.0.1",
        "port": port_of(listening),
        "tls": {"fingerprint_sha256": listening["fingerprint_sha256"]},
        "credentials": {"username": CREDENTIAL, "password": CREDENTIAL},
        "timeout": 120,
        **settings,
    }


def write_inventory(folder: Path, billing: dict[str, dict[str, Any]], bqn: dict[str, dict[str, Any]]) -> list[str]:
    """An inventory of hosts and their variables; the answer is the command line that uses it."""
    folder.mkdir(parents=True, exist_ok=True)
    children = {"billing": {"hosts": billing}, "bqn": {"hosts": bqn}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
    return [*BQNCTL, "-i", str(folder)]


def fill_simulator(bqn: dict[str, Any], changes: list[dict[str, Any]], *, moved_every: int = 0) -> None:
    """Put the simulator where a plan's creates would bring it, without sending them one by one.

    Every `moved_every`-th subscriber gets another policy than the plan says, if that is not 0.
    """
    state: dict[str, list[dict[str, Any]]] = {"policies": [], "subscribers": [], "groups": []}
    names = {"policy": ("policies", "policyName"), "subscriber": ("subscribers", "subscriberIp"),
             "group": ("groups", "subscriberGroupName")}  # fmt: skip
    for change in changes:
        collection, key = names[change["kind"]]
        state[collection].append({key: change["key"], **change["body"]})
    for subscriber in state["subscribers"][::moved_every] if moved_every else ():
        subscriber["policyRate"] = "Elsewhere"
    answer = requests.put(
        f"{bqn['listening']}/_simulator/state", json=state, auth=(CREDENTIAL, CREDENTIAL), verify=False, timeout=120
    )
    answer.raise_for_status()


def changes_of(plan: Path) -> dict[str, list[dict[str, Any]]]:
    """The changes of a saved plan, by appliance."""
    return {each["name"]: each["changes"] for each in json.loads(plan.read_bytes())["appliances"]}


def growth(now: Run, before: Run | None) -> str:
    """How many times as long as for a tenth; start-up counts in both, so linear work shows as less than ten."""
    return f"{now.seconds / before.seconds:.1f} times the time of a tenth" if before else ""
