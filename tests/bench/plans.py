"""Start and plans of one BQN against octoDNS, which plans as many YAML records with its YamlProvider."""

import json
from collections.abc import Iterator
from pathlib import Path

import yaml
from measure import (  # type: ignore[import-not-found]  # beside this file, run as a script
    BQNCTL,
    PYTHON,
    Row,
    Run,
    bqn_emulator,
    bqn_host,
    changes_of,
    emulator,
    fill_simulator,
    growth,
    middle,
    quickest,
    timed,
    write_inventory,
)

OCTODNS_MOST = 100_000
"""octoDNS takes many minutes for more: beyond, its figures are this size's, times the factor, and marked so."""
_MOVED_EVERY = 100


def start_rows(work: Path) -> Iterator[Row]:
    """What a run costs that has next to nothing to do."""
    nothing = quickest([PYTHON, "-c", "pass"])
    yield Row.of("python, nothing", nothing)
    helped = quickest([*BQNCTL, "--help"])
    yield Row.of("bqnctl --help", helped, f"{helped.seconds / nothing.seconds:.1f} times python alone")
    with emulator("splynx", "--port", "0", "--customers", "10") as splynx, bqn_emulator() as bqn:
        command = write_inventory(work / "start", {"splynx": splynx["host_vars"]}, {"bqn": bqn_host(bqn)})
        timed([*command, "render"])
        planned = quickest([*command, "plan"])
    yield Row.of("first plan, 10", planned, f"{planned.seconds / nothing.seconds:.1f} times python alone")


def bqnctl_runs(size: int, work: Path) -> dict[str, Run]:
    """First plan, no-change plan and 1 % change plan of `size` subscribers; renders are the connectors' rows."""
    inventory = work / f"inventory-{size}"
    runs: dict[str, Run] = {}
    with bqn_emulator() as bqn:
        with emulator("splynx", "--port", "0", "--customers", str(size)) as splynx:
            command = write_inventory(inventory, {"splynx": splynx["host_vars"]}, {"bqn": bqn_host(bqn)})
            timed([*command, "render"])
        plan = work / f"plan-{size}.json"
        runs["first plan, saved"] = timed([*command, "plan", "--out", str(plan)])
        fill_simulator(bqn, changes_of(plan)["bqn"])
        timed([*command, "plan", "--detailed-exitcode"])  # warm, and proves that nothing is left to change
        runs["no-change plan"] = middle([*command, "plan", "--detailed-exitcode"])
        fill_simulator(bqn, changes_of(plan)["bqn"], moved_every=_MOVED_EVERY)
        runs["1 % change plan"] = middle([*command, "plan", "--detailed-exitcode"], expect=2)
        plan.unlink()
    return runs


def octodns_run(size: int, work: Path, *, moved_every: int = 0) -> Run:
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


def rows(sizes: list[int], work: Path) -> Iterator[Row]:
    """Every size, each with its growth and its peer."""
    before: dict[str, Run] = {}
    peers: dict[str, Run] = {}
    for size in sizes:
        runs = bqnctl_runs(size, work)
        for name, run in runs.items():
            yield Row.of(f"{name}, {size:,}", run, growth(run, before.get(name)))
        for name, moved_every in (("no-change plan", 0), ("1 % change plan", _MOVED_EVERY)):
            if size <= OCTODNS_MOST:
                peers[name] = peer = octodns_run(size, work, moved_every=moved_every)
                what = f"octoDNS {name}, {size:,}"
            else:
                factor = size / OCTODNS_MOST
                peer = Run(peers[name].seconds * factor, peers[name].megabytes * factor)
                what = f"octoDNS {name}, {size:,} (extrapolated)"
            ours = runs[name]
            ratios = peer.seconds / ours.seconds, peer.megabytes / ours.megabytes
            yield Row.of(what, peer, f"{ratios[0]:.1f} times the time, {ratios[1]:.1f} times the memory of bqnctl")
        before = runs
