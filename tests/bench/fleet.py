"""A fleet: fifty BQNs of 20,000 subscribers each, from five billing systems, in one plan and one apply.

Each BQN has one source and 20,000 of its addresses; each simulator is a process of its own.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, summarize_address_range
from pathlib import Path
from typing import Any

from measure import (  # type: ignore[import-not-found]  # beside this file, run as a script
    Row,
    bqn_emulator,
    bqn_host,
    changes_of,
    emulator,
    fill_simulator,
    timed,
    write_inventory,
)

SOURCES = ("splynx", "azotel", "wispro", "visp", "sonar")


def rows(appliances: int, subscribers: int, work: Path) -> Iterator[Row]:
    """The fleet's first plan, a plan without changes, one with 1 % changed, and its apply."""
    each = appliances // len(SOURCES)
    size = f"{appliances} BQNs of {subscribers:,}"
    with ExitStack() as stack:
        billing = {
            name: stack.enter_context(emulator(name, "--port", "0", "--customers", str(each * subscribers)))
            for name in SOURCES
        }
        simulators = {f"bqn-{n:02d}": stack.enter_context(bqn_emulator()) for n in range(appliances)}
        hosts = {
            name: bqn_host(
                simulator,
                sources=[SOURCES[n // each]],
                select={"cidrs": _networks(n % each, subscribers)},
                managed_groups=[],
            )
            for n, (name, simulator) in enumerate(simulators.items())
        }
        sources = {name: {"timeout": 300, **listening["host_vars"]} for name, listening in billing.items()}
        command = write_inventory(work / "fleet", sources, hosts)
        timed([*command, "render"])  # the emulators' answers are made when they are first asked for
        shutil.rmtree(work / "fleet" / "desired")
        yield Row.of(f"render, {len(SOURCES)} sources of {each * subscribers:,}", timed([*command, "render"]))
        plan = work / "fleet.json"
        yield Row.of(f"first plan, saved, {size}", timed([*command, "plan", "--out", str(plan)]))
        changes = changes_of(plan)
        _fill(simulators, changes)
        none = timed([*command, "plan", "--detailed-exitcode"])
        yield Row.of(f"no-change plan, {size}", none)
        alone = timed([*command, "-l", "bqn-00", "plan", "--detailed-exitcode"])
        yield Row.of(
            "no-change plan, one of them", alone, f"the fleet takes {none.seconds / alone.seconds:.1f} times as long"
        )
        _fill(simulators, changes, moved_every=100)
        yield Row.of(f"1 % change plan, {size}", timed([*command, "plan", "--out", str(plan)]))
        yield Row.of(f"apply of it, {size}", timed([*command, "apply", str(plan)]))
        timed([*command, "plan", "--detailed-exitcode"])


def _networks(part: int, size: int) -> list[str]:
    """The networks of the `part`-th `size` addresses of the emulated customers."""
    first = IPv4Address("100.64.0.0") + part * size
    return [str(network) for network in summarize_address_range(first, first + size - 1)]


def _fill(simulators: dict[str, Any], changes: dict[str, list[dict[str, Any]]], *, moved_every: int = 0) -> None:
    for name, simulator in simulators.items():
        fill_simulator(simulator, changes[name], moved_every=moved_every)
