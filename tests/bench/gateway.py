"""The gateway's intake: the first load of 20,000 subscribers by REST, and RADIUS accounting, both durable.

The gateway is a process of its own with its store on this machine's disk; the clients run beside it on the same
cores. Each row also has how many rows a transaction had: what group commit makes of concurrent writes.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml
from measure import Row  # type: ignore[import-not-found]  # beside this file, run as a script
from msgspec import Struct

from generator.billing.pushed import endpoint
from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.demo.nas import send_many
from generator.demo.push import send
from generator.demo.pushed import sample
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost
from generator.net.certificate import ensure_certificate
from generator.net.serve import free_port

SECRET = "bench-secret"


class Load(Struct, frozen=True, kw_only=True):
    """What was sent and answered."""

    what: str
    count: int
    seconds: float
    rows_per_commit: float

    def row(self, one: "Load | None" = None) -> Row:
        """The line of the table; `one` is the load it is compared with."""
        rate = self.count / self.seconds
        ratio = f"{rate:,.0f} a second, {self.rows_per_commit:.1f} rows a commit"
        if one is not None:
            ratio += f"; {rate / (one.count / one.seconds):.1f} times one connection"
        return Row(f"gateway, {self.what}, {self.count:,}", self.seconds, None, ratio)


@contextmanager
def gateway(folder: Path) -> Iterator[tuple[BillingHost, int, str]]:
    """A gateway in a process of its own: the host to reach it, its RADIUS port, its metrics."""
    certificate = ensure_certificate(folder / "tls.pem")
    host: dict[str, Any] = {
        "system": "aradial", "host": "127.0.0.1", "port": free_port(), "timeout": 60,
        "tls": {"fingerprint_sha256": certificate.fingerprint_sha256},
        "credentials": {"username": "bench", "password": "bench", "radius_secret": SECRET},
        "gateway": {"certificate": "tls.pem", "metrics": {"port": 0}},
        "radius": {"port": 0, "clients": [{"network": "127.0.0.0/8", "secret": "radius_secret"}]},
    }  # fmt: skip
    children = {"billing": {"hosts": {"bench": host}}, "bqn": {"hosts": {}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
    command = [sys.executable, "-m", "generator", "gateway", "-i", str(folder), "-l", "bench"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        words = {}
        for line in process.stdout:
            words[line.split()[0]] = line.split()[-1]
            if line.startswith("metrics"):
                break
        yield load_inventory(folder, environ={}).billing["bench"], int(words["RADIUS"]), words["metrics"]
        process.terminate()
        process.wait()


def counted(metrics: str) -> tuple[float, float]:
    """Rows and commits so far."""
    values = dict(line.rsplit(" ", 1) for line in requests.get(metrics, timeout=10).text.splitlines() if line[0] != "#")
    return float(values["bqnctl_gateway_store_rows"]), float(values["bqnctl_gateway_store_commits"])


def first_load(host: BillingHost, metrics: str, *, customers: int, connections: int) -> Load:
    """Every policy, subscriber and group of a billing with so many customers, over some connections."""
    data = sample(customers, 1)
    before = counted(metrics)
    with BqnClient(endpoint(host)) as client:
        for policy in data.policies:
            send(client, "POST", Kind.POLICY, policy["policyName"], policy)
        todo = iter(data.subscribers)
        lock = threading.Lock()

        def work() -> int:
            done = 0
            while True:
                with lock:
                    row = next(todo, None)
                if row is None:
                    return done
                send(client, "POST", Kind.SUBSCRIBER, row["subscriberIp"], row)
                done += 1

        started = time.perf_counter()
        with ThreadPoolExecutor(max_workers=connections) as pool:
            done = sum(each.result() for each in [pool.submit(work) for _ in range(connections)])
        seconds = time.perf_counter() - started
    rows, commits = (after - was for after, was in zip(counted(metrics), before, strict=True))
    return Load(what=f"REST, {connections} connections", count=done, seconds=seconds, rows_per_commit=rows / commits)


def accounting_load(port: int, metrics: str, *, packets: int, routers: int) -> Load:
    """So many Accounting-Requests from some routers, 32 under way at each, all answered."""
    before = counted(metrics)
    parts = [range(number * packets // routers, (number + 1) * packets // routers) for number in range(routers)]
    started = time.perf_counter()
    with ThreadPoolExecutor(max_workers=routers) as pool:
        answered = sum(
            len(each) for each in pool.map(lambda part: send_many("127.0.0.1", port, part, secret=SECRET), parts)
        )
    seconds = time.perf_counter() - started
    assert answered == packets
    rows, commits = (after - was for after, was in zip(counted(metrics), before, strict=True))
    return Load(what=f"RADIUS, {routers} routers", count=answered, seconds=seconds, rows_per_commit=rows / commits)


def rows(customers: int, packets: int, work: Path) -> Iterator[Row]:
    """The first load over one and four connections, and accounting from four routers."""
    folder = work / "gateway"
    folder.mkdir()
    with gateway(folder) as (host, port, metrics):
        one = first_load(host, metrics, customers=customers, connections=1)
        yield one.row()
        yield first_load(host, metrics, customers=customers, connections=4).row(one)
        yield accounting_load(port, metrics, packets=packets, routers=4).row(one)
