"""No credential leaves: each is searched, in every form it takes on a wire, in all that a run says and writes."""

import base64
import json
import logging
import stat
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from generator.cli.main import main
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import emulating, emulator_of, systems
from generator.net.serve import serving
from tests.conftest import Net, Ran

Run = Callable[..., Ran]
_SHORTEST = 6
"""Shorter texts ("demo", "api") stand in ordinary words; each credential that is a secret is longer."""


def forms(secret: str, *users: str) -> set[str]:
    """`secret` as it is, and as headers, URLs, JSON and logs of bytes spell it."""
    pairs = [f"{user}:{secret}" for user in users]
    coded = {base64.b64encode(text.encode()).decode().rstrip("=")[:-1] for text in (secret, *pairs)}
    quoted = {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), json.dumps(secret)[1:-1]}
    return {secret, secret.encode().hex(), repr(secret.encode())[2:-1]} | coded | quoted


def canaries(values: dict[str, Any]) -> set[str]:
    """Every form of every secret in the `credentials` of some hosts."""
    credentials = [host["credentials"] for kind in values.values() for host in kind["hosts"].values()]
    users = {str(each[name]) for each in credentials for name in each if "user" in name or name.endswith("_id")}
    secrets = {str(value) for each in credentials for name, value in each.items() if "user" not in name}
    return {form for secret in secrets if len(secret) >= _SHORTEST for form in forms(secret, *users)}


def found_in(text: str, wanted: Iterable[str]) -> list[str]:
    return [form for form in wanted if form in text]


def assert_clean(net: Net, said: list[str], *, but: Path) -> None:
    """Nothing that was said or written has a secret; `but` is the inventory's file, where they stand."""
    wanted = canaries(net.hosts)
    assert found_in(but.read_text(encoding="utf-8"), wanted), "the search itself works"
    assert found_in("\n".join(said), wanted) == []
    for file in net.folder.parent.rglob("*"):
        if file.is_file() and file != but:
            assert found_in(file.read_bytes().decode("utf-8", "replace"), wanted) == [], file


@pytest.fixture
def run(bqnctl: Run, caplog: pytest.LogCaptureFixture) -> tuple[Run, list[str]]:
    """Runs a command at -vvv, and keeps all that it says."""
    said: list[str] = []
    caplog.set_level(logging.DEBUG)

    def keeping(*arguments: str) -> Ran:
        ran = bqnctl("-vvv", *arguments)
        said.extend((ran.out, ran.err, caplog.text))
        return ran

    return keeping, said


def test_of_every_system_in_a_run_that_goes_well(net: Net, run: tuple[Run, list[str]], tmp_path: Path) -> None:
    command, said = run
    for system in systems():
        switches = {"no-limit": "on"} if system == "powercode_api" else {}
        options = EmulatorOptions(customers=6, switches=switches)
        emulated = net.stack.enter_context(emulating(system, options, certificate=net.certificate))
        net.hosts["billing"]["hosts"][system] = {"timeout": 20, "requests_per_second": None, **emulated.host_vars}
    net.add_bqn(sources=["splynx", "sonar", "uisp"])
    plan, page = tmp_path / "plan.json", tmp_path / "plan.html"
    assert command("doctor").code == 0
    assert command("render").code == 0
    assert command("validate").code == 0
    assert command("plan", "--out", str(plan), "--html", str(page)).code == 0
    for format_ in ("text", "json", "markdown", "html"):
        assert command("report", "show", str(plan), "--format", format_).code == 0
    assert command("apply", str(plan)).code == 0
    assert command("runs").code == 0
    some = next(iter(net.bqn["bqn"].store.dump()["subscribers"]))["subscriberIp"]
    assert command("explain", some).code == 0
    assert command("import", "--from", "bqn", "--out", str(tmp_path / "adopted")).code in (0, 1)
    assert_clean(net, said, but=net.folder / "hosts.yml")
    journals = list((net.folder / "journal").glob("*.jsonl"))
    assert journals
    for private in (*journals, plan, page):
        assert stat.S_IMODE(private.stat().st_mode) == 0o600, private


def echoing(status: int, kind: str) -> ASGIApp:
    """Answers everything with the request it got: path, headers and body, some of it in headers of its own."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = (await request.body()).decode("utf-8", "replace")
        told = {"error": {"message": f"{request.url} {dict(request.headers)} {body}"}, "items": [dict(request.headers)]}
        headers = {"content-type": kind, "x-echo": request.headers.get("authorization", "-")}
        if status in range(300, 400):
            query = urllib.parse.quote(str(request.headers.get("authorization", "")) + body)
            headers["location"] = f"https://elsewhere.example/login?next={query}"
        text = json.dumps(told) if "json" in kind else f"<html><body>{told}</body></html>"
        await Response(text, status, headers)(scope, receive, send)

    return app


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "application/json"), (302, "text/html"), (401, "application/json"), (403, "text/html")],
)  # fmt: skip
def test_of_every_system_when_its_server_says_it_back(
    status: int, kind: str, net: Net, run: tuple[Run, list[str]]
) -> None:
    command, said = run
    listening = net.stack.enter_context(serving(echoing(status, kind), certificate=net.certificate))
    for system in systems():
        if system == "powercode":
            continue  # it is asked through SSH, which says nothing to a server of another kind
        emulator = emulator_of(system)
        secrets = {name: f"canary-{system}-{name}-%/+" for name in emulator.CREDENTIALS if "key_file" not in name}
        own = {**getattr(emulator, "HOST_VARS", {}), "credentials": secrets, "requests_per_second": None}
        net.hosts["billing"]["hosts"][system] = {"system": system, **net.address(listening.port), "timeout": 1, **own}
    password = {"username": "api", "password": "canary-of-the-bqn-%/+"}
    net.hosts["bqn"]["hosts"]["bqn"] = {**net.address(listening.port), "credentials": password, "sources": []}
    for arguments in (("doctor",), ("render",), ("plan",), ("apply", "--yes"), ("explain", "192.0.2.1")):
        command(*arguments)
    assert_clean(net, said, but=net.folder / "hosts.yml")
    assert "canary" not in "".join(said)


def test_of_certificates_and_ports_that_are_not_what_they_were(net: Net, run: tuple[Run, list[str]]) -> None:
    command, said = run
    net.add_billing("pinned", tls={"fingerprint_sha256": "00" * 32})
    net.add_billing("unsigned", tls={})
    net.add_billing("gone", port=1)
    net.add_bqn("bqn", tls={"fingerprint_sha256": "11" * 32}, sources=[])
    assert command("doctor").code == 1
    assert command("-l", "pinned,unsigned", "render").code == 1
    planned = command("plan")
    assert planned.code == 1
    assert "pinned" in planned.out + planned.err
    assert_clean(net, said, but=net.folder / "hosts.yml")


def test_a_crash_shows_no_value_and_says_what_to_do(
    net: Net, run: tuple[Run, list[str]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    command, said = run
    net.add_billing()
    net.add_bqn()

    def broken(*_: Any, **settings: Any) -> None:
        raise KeyError(next(iter(net.hosts["bqn"]["hosts"].values()))["credentials"]["password"])

    monkeypatch.setattr("generator.cli.plan.make_plan", broken)
    assert command("render").code == 0
    crashed = command("plan")
    assert crashed.code == 1
    assert "KeyError" in crashed.err
    assert "test_canaries.py" in crashed.err
    assert "bqnctl support-bundle" in crashed.err
    assert "Traceback" not in crashed.err
    assert_clean(net, said, but=net.folder / "hosts.yml")
    with pytest.raises(KeyError):
        main(["-i", str(net.folder), "--debug", "plan"])
    capfd.readouterr()


@pytest.mark.parametrize("where", ["policies.yml", "groups.yml", "subscribers/100.64.0.0_16.yml"])
def test_validate_finds_a_credential_in_the_desired_files(where: str, net: Net, bqnctl: Run) -> None:
    net.add_billing()
    net.add_bqn()
    assert bqnctl("render").code == 0
    assert bqnctl("validate").code == 0
    file = net.folder / "desired" / "splynx" / where
    before = file.read_text(encoding="utf-8")
    secret = net.hosts["billing"]["hosts"]["splynx"]["credentials"]["api_secret"]
    file.write_text(f"{before}# pasted: {secret}\n", encoding="utf-8")
    found = bqnctl("validate")
    assert found.code == 1
    assert f"{file}:{before.count(chr(10)) + 1}:11: the credential splynx: api_secret" in found.err
    assert secret not in found.err + found.out
    file.write_text(f"{before}# -----BEGIN OPENSSH PRIVATE KEY-----\n", encoding="utf-8")
    assert "a private key stands here" in bqnctl("validate").err
    file.write_text(before, encoding="utf-8")
    assert bqnctl("validate", "--no-credentials").code == 0
