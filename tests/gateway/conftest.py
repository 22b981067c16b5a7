"""A gateway on loopback: in a thread of this process, or a process of its own that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from generator.gateway.service import Running, running
from generator.gateway.settings import GatewaySettings, gateway_settings
from generator.inventory.load import load_inventory
from generator.net.serve import free_port

PASSWORDS = {"username": "reader", "password": "reader-pw", "push_username": "pusher", "push_password": "pusher-pw"}
SECRET = "radius-shared-secret"


class Client:
    """A foreign client of a gateway: plain requests, as a billing product makes them."""

    def __init__(self, root: str, *, user: str = "pusher", password: str = "pusher-pw") -> None:
        self.root = root
        self.session = requests.Session()
        self.session.auth, self.session.verify = (user, password), False

    def send(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One request below /api/v1; the path goes out as it is written."""
        request = requests.Request(method, self.root, json=body, **more)
        prepared = self.session.prepare_request(request)
        prepared.url = f"{self.root}/api/v1{path}"
        return self.session.send(prepared, verify=False, timeout=10)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        return [] if answer.status_code == 404 else answer.json().get("items", answer.json())


class Site:
    """An inventory with one source that is fed by a gateway."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def settings(self, system: str = "gestfy", **variables: Any) -> GatewaySettings:
        return gateway_settings(load_inventory(self.write(system, **variables), environ={}).billing["source"])

    def write(self, system: str = "gestfy", *, bqn: Any = None, **variables: Any) -> Path:
        gateway = {"metrics": {"port": 0}, **variables.pop("gateway", {})}
        credentials = {**PASSWORDS, **variables.pop("credentials", {})}
        host: dict[str, Any] = {"system": system, "host": "127.0.0.1", "port": free_port(), "credentials": credentials}
        if system in ("aradial", "microwisp", "wispcontrol"):
            credentials["radius_secret"] = SECRET
            clients = [{"network": "127.0.0.0/8", "secret": "radius_secret"}]
            host["radius"] = {"port": 0, "clients": clients, **variables.pop("radius", {})}
        host |= {**variables, "gateway": gateway}
        children = {"billing": {"hosts": {"source": host}}, "bqn": {"hosts": bqn or {}}}
        self.folder.mkdir(exist_ok=True)
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": children}}))
        return self.folder


class Process:
    """`bqnctl gateway` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "generator", "gateway", "-i", str(folder), "-l", "source"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.log = (folder / "gateway.log").open("w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("metrics"):
                break
        assert any(line.startswith("metrics") for line in lines), "".join(lines) + self.said()
        words = {line.split()[0]: line.split()[-1] for line in lines}
        self.url = words["REST"].removesuffix("/api/v1")
        self.metrics_url = words["metrics"]
        self.radius_port = int(words["RADIUS"]) if "RADIUS" in words else 0

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()
        return code


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "inventory")


@pytest.fixture
def serve(site: Site) -> Iterator[Callable[..., Running]]:
    """Starts a gateway in a thread; keywords are variables of its host."""
    with ExitStack() as stack:

        def start(system: str = "gestfy", **variables: Any) -> Running:
            return stack.enter_context(running(site.settings(system, **variables)))

        yield start


@pytest.fixture
def start(site: Site) -> Iterator[Callable[[Path], Process]]:
    """Starts gateways as processes of their own; what still runs at the end is killed."""
    started: list[Process] = []

    def begin(folder: Path) -> Process:
        started.append(Process(folder))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            each.end(signal.SIGKILL)


@contextmanager
def eventually(seconds: float = 10.0) -> Iterator[Callable[[], bool]]:
    """A condition to be polled: `while not done() and waiting(): …`; fails the test when time is up."""
    deadline = time.monotonic() + seconds

    def waiting() -> bool:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
        return True

    yield waiting


def metric(running_at: str, name: str) -> float:
    """One metric's value, 0 when it is not there yet."""
    lines = requests.get(running_at, timeout=10).text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")), 0.0)


@pytest.fixture
def read_metric() -> Callable[[str, str], float]:
    return metric


@pytest.fixture
def client_of() -> Callable[..., Client]:
    return Client


@pytest.fixture
def wait() -> Callable[..., Any]:
    return eventually
