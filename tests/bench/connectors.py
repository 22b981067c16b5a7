"""Every billing connector: from its emulator to desired-state files, at two sizes, and the requests it makes.

Each render is a whole process against an emulator in a process of its own, the second of two (the first warms
the emulator, whose answers are made once). Powercode's REST API, which allows three requests a second, is
measured with few customers.

    python tests/bench/connectors.py [--size 20000] [SYSTEM ...]
"""

import argparse
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from run import BQNCTL, emulator, timed  # type: ignore[import-not-found]  # beside this file, run as a script

from generator.billing.read import connector_of
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import emulating, systems
from generator.inventory.load import load_inventory
from generator.net.certificate import ensure_certificate

SLOW = {"powercode_api": 30}
"""Systems that are slow by contract, and how many customers they are measured with."""


def inventory(folder: Path, host_vars: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    hosts = {"billing": {"hosts": {"bench": {"timeout": 120, **host_vars}}}, "bqn": {"hosts": {}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
    return folder


def render(system: str, size: int, work: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of a render of `size` customers."""
    with emulator(system, "--port", "0", "--customers", str(size)) as listening:
        folder = inventory(work / f"{system}-{size}", listening["host_vars"])
        timed([*BQNCTL, "-i", str(folder), "render"])
        shutil.rmtree(folder / "desired")
        run = timed([*BQNCTL, "-i", str(folder), "render"])
    return run.seconds, run.megabytes


def requests_made(system: str, size: int, work: Path) -> str:
    """How many requests one reading of `size` customers makes."""
    options = EmulatorOptions(customers=size)
    with emulating(system, options, certificate=ensure_certificate(work / "tls.pem")) as emulated:
        host = load_inventory(inventory(work / system, dict(emulated.host_vars)), environ={}).billing["bench"]
        connector_of(host).read(host)
    counts = Counter(each.request.split(" ")[0] for each in options.seen)
    return ", ".join(f"{count} {method}" for method, count in sorted(counts.items()))


def rows(wanted: list[str], size: int, work: Path) -> Iterator[tuple[str, ...]]:
    for system in wanted:
        customers = SLOW.get(system, size)
        small_s = None if system in SLOW else render(system, size // 10, work)[0]
        seconds, megabytes = render(system, customers, work)
        growth = f"{seconds / small_s:.1f} times" if small_s else ""
        made = requests_made(system, customers, work)
        yield system, f"{customers:,}", f"{seconds:.2f} s", f"{megabytes:.0f} MB", growth, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*")
    parser.add_argument("--size", type=int, default=20_000)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bqnctl-bench-"))
    print("| connector | customers | render | peak | of a tenth | requests |\n|---|---|---|---|---|---|")
    try:
        for row in rows(options.systems or systems(), options.size, work):
            print(f"| {' | '.join(row)} |", flush=True)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
