"""The one contract harness of every billing system: what an API answers in, the desired state out.

A case is a folder `tests/contract/<system>/<case>/`, or `tests/contract/<family>/<case>/` for the systems that
are read alike, each of which runs it:

* `data.json`: `lists` for the emulator of the system, `switches` to set on it; or
* `responses.json`: recorded answers, "METHOD /path" to one response or a list of them, one for each request,
  the last for all further ones. A response has `json` or `body`, and optionally `status`, `headers`, `delay_s`
  (before the answer), `drip` (seconds between its bytes).
  In both, `base` names another case whose content stands where this one has none.
* `settings.json`, if any: variables of the inventory host, over those in the system's own `usual.json`.
* `previous.yml`, if any: the desired state of the last run.
* `expected.yml`: the desired state (with `warnings`), or `error` with texts that the error must contain and
  `unsaid` ones that it must not. `requests`, in either: how many of each "METHOD /path" were made.

`BQNCTL_WRITE_EXPECTED=1` writes the state that came into `expected.yml` where that holds no error, for review.
"""

import asyncio
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from generator.billing.read import connector_of
from generator.demo import pushed
from generator.demo.emulator import EmulatorOptions, Seen
from generator.demo.run import Emulated, emulating, emulator_of
from generator.desired.build import build
from generator.desired.check import reference_problems
from generator.desired.render import render_tree
from generator.desired.tree import load_tree, read_tree
from generator.errors import SourceError
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, DesiredState
from generator.net.certificate import Certificate
from generator.net.retry import RetryPolicy
from generator.net.serve import Listening, serving

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUICK = RetryPolicy(attempts=3, first_delay_s=0.001, longest_delay_s=0.01)
FILES = ("policies", "groups", "subscribers", "rejected", "absent")

MakeHost = Callable[..., BillingHost]
RunCase = Callable[[Path, str], None]
Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]


@pytest.fixture
def quick() -> RetryPolicy:
    return QUICK


@pytest.fixture
def make_host(tmp_path: Path) -> MakeHost:
    """Builds the settings of a billing host at a running server; keywords are its variables in the inventory."""

    def make(at: Listening, system: str, **variables: Any) -> BillingHost:
        pin = {"fingerprint_sha256": at.fingerprint_sha256} if at.fingerprint_sha256 else {}
        reach = {"system": system, "host": at.host, "port": at.port, "tls": pin}
        return _host(tmp_path, {**reach, "credentials": dict(emulator_of(system).CREDENTIALS), **variables})

    return make


@pytest.fixture
def emulate(certificate: Certificate) -> Emulate:
    """Runs the emulator of a system; keywords are switches, `_` for `-`, with `n_` before a digit."""

    @contextmanager
    def run(system: str, data: Any = None, *, customers: int = 60, **switches: str) -> Iterator[Emulated]:
        named = {name.removeprefix("n_").replace("_", "-"): value for name, value in switches.items()}
        options = EmulatorOptions(customers=customers, switches=named)
        with emulating(system, options, certificate=certificate, data=data) as emulated:
            yield emulated

    return run


@pytest.fixture
def host_of(tmp_path: Path) -> Callable[..., BillingHost]:
    """The settings of the host that reaches a running emulator; keywords are its variables in the inventory."""

    def make(emulated: Emulated, **variables: Any) -> BillingHost:
        return _host(tmp_path, {**emulated.host_vars, **variables})

    return make


@pytest.fixture
def read_from(host_of: Callable[..., BillingHost]) -> ReadFrom:
    """Reads a running emulator; keywords are variables of the inventory host."""

    def read(emulated: Emulated, *, retry: RetryPolicy = QUICK, **variables: Any) -> BillingAnswer:
        host = host_of(emulated, **variables)
        return connector_of(host).read(host, retry=retry)

    return read


def _host(folder: Path, variables: Mapping[str, Any]) -> BillingHost:
    """The host as a real inventory gives it, defaults of its schema fragment included."""
    name = f"{variables['system']}-main"
    hosts = {"billing": {"hosts": {name: {"timeout": 5, **variables}}}, "bqn": {"hosts": {}}}
    inventory = folder / "inventory"
    inventory.mkdir(exist_ok=True)
    (inventory / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
    return load_inventory(inventory, environ={}).billing[name]


@pytest.fixture
def run_case(certificate: Certificate, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> RunCase:
    """Reads a case with the connector of its system and compares what comes out, errors and secrets included."""

    def run(case: Path, system: str) -> None:
        caplog.set_level(logging.DEBUG)
        variables = _json(case.parent / "usual.json") | _json(case / "settings.json")
        expected = yaml.safe_load((case / "expected.yml").read_text(encoding="utf-8")) if _is_written(case) else {}
        seen: list[Seen] = []
        with _stage(system, case, seen, certificate) as host_vars:
            host = _host(tmp_path, {**host_vars, **variables})
            said = _outcome(host, case, expected, tmp_path)
        for secret in host.credentials.values():
            assert secret.reveal() not in said
            assert secret.reveal() not in caplog.text
        counts = Counter(each.request for each in seen)
        for request, times in expected.get("requests", {}).items():
            assert counts[request] == times, request

    return run


def _is_written(case: Path) -> bool:
    return (case / "expected.yml").is_file() or "BQNCTL_WRITE_EXPECTED" not in os.environ


@contextmanager
def _stage(system: str, case: Path, seen: list[Seen], certificate: Certificate) -> Iterator[Mapping[str, Any]]:
    """A server that plays the case; yields the variables that reach it."""
    if (case / "responses.json").is_file():
        with _replaying(_responses(case), seen, certificate) as at:
            yield {**_reached(system, at), "credentials": dict(emulator_of(system).CREDENTIALS)}
        return
    data = _data(case)
    options = EmulatorOptions(switches=data.get("switches", {}), seen=seen)
    if case.parent.name in pushed.FAMILIES:
        app = pushed.make_app_for(pushed.from_lists(data.get("lists", {})), options)
        with serving(app, certificate=certificate) as at:
            mode = {"mode": "push"} if case.parent.name == "pushed" else {}
            yield {**_reached(system, at), **mode, "credentials": dict(pushed.CREDENTIALS)}
        return
    lists = emulator_of(system).from_lists(data.get("lists", {}))
    with emulating(system, options, certificate=certificate, data=lists) as emulated:
        yield emulated.host_vars


def _reached(system: str, at: Listening) -> dict[str, Any]:
    return {"system": system, "host": at.host, "port": at.port, "tls": {"fingerprint_sha256": at.fingerprint_sha256}}


def _outcome(host: BillingHost, case: Path, expected: dict[str, Any], folder: Path) -> str:
    """Read, build and compare; all that was said of it, for the search for secrets."""
    if "error" in expected:
        return _failure(host, expected)
    previous = _previous(case, folder)
    answer = connector_of(host).read(host, retry=QUICK)
    built = build(answer, host, previous=previous, now=NOW)
    written = _written(built.state, [*answer.warnings, *built.warnings])
    if "BQNCTL_WRITE_EXPECTED" in os.environ:
        requests = {"requests": expected["requests"]} if "requests" in expected else {}
        text = written + (yaml.safe_dump(requests, allow_unicode=True) if requests else "")
        (case / "expected.yml").write_text(text, encoding="utf-8")
        expected = yaml.safe_load(text)
    wanted = {name: value for name, value in expected.items() if name != "requests"}
    assert (yaml.safe_load(written) or {}) == wanted
    return written + repr(answer)


def _failure(host: BillingHost, expected: dict[str, Any]) -> str:
    with pytest.raises(SourceError) as caught:
        connector_of(host).read(host, retry=QUICK)
    said = str(caught.value)
    assert host.name in said
    assert caught.value.fix
    for text in expected["error"]:
        assert text in said
    for text in expected.get("unsaid", []):
        assert text not in said
    return said


def _written(state: DesiredState, warnings: list[str]) -> str:
    """The desired state in its own form, all files as one, empty ones left out; then the warnings."""
    files = render_tree(state, templates=None)
    assert not reference_problems(read_tree({name: content.decode() for name, content in files.items()}, Path()))
    parts: dict[str, list[str]] = {}
    for path, content in sorted(files.items()):
        kind = path.split("/")[0].removesuffix(".yml")
        lines = [line for line in content.decode().splitlines() if line.startswith(" ")]
        if lines:
            parts.setdefault(kind, [f"{kind}:"]).extend(lines)
    text = "".join("\n".join(parts[name]) + "\n" for name in FILES if name in parts)
    return text + (yaml.safe_dump({"warnings": warnings}, allow_unicode=True, width=10**6) if warnings else "")


def _previous(case: Path, folder: Path) -> DesiredState | None:
    if not (case / "previous.yml").is_file():
        return None
    whole = yaml.safe_load((case / "previous.yml").read_text(encoding="utf-8"))
    tree = folder / "previous"
    (tree / "subscribers").mkdir(parents=True)
    for name, content in whole.items():
        file = tree / ("subscribers/all.yml" if name == "subscribers" else f"{name}.yml")
        style = '"' if name == "absent" else None  # a time without quotes is no text
        file.write_text(yaml.safe_dump({name: content}, allow_unicode=True, default_style=style), encoding="utf-8")
    return load_tree(tree).state


def _json(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return loaded


def _data(case: Path) -> dict[str, dict[str, Any]]:
    """The data of a case over those of its base, list by list and switch by switch."""
    own = _json(case / "data.json")
    base = own.pop("base", None)
    below = _data(case.parent / base) if base else {}
    return {part: {**below.get(part, {}), **own.get(part, {})} for part in ("lists", "switches")}


def _responses(case: Path) -> dict[str, list[dict[str, Any]]]:
    own = _json(case / "responses.json")
    base = own.pop("base", None)
    responses = _responses(case.parent / base) if base else {}
    return responses | {
        request: answers if isinstance(answers, list) else [answers] for request, answers in own.items()
    }


@contextmanager
def _replaying(
    responses: dict[str, list[dict[str, Any]]], seen: list[Seen], certificate: Certificate
) -> Iterator[Listening]:
    count: Counter[str] = Counter()

    async def answer(request: Request) -> Response:
        key = f"{request.method} {request.url.path}"
        count[key] += 1
        seen.append(Seen(0.0, key))
        recorded = responses.get(key, [{"status": 404, "body": "no such recording"}])
        return await _response(recorded[min(count[key], len(recorded)) - 1])

    route = Route("/{path:path}", answer, methods=["GET", "HEAD", "POST"])
    with serving(Starlette(routes=[route]), certificate=certificate) as at:
        yield at


async def _response(recorded: dict[str, Any]) -> Response:
    await asyncio.sleep(recorded.get("delay_s", 0))
    body = json.dumps(recorded["json"]) if "json" in recorded else recorded.get("body", "")
    content = body.encode()
    usual = {"Content-Type": "application/json" if "json" in recorded else "text/html"}
    headers = usual | recorded.get("headers", {})
    if not recorded.get("drip"):
        return Response(content, status_code=recorded.get("status", 200), headers=headers)

    async def drip() -> Any:
        for at in range(len(content)):
            yield content[at : at + 1]
            await asyncio.sleep(recorded["drip"])

    return StreamingResponse(drip(), headers=headers)
