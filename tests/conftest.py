"""What every test of the command line shares: a network of emulators, an inventory for it, the command itself."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.bqn.server.simulator import Simulator, SimulatorOptions, running
from generator.cli.main import main
from generator.demo.emulator import EmulatorOptions
from generator.demo.splynx import CREDENTIALS, make_app_for
from generator.demo.splynx_data import SplynxData, sample
from generator.net.certificate import Certificate, ensure_certificate
from generator.net.serve import serving


class Ran:
    """What a command line printed and returned."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Net:
    """A Splynx emulator and some BQN simulators on loopback, and the inventory that names them."""

    def __init__(self, folder: Path, certificate: Certificate) -> None:
        self.folder, self.certificate = folder, certificate
        self.hosts: dict[str, Any] = {"billing": {"hosts": {}}, "bqn": {"hosts": {}}}
        self.billing: dict[str, SplynxData] = {}
        self.bqn: dict[str, Simulator] = {}
        self.stack = ExitStack()

    def add_billing(
        self, name: str = "splynx", *, customers: int = 12, switches: Any = None, **settings: Any
    ) -> SplynxData:
        """Start a Splynx emulator; `settings` go to its host in the inventory."""
        data = sample(customers, 3)
        app = make_app_for(data, EmulatorOptions(customers=customers, switches=switches or {}))
        listening = self.stack.enter_context(serving(app, certificate=self.certificate))
        self.billing[name] = data
        self.hosts["billing"]["hosts"][name] = {
            "system": "splynx", **self.address(listening.port), "credentials": dict(CREDENTIALS), "keep_absent": 0,
            **settings,
        }  # fmt: skip
        return data

    def add_bqn(self, name: str = "bqn", *, options: Any = None, **settings: Any) -> Simulator:
        """Start a BQN simulator; `settings` go to its host in the inventory."""
        chosen = SimulatorOptions(username="api", password="api-password", **(options or {}))
        simulator, listening = self.stack.enter_context(running(chosen, certificate=self.certificate))
        self.bqn[name] = simulator
        self.hosts["bqn"]["hosts"][name] = {
            **self.address(listening.port), "credentials": {"username": "api", "password": "api-password"}, **settings,
        }  # fmt: skip
        return simulator

    def address(self, port: int) -> dict[str, Any]:
        pin = {"fingerprint_sha256": self.certificate.fingerprint_sha256}
        return {"host": "127.0.0.1", "port": port, "timeout": 5, "tls": pin}

    def write(self) -> Path:
        """Write the inventory as it stands now."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": self.hosts}}, sort_keys=False))
        return self.folder


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return ensure_certificate(tmp_path_factory.mktemp("tls") / "tls.pem")


@pytest.fixture
def net(tmp_path: Path, certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Net(tmp_path / "inventory", certificate)
    with made.stack:
        yield made


@pytest.fixture
def bqnctl(net: Net, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command line in this process, on the inventory of `net`."""

    def run(*arguments: str) -> Ran:
        net.write()
        capfd.readouterr()
        code = main(["-i", str(net.folder), *arguments])
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture
def bqnctl_process(net: Net) -> Callable[..., subprocess.Popen[str]]:
    """Starts a command line as a process of its own, on the inventory of `net`."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        net.write()
        command = [sys.executable, "-m", "generator", "-i", str(net.folder), *arguments]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start
