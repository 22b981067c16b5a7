"""One network in which every billing system and every BQN is hostile, taken all the way once, for tests to look at."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.bqn.kinds import Kind
from generator.bqn.server.store import MemoryStore
from generator.cli.main import main
from generator.demo.emulator import EmulatorOptions
from generator.demo.pushed import FAMILIES
from generator.demo.run import emulating, emulator_of, systems
from generator.net.certificate import Certificate
from generator.net.serve import serving
from tests.conftest import Net, Ran
from tests.hostile.mutating import Mutating
from tests.hostile.renaming import Renaming
from tests.hostile.values import CARRIED, TEXTS

CUSTOMERS = 40
_SYSTEMS_EACH = 5


class World:
    """The network, and what each command line said, by its first words."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.ran: dict[str, Ran] = {}
        self.asked: list[str] = []

    def run(self, name: str, *arguments: str) -> Ran:
        """Run a command line and keep what it said under `name`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["-i", str(self.net.folder), *arguments])
        ran = self.ran[name] = Ran(code, out.getvalue(), err.getvalue())
        return ran

    @property
    def folder(self) -> Path:
        return self.net.folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, certificate: Certificate) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        net = Net(folder / "inventory", certificate)
        with net.stack:
            made = World(net)
            _add_billing(net)
            _add_appliances(net)
            net.write()
            _all_the_way(made)
            yield made


def _add_billing(net: Net) -> None:
    for number, system in enumerate(systems()):
        variables = net.stack.enter_context(renamed(system, number, net.certificate))
        net.hosts["billing"]["hosts"][f"{system}-main"] = {
            "timeout": 20, "requests_per_second": None, "max_shrink_percent": 100, **variables,
        }  # fmt: skip


@contextmanager
def renamed(system: str, number: int, certificate: Certificate) -> Iterator[dict[str, Any]]:
    """The emulator of `system`, hostile names in all its answers; yields the variables of a host that reaches it."""
    emulator = emulator_of(system)
    is_database, is_pushed = hasattr(emulator, "running"), any(system in names for names in FAMILIES.values())
    renaming = Renaming(number * 5, carried=is_pushed, in_columns=is_database)
    data = emulator.sample(CUSTOMERS, number)
    if is_database:  # its rows are changed
        lists = emulator.from_lists(renaming.of(data.dump()))
        with emulating(system, EmulatorOptions(), certificate=certificate, data=lists) as emulated:
            yield dict(emulated.host_vars)
        return
    options = EmulatorOptions(switches={"no-limit": "on"} if system == "powercode_api" else {})
    app = Mutating(emulator.make_app_for(data, options), renaming.of)
    with serving(app, certificate=certificate) as at:
        yield {
            "system": system, "credentials": dict(emulator.CREDENTIALS), "host": at.host, "port": at.port,
            "tls": {"fingerprint_sha256": at.fingerprint_sha256}, **getattr(emulator, "HOST_VARS", {}),
        }  # fmt: skip


def _add_appliances(net: Net) -> None:
    """Appliances whose own objects are hostile, too: nobody knows them, and the API made them."""
    names = [f"{system}-main" for system in systems()]
    for at in range(0, len(names), _SYSTEMS_EACH):
        guards = {"max_delete_percent": 100, "max_update_percent": 100, "max_block_percent": 100}
        bqn = net.add_bqn(f"bqn-{at}", sources=names[at : at + _SYSTEMS_EACH], guards=guards)
        for number, text in enumerate(CARRIED.values()):
            _put_there(bqn.store, number, text)


def _put_there(store: MemoryStore, number: int, text: str) -> None:
    """Past the checks of the REST API: an appliance is not ours, and may hold what it would not take from us."""
    ip, policy = f"100.99.0.{number + 1}", f"{text}{number}"
    limits = {"rateLimitDownlink": {"rate": 1000}, "rateLimitUplink": {"rate": 1000}}
    store._objects[Kind.POLICY][policy] = {"policyId": text, **limits}
    store._objects[Kind.SUBSCRIBER][ip] = {"subscriberId": text, "policyRate": policy, "policyAssignedBy": "api"}
    store._objects[Kind.GROUP][f"L1-{policy}"] = {"subscriberGroupType": text}
    store._doors[f"L1-{policy}"] = {ip}


def _all_the_way(world: World) -> None:
    folder = world.folder
    plan = str(folder / "plan.json")
    world.run("doctor", "doctor")
    world.run("doctor json", "-l", "splynx-main,bqn-0", "doctor", "--format", "json")
    world.run("render diff", "-vv", "render", "--check", "--diff")
    world.run("render", "--log-format", "json", "render", "--summary", str(folder / "summary.txt"))
    world.run("validate", "validate")
    world.run("plan", "plan", "--out", plan, "-v")
    for kind in ("text", "json", "markdown", "html"):
        world.run(f"show {kind}", "report", "show", plan, "--format", kind)
    world.asked = ["100.99.0.1", _an_address(folder), TEXTS["script"]]
    for who in world.asked:
        world.run(f"explain {who}", "explain", "--offline", who)
        world.run(f"explain json {who}", "explain", "--offline", "--format", "json", who)
    world.run("apply", "-vv", "apply", plan)
    world.run("runs", "runs")
    world.run("plan after", "plan", "--detailed-exitcode")
    world.run("import", "-l", "bqn-0", "import", "--source", "aradial-main", "--replace")


def _an_address(folder: Path) -> str:
    file = next((folder / "desired" / "splynx-main" / "subscribers").iterdir())
    subscribers: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["subscribers"]
    return next(iter(subscribers))
