"""After every single request: nobody has a policy that is not defined, whatever goes wrong on the way."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from generator.bqn.kinds import Kind
from generator.bqn.server.faults import Fault, FaultKind
from generator.bqn.server.simulator import Seen, Simulator, SimulatorOptions, running
from generator.model import Group, Subscriber

FAULTS = {
    "none": (),
    "random": (
        Fault(kind=FaultKind.STATUS, method="WRITE", probability=0.1),
        Fault(kind=FaultKind.RESET_AFTER, method="WRITE", probability=0.1),
        Fault(kind=FaultKind.RESET, method="WRITE", probability=0.05),
        Fault(kind=FaultKind.LATENCY, jitter=0.01),
    ),
    "policies refused": (Fault(kind=FaultKind.STATUS, status=400, path="/policies/rate/*", method="POST", every=2),),
    "policies not taken": (Fault(kind=FaultKind.HTML, path="/policies/rate/*", method="POST"),),
    "block policy refused": (Fault(kind=FaultKind.STATUS, status=400, path="/policies/rate/Billing-Block"),),
    "moves refused": (Fault(kind=FaultKind.STATUS, status=409, path="/subscribers/*", method="PUT", every=3),),
    "group moves refused": (Fault(kind=FaultKind.STATUS, status=409, path="/subscriberGroups/*", method="PUT"),),
    "401 on the way": (Fault(kind=FaultKind.STATUS, status=401, method="WRITE", first=12),),
}


class Watch:
    """Notes, after every request, each subscriber and group whose policy is not defined at that moment."""

    def __init__(self, simulator: Simulator) -> None:
        self.store = simulator.store
        self.looked = 0
        self.undefined: list[str] = []

    def __call__(self, seen: Seen) -> None:
        if seen.method == "GET":
            return
        self.looked += 1
        defined = {item["policyName"] for item in self.store.items(Kind.POLICY)}
        users = [*self.store.items(Kind.SUBSCRIBER), *self.store.items(Kind.GROUP)]
        self.undefined += [
            f"after {seen.method} {seen.path}: {user}"
            for user in users
            if user.get("policyRate") and user["policyRate"] not in defined
        ]


@pytest.fixture
def start(certificate: Any) -> Iterator[Callable[[], tuple[Simulator, int]]]:
    with ExitStack() as stack:

        def run() -> tuple[Simulator, int]:
            simulator, listening = stack.enter_context(running(SimulatorOptions(), certificate=certificate))
            return simulator, listening.port

        yield run


def provider(states: Any, plan: str, *, blocked: int) -> Any:
    """Forty customers of two plans, one of them called `plan`, and two groups with a policy."""
    lines: dict[str, Any] = {}
    for n in range(1, 41):
        ip, stop = f"10.0.0.{n}", n <= blocked
        name = plan if n % 4 else "Home"
        lines[ip] = Subscriber(ip=ip, id=f"c{n}", policy=name, blocked=stop, reason="unpaid" if stop else None)
    groups = {
        "DS-1": Group(name="DS-1", policy=plan, ranges=("2001:db8:7::/56",)),
        "DS-2": Group(name="DS-2", policy="Home"),
    }
    return states.make([states.policy(plan, 20_000, id="7"), states.policy("Home", 50_000)], lines, groups)


@pytest.mark.parametrize("connections", [1, 8])
@pytest.mark.parametrize("name", FAULTS)
def test_a_renamed_plan_and_a_first_blocking(
    start: Any, make_site: Any, states: Any, name: str, connections: int
) -> None:
    simulator, port = start()
    site = make_site(port, max_connections=connections, timeout=0.5)
    site.want(provider(states, "Gold 10", blocked=0))
    assert site.run("apply", "--yes").code == 0
    simulator.store.delete(Kind.POLICY, "Billing-Block")
    watch = Watch(simulator)
    simulator.after_request = watch
    simulator.faults.set(FAULTS[name])
    wanted = provider(states, "Gold 2027", blocked=6)
    site.want(wanted)
    first = site.run("apply", "--yes")
    assert first.code == (0 if name == "none" else first.code), first
    assert first.code in (0, 1, 4), first
    assert watch.looked > 0
    assert watch.undefined == []
    simulator.faults.set(())
    last = site.run("apply", "--yes")
    assert last.code == 0, last
    assert watch.undefined == []
    assert states.shown(simulator.store.dump()) == states.expected(wanted)


def test_the_watch_sees_what_it_is_for(start: Any, make_site: Any, states: Any) -> None:
    simulator, port = start()
    site = make_site(port)
    site.want(provider(states, "Gold", blocked=2))
    watch = Watch(simulator)
    simulator.after_request = watch
    file, changes = site.plan()
    assert changes[0]["key"] == "Billing-Block"
    text = file.read_text().replace('"key":"Billing-Block"', '"key":"Billing-Other"')
    file.write_text(text)
    site.run("apply", str(file))
    assert any("Billing-Block" in note for note in watch.undefined)
