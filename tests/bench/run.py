"""`make bench`: speed and memory as ratios measured in one run on this machine, printed as one table.

Every command is a whole process: start, reading files, HTTPS to a simulator in a process of its own. Peak memory
is that of the largest single process. On a shared machine only the ratios mean something.

    python tests/bench/run.py [--sizes 10000,100000,1000000] [start plans applies connectors gateway fleet ...]
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import applies  # type: ignore[import-not-found]  # beside this file, run as a script
import connectors  # type: ignore[import-not-found]  # the same
import fleet  # type: ignore[import-not-found]  # the same
import gateway  # type: ignore[import-not-found]  # the same
import plans  # type: ignore[import-not-found]  # the same
from measure import HEAD, Row  # type: ignore[import-not-found]  # the same

from generator.demo.run import systems


def sections(options: argparse.Namespace, work: Path) -> dict[str, Callable[[], Iterator[Row]]]:
    """The parts of the table."""
    sizes = [int(text) for text in options.sizes.split(",")]
    return {
        "start": lambda: plans.start_rows(work),
        "plans": lambda: plans.rows(sizes, work),
        "applies": lambda: applies.rows({2: 4000, 20: 2000}, work),
        "connectors": lambda: connectors.rows(
            20_000, [size for size in sizes if size >= 100_000], work, options.system or systems()
        ),
        "gateway": lambda: gateway.rows(20_000, 60_000, work),
        "fleet": lambda: fleet.rows(options.fleet, 20_000, work),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", help="parts of the table; all of them without")
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--system", action="append", help="only these connectors")
    parser.add_argument("--fleet", type=int, default=50, help="how many BQNs, a multiple of five")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="bqnctl-bench-"))
    known = sections(options, work)
    wanted = options.sections or list(known)
    if not set(wanted) <= known.keys():
        sys.exit(f"the parts are: {', '.join(known)}")
    print(HEAD, flush=True)
    try:
        for name in wanted:
            for row in known[name]():
                print(row.text(), flush=True)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
