"""Every billing connector: from its emulator to desired-state files, at two sizes, and the requests it makes.

Each render is a whole process against an emulator in a process of its own, the second of two (the first warms
the emulator, whose answers are made once). Powercode's REST API, which allows three requests a second, is
measured with few customers.

"""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import (  # type: ignore[import-not-found]  # beside this file, run as a script
    Row,
    Run,
    emulator,
    growth,
    timed,
    write_inventory,
)

from generator.billing.read import connector_of
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import emulating
from generator.inventory.load import load_inventory
from generator.net.certificate import ensure_certificate

SLOW = {"powercode_api": 30}
"""Systems that are slow by contract, and how many customers they are measured with."""


def inventory(folder: Path, host_vars: dict[str, Any]) -> list[str]:
    """An inventory of one billing host, and the command line that uses it."""
    command: list[str] = write_inventory(folder, {"bench": {"timeout": 300, **host_vars}}, {})
    return command


def render(system: str, size: int, work: Path) -> Run:
    """A render of `size` customers."""
    with emulator(system, "--port", "0", "--customers", str(size)) as listening:
        folder = work / f"{system}-{size}"
        command = inventory(folder, listening["host_vars"])
        timed([*command, "render"])
        shutil.rmtree(folder / "desired")
        return timed([*command, "render"])


def requests_made(system: str, size: int, work: Path) -> str:
    """How many requests one reading of `size` customers makes."""
    options = EmulatorOptions(customers=size)
    with emulating(system, options, certificate=ensure_certificate(work / "tls.pem")) as emulated:
        inventory(work / system, dict(emulated.host_vars))
        host = load_inventory(work / system, environ={}).billing["bench"]
        connector_of(host).read(host)
    counts = Counter(each.request.split(" ")[0] for each in options.seen)
    return ", ".join(f"{count} {method}" for method, count in sorted(counts.items()))


def rows(size: int, larger: list[int], work: Path, wanted: list[str]) -> Iterator[Row]:
    """Each connector at `size` and a tenth of it; Splynx at the `larger` sizes too."""
    for system in wanted:
        customers = SLOW.get(system, size)
        before = None if system in SLOW else render(system, size // 10, work)
        run = render(system, customers, work)
        ratios = [text for text in (growth(run, before), requests_made(system, customers, work)) if text]
        yield Row.of(f"render {system}, {customers:,}", run, "; ".join(ratios))
    previous = None
    for customers in larger:
        run = render("splynx", customers, work)
        yield Row.of(f"render splynx, {customers:,}", run, growth(run, previous))
        previous = run
