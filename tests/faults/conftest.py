"""Appliances that fail on demand, each a simulator in a process of its own, and the inventories that name them."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from generator.cli.main import main
from generator.desired.render import render_tree
from generator.desired.saving import save_tree
from generator.model import DesiredState, Group, Limit, Policy, Subscriber
from generator.net.certificate import Certificate

WRITES = ("POST", "PUT", "DELETE")
OPEN = {
    "max_delete_percent": 100,
    "max_update_percent": 100,
    "max_block_percent": 100,
    "min_existing": 0,
}
_PATHS = {"policy": "/policies/rate", "subscriber": "/subscribers", "group": "/subscriberGroups"}


class Ran:
    """What a command line printed and returned."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Bqn:
    """A simulated BQN in its own process, asked and told through its control door."""

    def __init__(self, certificate: Certificate) -> None:
        command = [sys.executable, "-m", "generator", "simulate", "bqn", "--port", "0", "--certificate"]
        self.process = subprocess.Popen([*command, str(certificate.file)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = str(json.loads(self.process.stdout.readline())["listening"])
        self.port = int(self.url.rpartition(":")[2])
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = ("demo", "demo")
        self._session.verify = str(certificate.file)

    def door(self, method: str, name: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self.url}/_simulator/{name}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    def state(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = self.door("GET", "state")
        return found

    def reset(self, state: Mapping[str, Any] | None = None, *faults: Mapping[str, Any], **behaviour: Any) -> None:
        """Hold `state`, remember no request, fail as `faults` say from now on."""
        self.door("PUT", "faults", [])
        self.door("PUT", "behaviour", behaviour)
        self.door("PUT", "state", state or {})
        self.fail(*faults)

    def fail(self, *faults: Mapping[str, Any]) -> None:
        """Fail as `faults` say from now on, and forget the requests so far."""
        self.door("DELETE", "requests")
        self.door("PUT", "faults", list(faults))

    def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.door("GET", "requests")
        return found

    def writes(self) -> list[dict[str, Any]]:
        return [seen for seen in self.requests() if seen["method"] in WRITES]

    def wait_for_writes(self, count: int) -> None:
        """Return once `count` writes were answered."""
        deadline = time.monotonic() + 60
        while len(self.writes()) < count:
            assert time.monotonic() < deadline, f"{len(self.writes())} of {count} writes came"
            time.sleep(0.01)

    def close(self) -> None:
        self._session.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


class Site:
    """An inventory of one BQN and one source: its desired state is written here, its commands are run here."""

    def __init__(self, folder: Path, certificate: Certificate, port: int, **settings: Any) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.bqn = {
            "host": "127.0.0.1",
            "port": port,
            "timeout": 5,
            "tls": {"fingerprint_sha256": certificate.fingerprint_sha256},
            "credentials": {"username": "demo", "password": "demo"},
            "guards": OPEN,
            **settings,
        }
        self.write()

    def write(self) -> None:
        """Write the inventory as it stands now."""
        self.folder.mkdir(parents=True, exist_ok=True)
        billing = {"system": "splynx", "credentials": {"api_key": "k", "api_secret": "s"}}
        children = {"billing": {"hosts": {"billing": billing}}, "bqn": {"hosts": {"bqn": self.bqn}}}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))

    def want(self, state: DesiredState) -> None:
        save_tree(self.folder / "desired" / "billing", render_tree(state, templates=None))

    def run(self, *arguments: str) -> Ran:
        """Run a command line in this process."""
        self.write()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["-i", str(self.folder), *arguments])
        return Ran(code, out.getvalue(), err.getvalue())

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command line as a process of its own."""
        self.write()
        command = [sys.executable, "-m", "generator", "-i", str(self.folder), *arguments]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
        )

    def plan(self, *arguments: str) -> tuple[Path, list[dict[str, Any]]]:
        """Save the plan; its file and its changes."""
        file = self.folder / "plan.json"
        planned = self.run("plan", "--out", str(file), *arguments)
        assert planned.code == 0, planned
        return file, self.changes(file)

    @staticmethod
    def changes(file: Path) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(file.read_text())["appliances"][0]["changes"]
        return found

    def journals(self) -> list[list[dict[str, Any]]]:
        """The records of every run, oldest first; a last line cut by a crash is left out."""
        return [
            [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            for file in sorted(self.journal.glob("*.jsonl"))
        ]


def request_key(method: str, path: str, body: Any) -> str:
    """A request as text, to compare sent ones with planned ones."""
    return f"{method} {path} {json.dumps(body, sort_keys=True)}"


def planned_requests(changes: list[dict[str, Any]]) -> list[str]:
    """The requests a plan says it will send, sorted."""
    return sorted(request_key(c["method"], f"{_PATHS[c['kind']]}/{c['key']}", c.get("body")) for c in changes)


def sent_requests(writes: list[dict[str, Any]]) -> list[str]:
    """The writes a simulator got, sorted."""
    return sorted(request_key(seen["method"], seen["path"], seen["body"]) for seen in writes)


def on_bqn(text: str | None) -> Any:
    """A name as a BQN has it."""
    return text.replace(" ", "_") if text else None


def _limit(limit: Limit) -> dict[str, int]:
    shown = {"rate": -1 if limit.rate is None else limit.rate}
    if limit.burst_rate:
        names = {"burst_rate": "burstRate", "burst_duration": "burstDuration", "burst_threshold": "burstThreshold"}
        shown |= {key: getattr(limit, name) for name, key in names.items() if getattr(limit, name)}
    return shown


def expected(state: DesiredState) -> dict[str, dict[str, Any]]:
    """What a BQN that had nothing should show of a desired state, worked out apart from the program."""
    members: dict[str, set[str]] = {name: set() for name in state.groups}
    for subscriber in state.subscribers.values():
        for name in subscriber.groups:
            members[name].add(subscriber.ip)
    return {
        "policies": {
            "Billing-Block": ("block", {"rate": 0}, {"rate": 0}),
            **{on_bqn(p.name): (p.id, _limit(p.download), _limit(p.upload)) for p in state.policies.values()},
        },
        "subscribers": {
            s.ip: (on_bqn(s.id), "Billing-Block" if s.blocked else on_bqn(s.policy)) for s in state.subscribers.values()
        },
        "groups": {
            on_bqn(g.name): (g.type or "generic", on_bqn(g.policy), sorted(members[g.name]), sorted(g.ranges))
            for g in state.groups.values()
        },
    }


def _bare(limit: Mapping[str, Any] | None) -> dict[str, int]:
    """A limit without what is not compared: congestionMgmt, and the fillers of an unset burst."""
    found = {k: v for k, v in (limit or {"rate": -1}).items() if k != "congestionMgmt"}
    return {k: v for k, v in found.items() if k == "rate" or v not in (0, -1, None)} | (
        {} if "rate" in found else {"rate": -1}
    )


def shown(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A simulator's state in the form of `expected`."""
    return {
        "policies": {
            p["policyName"]: (p.get("policyId"), _bare(p.get("rateLimitDownlink")), _bare(p.get("rateLimitUplink")))
            for p in state["policies"]
        },
        "subscribers": {s["subscriberIp"]: (s.get("subscriberId"), s.get("policyRate")) for s in state["subscribers"]},
        "groups": {
            g["subscriberGroupName"]: (
                g["subscriberGroupType"], g.get("policyRate"), g["subscriberMembers"], g["subscriberRanges"],
            )
            for g in state["groups"]
        },
    }  # fmt: skip


def policy(name: str, rate: int | None = 1000, *, id: str | None = "1", burst: int | None = None) -> Policy:  # noqa: A002 - the field's name
    down = Limit(rate=rate, burst_rate=burst, burst_duration=20 if burst else None)
    return Policy(name=name, id=id, download=down, upload=Limit(rate=500))


def make_state(
    policies: list[Policy], subscribers: Mapping[str, Any], groups: Mapping[str, Group] | None = None
) -> DesiredState:
    """A desired state; a subscriber is given by its policy's name or whole, and gets the first group there is."""
    known = groups or {}
    first = tuple(sorted(known))[:1]
    lines = {
        ip: value if isinstance(value, Subscriber) else Subscriber(ip=ip, id=f"c{ip}", policy=value, groups=first)
        for ip, value in subscribers.items()
    }
    return DesiredState(policies={p.name: p for p in policies}, groups=known, subscribers=lines)


def _before() -> DesiredState:
    """A small provider."""
    ips = [f"10.0.0.{n}" for n in range(1, 13)]
    return make_state(
        [policy("Old/1", 20_000), policy("Home", 50_000, burst=80_000), policy("Gone", 5_000)],
        {ip: "Old/1" if n < 6 else "Home" for n, ip in enumerate(ips)},
        {"L1-A": Group(name="L1-A", type="access-point"), "L2-Z": Group(name="L2-Z")},
    )


def _after() -> DesiredState:
    """The same provider later: something of each kind is created, changed and deleted, and somebody blocked."""
    lines: dict[str, Any] = {f"10.0.0.{n}": "New/1" if n < 7 else "Home" for n in range(3, 15)}
    lines["10.0.0.9"] = Subscriber(ip="10.0.0.9", id="c9", policy="Home", blocked=True, reason="unpaid")
    return make_state(
        [policy("New/1", 25_000), policy("Home", 60_000), policy("Fast", None)],
        lines,
        {"L1-A": Group(name="L1-A", type="access-point"), "L1-B": Group(name="L1-B", policy="Fast")},
    )


def _sixty() -> DesiredState:
    """Sixty objects, Billing-Block among them."""
    names = [f"P{n}" for n in range(5)]
    groups = {f"L1-{n}": Group(name=f"L1-{n}") for n in range(4)}
    subscribers = {
        f"10.1.0.{n}": Subscriber(
            ip=f"10.1.0.{n}", id=f"c{n}", policy=names[n % 5], blocked=n % 10 == 0,
            reason="unpaid" if n % 10 == 0 else None, groups=(f"L1-{n % 4}",),
        )
        for n in range(1, 51)
    }  # fmt: skip
    return make_state([policy(name, 1000 * (n + 1)) for n, name in enumerate(names)], subscribers, groups)


class States:
    """Desired states to work with, and the functions that compare them with what a BQN got and has."""

    before, after, sixty = _before(), _after(), _sixty()
    make = staticmethod(make_state)
    policy = staticmethod(policy)
    expected = staticmethod(expected)
    shown = staticmethod(shown)
    planned = staticmethod(planned_requests)
    sent = staticmethod(sent_requests)


@pytest.fixture(scope="session")
def states() -> States:
    return States()


@pytest.fixture(scope="session")
def bqn_process(certificate: Certificate) -> Iterator[Bqn]:
    """One simulator for all tests of a worker; `bqn` hands it out clean."""
    made = Bqn(certificate)
    yield made
    made.close()


@pytest.fixture
def bqn(bqn_process: Bqn) -> Bqn:
    bqn_process.reset()
    return bqn_process


@pytest.fixture
def more_bqns(certificate: Certificate) -> Iterator[Callable[[int], list[Bqn]]]:
    """Starts further simulators, each a process."""
    started: list[Bqn] = []

    def start(count: int) -> list[Bqn]:
        started.extend(Bqn(certificate) for _ in range(count))
        return started

    yield start
    for each in started:
        each.close()


@pytest.fixture
def make_site(tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # A path of its own for what the processes write, whatever the one who runs the tests has set.
    assert os.environ["XDG_STATE_HOME"]

    def make(port: int, name: str = "inventory", **settings: Any) -> Site:
        return Site(tmp_path / name, certificate, port, **settings)

    return make


@pytest.fixture
def site(bqn: Bqn, make_site: Callable[..., Site]) -> Site:
    return make_site(bqn.port)


@pytest.fixture
def in_use(site: Site, bqn: Bqn, states: States) -> dict[str, Any]:
    """The appliance as `states.before` wants it, and that state."""
    site.want(states.before)
    applied = site.run("apply", "--yes")
    assert applied.code == 0, applied
    state = bqn.state()
    bqn.fail()
    return state
