"""A sync as users run it: a service in a process of its own, and a webhook that really listens."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.net.serve import serving


class Receiver:
    """A webhook on loopback: what it got, and the statuses it answers next (204 when none are left)."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.statuses: list[int] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._take, methods=["GET", "POST"])])
        self.url = ""

    async def _take(self, request: Request) -> Response:
        self.got.append(json.loads(await request.body() or b"null"))
        status = self.statuses.pop(0) if self.statuses else 204
        headers = {"Location": f"{self.url}elsewhere"} if status in (301, 307) else {}
        return Response(status_code=status, headers=headers)


@pytest.fixture
def webhook(net: Any) -> Callable[..., Receiver]:
    """Starts a webhook and writes notify.yml, which names all started so far."""
    hooks: dict[str, Any] = {}

    def start(name: str = "noc", **settings: Any) -> Receiver:
        receiver = Receiver()
        listening = net.stack.enter_context(serving(receiver.app))
        receiver.url = f"{listening.url}/hook/very-secret-token/"
        hooks[name] = {"url": receiver.url, "timeout": 5, **settings}
        net.folder.mkdir(exist_ok=True)
        (net.folder / "notify.yml").write_text(yaml.safe_dump({"webhooks": hooks}))
        return receiver

    return start


class Running:
    """`bqnctl sync --interval` as a process of its own, its log read as JSON lines."""

    def __init__(self, net: Any, *arguments: str, interval: int = 1) -> None:
        net.write()
        command = [sys.executable, "-m", "generator", "-i", str(net.folder), "--log-format", "json", "sync"]
        self._log: Path = net.folder.parent / "sync.log"
        self._out: Path = net.folder.parent / "sync.out"
        with self._log.open("a") as log, self._out.open("a") as out:
            self.process = subprocess.Popen(
                [*command, "--interval", str(interval), "--jitter", "0", *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    def out(self) -> str:
        return self._out.read_text()

    def said(self) -> str:
        return self._log.read_text()

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.said().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if "event" in line and name in (None, line["event"])]

    def wait(self, event: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The `count`-th event of this name and these fields, once it is there."""
        deadline = time.monotonic() + 60
        while True:
            found = [each for each in self.events(event) if fields.items() <= each.items()]
            if len(found) >= count:
                return found[count - 1]
            assert time.monotonic() < deadline, f"no {event} {fields}\n{self.said()}"
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture
def service(net: Any) -> Iterator[Callable[..., Running]]:
    """Starts `bqnctl sync --interval`; what still runs at the end is killed."""
    with ExitStack() as stack:

        def start(*arguments: str, interval: int = 1) -> Running:
            running = Running(net, *arguments, interval=interval)
            stack.callback(running.end, signal.SIGKILL)
            return running

        yield start


@pytest.fixture
def metrics_of() -> Callable[[str], dict[str, float]]:
    """Samples by name and labels, without the inventory's."""

    def parse(text: str) -> dict[str, float]:
        samples = {}
        for line in text.splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                plain = name.replace('{inventory="inventory"}', "").replace('inventory="inventory",', "")
                samples[plain.removeprefix("bqnctl_sync_")] = float(value)
        return samples

    return parse


@pytest.fixture
def state_folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "bqnctl" / "sync"
