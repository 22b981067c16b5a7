"""`make bench`: speed and memory as ratios measured in one run on this machine, printed as one table.

Every command is a whole process: start, reading files, HTTPS to a simulator in a process of its own. Peak
memory is that of the largest single process (`ru_maxrss`). The peer is octoDNS, which plans as many
unchanged YAML records with its YamlProvider on both sides.

    python tests/bench/run.py [--sizes 10000,100000] [--without-octodns]
"""

import argparse
import contextlib
import itertools
import json
import shutil
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
OCTODNS_MOST = 100_000
"""octoDNS takes minutes for more."""
urllib3.disable_warnings()  # the simulator on loopback is not the one under test here


class Run(msgspec.Struct, frozen=True):
    """One finished process: wall seconds and peak memory in MB."""

    seconds: float
    megabytes: float


# Run in a small process of its own: a child's peak memory counts its parent's until it has become itself.
MEASURE = """
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
            [PYTHON, "-S", "-c", MEASURE, output.name, *command], cwd=cwd, capture_output=True, check=True
        )
        code, seconds, megabytes = json.loads(measured.stdout)
        if code != expect:
            raise SystemExit(f"{' '.join(command)} ended with {code}:\n{output.read()[-3000:].decode()}")
    return Run(seconds, megabytes)


@contextlib.contextmanager
def emulator(*arguments: str) -> Iterator[dict[str, Any]]:
    """An emulator in a process of its own; yields the line it prints at start."""
    process = subprocess.Popen([*BQNCTL, "simulate", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=30)


def port_of(listening: dict[str, Any]) -> int:
    return int(str(listening["listening"]).rsplit(":", 1)[1])


def write_inventory(folder: Path, splynx: dict[str, Any], bqn: dict[str, Any], **settings: Any) -> None:
    """An inventory of one Splynx and one BQN, both emulated."""
    from generator.demo.splynx import CREDENTIALS

    def host(listening: dict[str, Any], credentials: dict[str, str], **more: Any) -> dict[str, Any]:
        pin = {"fingerprint_sha256": listening["fingerprint_sha256"]}
        return {"host": "127.0.0.1", "port": port_of(listening), "tls": pin, "credentials": credentials, **more}

    children = {
        "billing": {"hosts": {"splynx": host(splynx, dict(CREDENTIALS), system="splynx")}},
        "bqn": {"hosts": {"bqn": host(bqn, {"username": CREDENTIAL, "password": CREDENTIAL}, **settings)}},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))


def fill_simulator(bqn: dict[str, Any], plan: bytes, *, moved_every: int = 0) -> None:
    """Put the simulator where the plan's writes would bring it, without sending them one by one.

    Every `moved_every`-th subscriber gets another policy than the plan says, if that is not 0.
    """
    state: dict[str, list[dict[str, Any]]] = {"policies": [], "subscribers": [], "groups": []}
    names = {"policy": ("policies", "policyName"), "subscriber": ("subscribers", "subscriberIp"),
             "group": ("groups", "subscriberGroupName")}  # fmt: skip
    for change in json.loads(plan)["appliances"][0]["changes"]:
        collection, key = names[change["kind"]]
        state[collection].append({key: change["key"], **change["body"]})
    for subscriber in state["subscribers"][::moved_every] if moved_every else ():
        subscriber["policyRate"] = "Elsewhere"
    answer = requests.put(
        f"{bqn['listening']}/_simulator/state", json=state, auth=(CREDENTIAL, CREDENTIAL), verify=False, timeout=120
    )
    answer.raise_for_status()


def bench_bqnctl(size: int, work: Path) -> dict[str, Run]:
    """Render, first plan and no-change plan of `size` subscribers."""
    inventory = work / f"inventory-{size}"
    runs: dict[str, Run] = {}
    with (
        emulator("splynx", "--port", "0", "--customers", str(size)) as splynx,
        emulator("bqn", "--port", "0", "--username", CREDENTIAL, "--password", CREDENTIAL) as bqn,
    ):
        write_inventory(inventory, splynx, bqn)
        command = [*BQNCTL, "-i", str(inventory)]
        runs["render"] = timed([*command, "render"])
        plan = work / f"plan-{size}.json"
        runs["first plan"] = timed([*command, "plan", "--out", str(plan)])
        fill_simulator(bqn, plan.read_bytes())
        timed([*command, "plan", "--detailed-exitcode"])  # warm, and proves that nothing is left to change
        runs["no-change plan"] = timed([*command, "plan", "--detailed-exitcode"])
        fill_simulator(bqn, plan.read_bytes(), moved_every=100)
        runs["1 % change plan"] = timed([*command, "plan", "--detailed-exitcode"], expect=2)
    return runs


def bench_apply(size: int, latency_ms: int, connections: int, work: Path) -> Run:
    """A first apply of `size` subscribers to an appliance that takes `latency_ms` for each request."""
    inventory = work / f"apply-{latency_ms}-{connections}"
    fault = f"latency:seconds={latency_ms / 1000}"
    with (
        emulator("splynx", "--port", "0", "--customers", str(size)) as splynx,
        emulator("bqn", "--port", "0", "--username", CREDENTIAL, "--password", CREDENTIAL, "--fault", fault) as bqn,
    ):
        write_inventory(inventory, splynx, bqn, max_connections=connections)
        command = [*BQNCTL, "-i", str(inventory)]
        timed([*command, "render"])
        plan = work / f"apply-{latency_ms}-{connections}.json"
        timed([*command, "plan", "--out", str(plan)])
        return timed([*command, "apply", str(plan)])


def bench_octodns(size: int, work: Path, *, moved_every: int = 0) -> Run:
    """octoDNS planning `size` A records, YAML on both sides; every `moved_every`-th differs, if that is not 0."""
    folder = work / f"octodns-{size}-{moved_every}"
    for side in ("source", "target"):
        (folder / side).mkdir(parents=True)
    records = {f"h{n:07d}": {"type": "A", "value": f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"} for n in range(size)}
    for side in ("source", "target"):
        if side == "target" and moved_every:
            records |= {name: {"type": "A", "value": "192.0.2.1"} for name in list(records)[::moved_every]}
        lines = "".join(f"{name}: {json.dumps(record)}\n" for name, record in sorted(records.items()))
        (folder / side / "bench.test.yaml").write_text(f"---\n{lines}")
    provider = {"class": "octodns.provider.yaml.YamlProvider", "enforce_order": False}
    config = {
        "providers": {side: {**provider, "directory": str(folder / side)} for side in ("source", "target")},
        "zones": {"bench.test.": {"sources": ["source"], "targets": ["target"]}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    octodns = Path(PYTHON).with_name("octodns-sync")
    return timed([str(octodns), "--config-file", str(folder / "config.yaml")])


def rows(sizes: list[int], work: Path, *, with_octodns: bool) -> Iterator[tuple[str, str, str, str]]:
    before: dict[str, Run] = {}
    for size in sizes:
        runs = bench_bqnctl(size, work)
        for name, run in runs.items():
            growth = f"{run.seconds / before[name].seconds:.1f} times the size before" if name in before else ""
            yield f"{name}, {size:,}", f"{run.seconds:.2f} s", f"{run.megabytes:.0f} MB", growth
        before = runs
        if with_octodns and size <= OCTODNS_MOST:
            for name, moved_every in (("no-change plan", 0), ("1 % change plan", 100)):
                peer, ours = bench_octodns(size, work, moved_every=moved_every), runs[name]
                time_ratio, memory_ratio = peer.seconds / ours.seconds, peer.megabytes / ours.megabytes
                ratio = f"{time_ratio:.1f} times the time, {memory_ratio:.1f} times the memory of bqnctl"
                yield f"octoDNS {name}, {size:,}", f"{peer.seconds:.2f} s", f"{peer.megabytes:.0f} MB", ratio


def apply_rows(size: int, work: Path) -> Iterator[tuple[str, str, str, str]]:
    """A first apply over one, four and sixteen connections, where each request takes 2 and 20 ms."""
    for latency_ms in (2, 20):
        one: Run | None = None
        for connections in (1, 4, 16):
            run = bench_apply(size, latency_ms, connections, work)
            one = one or run
            name = f"apply {size:,}, {latency_ms} ms, {connections} conn."
            ratio = f"{one.seconds / run.seconds:.1f} times as fast as one"
            yield name, f"{run.seconds:.2f} s", f"{run.megabytes:.0f} MB", ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--without-octodns", action="store_true")
    parser.add_argument("--apply", type=int, default=2000, help="subscribers of the first apply; 0 leaves it out")
    options = parser.parse_args()
    sizes = [int(text) for text in options.sizes.split(",")]
    work = Path(tempfile.mkdtemp(prefix="bqnctl-bench-"))
    print(f"| {'what':34} | {'time':>9} | {'peak':>8} | ratio |\n|{'-' * 36}|{'-' * 11}|{'-' * 10}|---|")
    try:
        table = itertools.chain(
            rows(sizes, work, with_octodns=not options.without_octodns),
            apply_rows(options.apply, work) if options.apply else (),
        )
        for what, seconds, memory, ratio in table:
            print(f"| {what:34} | {seconds:>9} | {memory:>8} | {ratio} |", flush=True)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
