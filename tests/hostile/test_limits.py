"""What is too large, too deep or no document: refused with its place, in bounded memory, and never with a traceback.

The commands run in a process that may have a gigabyte of memory and no more.
"""

import gzip
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from generator.bqn.client import BqnClient
from generator.demo.run import emulator_of, systems
from generator.errors import ApplianceError
from generator.inventory.load import load_inventory
from generator.net.certificate import Certificate
from generator.net.retry import RetryPolicy
from generator.net.serve import serving
from tests.conftest import Net
from tests.hostile.ending import bounded, inventory, refused, told
from tests.hostile.values import bodies, deep, documents

RUN = "20260101T000000.000000Z-1"
SPLYNX = {"splynx": {"system": "splynx", "credentials": {"api_key": "k", "api_secret": "s"}}}
BQN = {"bqn": {"credentials": {"username": "u", "password": "p"}}}
FILES = {
    "hosts.yml": "all",
    "overrides.yml": "overrides",
    "group_vars/all.yml": "timeout",
    "desired/splynx/subscribers/10.0.0.0_16.yml": "subscribers",
}


def test_files_that_are_none(tmp_path: Path) -> None:
    lines, places = [], []
    for number, (file, kind) in enumerate(FILES.items()):
        for at, (_, content) in enumerate(documents()):
            folder = inventory(tmp_path / f"{number}-{at}", SPLYNX, BQN)
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            if number == len(FILES) - 1:
                (folder / "desired/splynx/policies.yml").write_text("policies: {}\n")
            (folder / file).write_bytes(content.replace(b"KIND", kind.encode()))
            lines.append(["-i", str(folder), "validate"])
            places.append(re.compile(rf"{re.escape(file)}(?::\d+:\d+)?: "))
    for ran, place in zip(bounded(*lines), places, strict=True):
        refused(ran)
        assert place.search(ran.err), ran


def test_plans_and_journals_that_are_none(tmp_path: Path) -> None:
    plan = b'{"format":"bqnctl-plan/1","bqnctl":"0","inventory":%s,"desired_digests":{},"appliances":[]}'
    plans, runs, rollbacks = [], [], []
    for at, (name, value) in enumerate(bodies()):
        folder = inventory(tmp_path / str(at), {}, BQN)
        (folder / "journal").mkdir()
        (folder / "journal" / f"{RUN}.jsonl").write_bytes(value + b"\n")
        runs.append(["-i", str(folder), "runs"])
        rollbacks.append(["-i", str(folder), "rollback", RUN])
        if name != "long text":
            (folder / "plan.json").write_bytes(plan % value)
            plans.append(["-i", str(folder), "report", "show", str(folder / "plan.json")])
    (folder / "journal" / f"{RUN}.jsonl").write_text('{"event": "intent"}\n')
    ended = bounded(*plans, *rollbacks, *runs)
    for ran in ended[: len(plans)]:
        refused(ran, "plan.json", "not a plan of bqnctl")
    for ran in ended[len(plans) : -len(runs)]:
        refused(ran)
    for ran in ended[-len(runs) : -1]:
        told(ran)
    refused(ended[-1], f"{RUN}.jsonl: not a journal of bqnctl")


@contextmanager
def answering(body: bytes, certificate: Certificate) -> Iterator[dict[str, Any]]:
    """A server that says `body` to everything; yields the variables of a host that reaches it."""

    async def answer(_: Request) -> Response:
        return Response(body, headers={"Content-Type": "application/json"})

    route = Route("/{path:path}", answer, methods=["GET", "HEAD", "POST", "PUT"])
    with serving(Starlette(routes=[route]), certificate=certificate) as at:
        pin = {"fingerprint_sha256": at.fingerprint_sha256}
        yield {"host": at.host, "port": at.port, "tls": pin, "timeout": 20}


def test_answers_that_are_none(tmp_path: Path, certificate: Certificate) -> None:
    """Every system that speaks HTTP, and a BQN; deep within an object, too."""
    spoken = [system for system in systems() if not hasattr(emulator_of(system), "running")]
    inside = b'{"items":[{"policyName":"a","more":%s}],"data":[{"id":1,"more":%s}]}' % ((deep(100_000),) * 2)
    lines, hosts = [], BQN["bqn"]
    with ExitStack() as stack:
        for at, body in enumerate([*(body for _, body in bodies()), inside]):
            reach = stack.enter_context(answering(body, certificate))
            billing = {
                system: {"system": system, **reach, "credentials": dict(emulator_of(system).CREDENTIALS)}
                for system in spoken
            }
            bqn = {"bqn": {**hosts, **reach, "sources": [spoken[0]]}}
            folder = str(inventory(tmp_path / str(at), billing, bqn))
            lines += [["-i", folder, "render"], ["-i", folder, "import"]]
        *ended, doctor = bounded(*lines, ["-i", folder, "doctor"])
    for render, adopted in zip(ended[::2], ended[1::2], strict=True):
        refused(render, *(f"error: {system}: " for system in spoken))
        refused(adopted, "bqn: GET https://127.0.0.1")
    refused(doctor, "FAIL")
    assert list(tmp_path.rglob("desired")) == []


@pytest.mark.parametrize("kind", ["long", "compressed"])
def test_an_answer_of_a_bqn_is_never_larger_than_it_may_be(net: Net, kind: str) -> None:
    """What goes on and on is cut off; what is compressed is not unpacked, however small it came."""

    async def answer(_: Request) -> Response:
        if kind == "long":
            return StreamingResponse(iter([b" " * 65536] * 64))
        return Response(gzip.compress(b'{"items":[]}' + b" " * 10_000_000), headers={"Content-Encoding": "gzip"})

    with serving(Starlette(routes=[Route("/{path:path}", answer)]), certificate=net.certificate) as at:
        net.hosts["bqn"]["hosts"]["bqn"] = {**net.address(at.port), **BQN["bqn"]}
        host = load_inventory(net.write(), environ={}).bqn["bqn"]
        client = BqnClient(host, retry=RetryPolicy(attempts=1), max_body_bytes=1 << 20)
        with client, pytest.raises(ApplianceError, match=r"larger than 1048576|not whole, valid JSON"):
            client.read_state()


def test_a_name_of_ten_million_letters_is_cut_and_nothing_else_suffers(net: Net) -> None:
    data = net.add_billing()
    data.tariffs[0]["title"] = data.tariffs[0]["service_name"] = "x" * 10_000_000
    data.touch()
    net.add_bqn()
    folder = net.write()
    for ran in bounded(["-i", str(folder), "render"], ["-i", str(folder), "plan"]):
        assert ran.code == 0, ran
        told(ran)
    policies = (folder / "desired" / "splynx" / "policies.yml").read_text()
    assert "x" * 128 in policies
    assert "x" * 129 not in policies
