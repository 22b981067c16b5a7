"""The harness of the contract tests: recorded answers in folders, served over real TLS on loopback.

A case is a folder with `responses.json`, `settings.json` (may be left out) and `expected.json`. Responses map
"METHOD /path" to one response or to a list of them, one for each request, the last for all further ones. A
response is an object with `json` or `body`, and optionally `status`, `headers`, `delay_s` (before the
answer), `drip` (seconds between its bytes). `base` names
another case whose responses stand where this one has none. Expected is the whole `BillingAnswer`, or
`{"error": [texts that it must contain], "absent": [texts that it must not]}`. `requests`, in either, is the
number of requests to "METHOD /path".
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from generator.errors import SourceError
from generator.inventory.secret import Secret
from generator.inventory.settings import BillingHost, BlockRates, Scaling
from generator.model import BillingAnswer
from generator.net.certificate import Certificate
from generator.net.retry import RetryPolicy
from generator.net.serve import Listening, serving
from generator.net.tls import TlsSettings

CANARIES = {"api_key": "canary-key-7f3a55", "api_secret": "canary-secret-91bcd0"}
QUICK = RetryPolicy(attempts=3, first_delay_s=0.001, longest_delay_s=0.01)

Read = Callable[..., BillingAnswer]
MakeHost = Callable[..., BillingHost]
RunCase = Callable[[str, Read, Path], None]


@pytest.fixture
def quick() -> RetryPolicy:
    return QUICK


@pytest.fixture
def make_host() -> MakeHost:
    """Builds the settings of a billing host at a running server; keywords replace the usual ones."""
    return _host


def _host(at: Listening, system: str, **changes: Any) -> BillingHost:
    usual: dict[str, Any] = {
        "name": f"{system}-main", "system": system, "host": at.host, "port": at.port, "timeout_s": 5.0,
        "tls": TlsSettings(fingerprint_sha256=at.fingerprint_sha256), "credentials": CANARIES,
        "mode": "online", "subscriber_id": "login", "block_inactive": True, "active_statuses": ("active",),
        "block_on": "session_blocked", "rate_scaling": Scaling(), "policy_names": "service",
        "subscriber_groups": False, "dual_stack_groups": False, "ip_versions": (4,), "ipv6_prefix": 64,
        "zero_rate": "reject", "block_rates": BlockRates(), "networks": (), "keep_absent_s": 0,
        "services_per_ip": "last", "plan_rates": {}, "equipment_categories": (1,),
        "requests_per_second": None, "max_shrink_percent": 20,
    }  # fmt: skip
    settings = usual | changes
    settings["credentials"] = {name: Secret(value) for name, value in settings["credentials"].items()}
    if isinstance(settings["tls"], dict):
        settings["tls"] = TlsSettings(**settings["tls"])
    for name in ("ip_versions", "active_statuses"):
        settings[name] = tuple(settings[name])
    return BillingHost(**settings)


@pytest.fixture
def run_case(certificate: Certificate, caplog: pytest.LogCaptureFixture) -> RunCase:
    """Reads a recorded case with a connector and compares what comes out, errors and secrets included."""

    def run(system: str, read: Read, case: Path) -> None:
        caplog.set_level(logging.DEBUG)
        settings = _load(case / "settings.json") if (case / "settings.json").is_file() else {}
        expected = _load(case / "expected.json")
        seen: Counter[str] = Counter()
        with _replaying(_responses(case), seen, certificate) as at:
            said = _outcome(read, _host(at, system, **settings), expected)
        for secret in CANARIES.values():
            assert secret not in said
            assert secret not in caplog.text
        for request, times in expected.get("requests", {}).items():
            assert seen[request] == times, request

    return run


def _outcome(read: Read, host: BillingHost, expected: dict[str, Any]) -> str:
    """Read and compare; all that was said of it, for the search for secrets."""
    if "error" not in expected:
        answer = read(host, retry=QUICK)
        assert _plain(answer) == {name: value for name, value in expected.items() if name != "requests"}
        return repr(answer)
    with pytest.raises(SourceError) as caught:
        read(host, retry=QUICK)
    said = str(caught.value)
    assert f"https://{host.host}:{host.port}" in said
    assert caught.value.fix
    for text in expected["error"]:
        assert text in said
    for text in expected.get("absent", []):
        assert text not in said
    return said


def _plain(answer: BillingAnswer) -> Any:
    """The answer as JSON, without what is not set."""
    plain = {"unread_groups": sorted(answer.unread_groups)} | {
        name: msgspec.to_builtins(getattr(answer, name)) for name in ("plans", "services", "rejected", "warnings")
    }
    return _bare(json.loads(json.dumps(plain)))


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner) for key, inner in value.items() if inner not in (None, [])}
    return [_bare(inner) for inner in value] if isinstance(value, list) else value


def _load(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _responses(case: Path) -> dict[str, list[dict[str, Any]]]:
    own = _load(case / "responses.json") if (case / "responses.json").is_file() else {}
    base = own.pop("base", None)
    responses = _responses(case.parent / base) if base else {}
    return responses | {
        request: answers if isinstance(answers, list) else [answers] for request, answers in own.items()
    }


@contextmanager
def _replaying(
    responses: dict[str, list[dict[str, Any]]], seen: Counter[str], certificate: Certificate
) -> Iterator[Listening]:
    async def answer(request: Request) -> Response:
        key = f"{request.method} {request.url.path}"
        seen[key] += 1
        recorded = responses.get(key, [{"status": 404, "body": "no such recording"}])
        return await _response(recorded[min(seen[key], len(recorded)) - 1])

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
