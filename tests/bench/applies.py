"""A first apply over one, four and sixteen connections to an appliance that takes its time for each request."""

from collections.abc import Iterator
from pathlib import Path

from measure import (  # type: ignore[import-not-found]  # beside this file, run as a script
    Row,
    Run,
    bqn_emulator,
    bqn_host,
    emulator,
    timed,
    write_inventory,
)


def apply_run(size: int, latency_ms: int, connections: int, work: Path) -> Run:
    """A first apply of `size` subscribers to an appliance that takes `latency_ms` for each request."""
    fault = f"latency:seconds={latency_ms / 1000}"
    name = f"apply-{latency_ms}-{connections}"
    with (
        emulator("splynx", "--port", "0", "--customers", str(size)) as splynx,
        bqn_emulator("--fault", fault) as bqn,
    ):
        host = bqn_host(bqn, max_connections=connections)
        command = write_inventory(work / name, {"splynx": splynx["host_vars"]}, {"bqn": host})
        timed([*command, "render"])
        plan = work / f"{name}.json"
        timed([*command, "plan", "--out", str(plan)])
        return timed([*command, "apply", str(plan)])


def rows(sizes: dict[int, int], work: Path) -> Iterator[Row]:
    """Every latency (ms) with so many subscribers, over each number of connections."""
    for latency_ms, size in sizes.items():
        one: Run | None = None
        for connections in (1, 4, 16):
            run = apply_run(size, latency_ms, connections, work)
            one = one or run
            what = f"first apply, {size:,}, {latency_ms} ms, {connections} connections"
            yield Row.of(what, run, f"{one.seconds / run.seconds:.1f} times as fast as one connection")
