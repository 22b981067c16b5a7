"""Times of building, rendering, saving and loading a tree: `python tests/bench/desired.py [COUNT]`."""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from generator.desired.build import build
from generator.desired.render import render_tree
from generator.desired.tree import load_tree, save_tree
from generator.inventory.settings import BillingHost, BlockRates, Scaling
from generator.model import BillingAnswer, GroupRecord, Limit, PlanRecord, ServiceRecord
from generator.net.tls import TlsSettings

T = TypeVar("T")

HOST = BillingHost(
    name="bench", system="splynx", host="192.0.2.1", port=443, timeout_s=10, tls=TlsSettings(),
    credentials={}, mode="pull", subscriber_id="login", block_inactive=True, active_statuses=("active",),
    block_on="status", rate_scaling=Scaling(), policy_names="service",
    subscriber_groups=True, dual_stack_groups=False,
    ip_versions=(4,), ipv6_prefix=64, zero_rate="reject", block_rates=BlockRates(), networks=(),
    keep_absent_s=172_800, services_per_ip="first", plan_rates={}, equipment_categories=(1,),
    requests_per_second=None, max_shrink_percent=20,
)  # fmt: skip


def _answer(count: int) -> BillingAnswer:
    plans = tuple(
        PlanRecord(id=str(n), name=f"Home {n}M", download=Limit(rate=n * 1000), upload=Limit(rate=n * 500))
        for n in range(1, 101)
    )
    services = tuple(
        ServiceRecord(
            record=f"session {n}", plan=str(n % 100 + 1), ids={"login": f"ana perez {n}"},
            addresses=(str(IPv4Address(0x0A000001 + n)),),
            statuses={"status": "active" if n % 20 else "Suspended"},
            groups=(GroupRecord(level="L1", name=f"AP {n % 500}"),), rank=(n,),
        )
        for n in range(count)
    )  # fmt: skip
    return BillingAnswer(plans=plans, services=services)


def _timed(what: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = work()
    print(f"{what:8} {time.perf_counter() - start:6.2f} s")
    return result


def main(count: int) -> None:
    """Each step once, on `count` subscribers."""
    answer = _answer(count)
    built = _timed("build", lambda: build(answer, HOST, previous=None, now=datetime.now(UTC)))
    files = _timed("render", lambda: render_tree(built.state, templates=None))
    with tempfile.TemporaryDirectory() as folder:
        _timed("save", lambda: save_tree(Path(folder), files))
        tree = _timed("load", lambda: load_tree(Path(folder)))
        _timed("resave", lambda: save_tree(Path(folder), files))
    sys.exit(tree.state != built.state)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
