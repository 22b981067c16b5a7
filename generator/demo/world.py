"""The demo's world: a copy of the demo inventory, and the emulators its hosts stand for, on loopback."""

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from generator.bqn.server.simulator import Simulator, SimulatorOptions, running
from generator.demo.emulator import EmulatorOptions
from generator.demo.splynx import make_app_for
from generator.demo.splynx_data import SplynxData, sample
from generator.documents.files import write_atomically
from generator.documents.resources import resource_dir
from generator.errors import UsageError
from generator.net.certificate import Certificate, ensure_certificate
from generator.net.serve import free_port, serving

BILLING = "splynx-demo"
APPLIANCES = ("bqn-north", "bqn-south")
CUSTOMERS = 48
_SEED = 7
_STATE = ".state"
_USER = "demo"


class World(Struct, frozen=True):
    """What runs: the inventory's folder, the billing's data, the simulators by host name."""

    folder: Path
    billing: SplynxData
    simulators: dict[str, Simulator]


def new_folder(wanted: Path) -> Path:
    """A copy of the demo inventory at `wanted`, or beside it with a number if that exists already."""
    folder = free_folder(wanted)
    shutil.copytree(resource_dir("inventories/demo"), folder, ignore=shutil.ignore_patterns(_STATE, "journal"))
    for name in (BILLING, *APPLIANCES):
        file = folder / "host_vars" / f"{name}.yml"
        text = file.read_text(encoding="utf-8")
        lines = [f"port: {free_port()}" if line.startswith("port:") else line for line in text.splitlines()]
        write_atomically(file, ("\n".join(lines) + "\n").encode())
    _pin(folder / "group_vars" / "all.yml", ensure_certificate(folder / _STATE / "tls.pem"))
    return folder


def free_folder(wanted: Path) -> Path:
    """`wanted`, or the first name beside it with a number that nothing has yet."""
    folder, number = wanted, 1
    while folder.exists():
        number += 1
        folder = wanted.with_name(f"{wanted.name}-{number}")
    return folder


def _pin(file: Path, certificate: Certificate) -> None:
    """Let every host of the copy be verified by the pin of the emulators' certificate."""
    pin = f"tls: {{fingerprint_sha256: {certificate.fingerprint_sha256}}}\n"
    write_atomically(file, file.read_bytes() + pin.encode())


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    """Start the emulators of the demo inventory in `folder`; what they hold is kept there for the next time."""
    state = folder / _STATE
    certificate = ensure_certificate(state / "tls.pem")
    billing_file = state / "billing.json"
    billing = _load_billing(billing_file)
    with contextlib.ExitStack() as stack:
        app = make_app_for(billing, EmulatorOptions())
        stack.enter_context(serving(app, port=_port(folder, BILLING), certificate=certificate))
        simulators: dict[str, Simulator] = {}
        for name in APPLIANCES:
            options = SimulatorOptions(username=_USER, password=_USER, state_file=state / f"{name}.json")
            simulator, _ = stack.enter_context(running(options, certificate=certificate, port=_port(folder, name)))
            simulators[name] = simulator
        try:
            yield World(folder, billing, simulators)
        finally:
            write_atomically(billing_file, msgspec.json.encode(billing.dump()))


def _load_billing(file: Path) -> SplynxData:
    data = sample(CUSTOMERS, _SEED)
    if file.is_file():
        data.load(msgspec.json.decode(file.read_bytes(), type=dict[str, list[dict[str, Any]]]))
    return data


def _port(folder: Path, host: str) -> int:
    file = folder / "host_vars" / f"{host}.yml"
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("port:"):
                return int(line.removeprefix("port:"))
    raise UsageError(f"{folder} is not a demo inventory: no port in {file}", fix="make one with: bqnctl demo")
