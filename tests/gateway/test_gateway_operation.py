"""Running a gateway: health, metrics, limits, throttling, a graceful end, its systemd unit."""

import configparser
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.documents.resources import resource_dir
from generator.gateway import throttle
from generator.net import serve as serving_module

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def tls(port: int, *, source: str = "127.0.0.1") -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), source_address=(source, 0), timeout=10)
    return context.wrap_socket(plain)


def test_health_and_metrics_tell_what_goes_on(
    serve: Callable[..., Any], client_of: Callable[..., Any], read_metric: Callable[[str, str], float]
) -> None:
    at = serve()
    client = client_of(at.url)
    client.send("POST", "/policies/rate/A", {})
    client.send("POST", "/subscribers/10.0.0.1", {})
    client.send("GET", "/subscribers")
    assert requests.get(f"{at.url}/healthz", verify=False, timeout=10).json() == {"status": "ok"}
    assert requests.get(at.metrics_url.replace("/metrics", "/healthz"), timeout=10).status_code == 200
    prefix = "bqnctl_gateway_"
    assert read_metric(at.metrics_url, f'{prefix}requests_total{{method="POST",status="201"}}') == 2
    assert read_metric(at.metrics_url, f'{prefix}requests_total{{method="GET",status="200"}}') == 1
    assert read_metric(at.metrics_url, f'{prefix}objects{{kind="subscriber"}}') == 1
    assert read_metric(at.metrics_url, f"{prefix}store_rows") >= 2
    assert read_metric(at.metrics_url, f"{prefix}store_last_commit_timestamp_seconds") > 1e9


def test_wrong_passwords_are_throttled_by_address(serve: Callable[..., Any], client_of: Callable[..., Any]) -> None:
    at = serve()
    guesser = client_of(at.url, password="guess")
    statuses = [guesser.send("GET", "/subscribers").status_code for _ in range(15)]
    assert statuses[:10] == [401] * 10
    assert statuses[-1] == 429
    right = client_of(at.url).send("GET", "/subscribers")
    assert right.status_code == 429, "a right password is not told apart while guesses are refused"
    assert 1 <= int(right.headers["Retry-After"]) <= 6
    with tls(at.port, source="127.0.0.2") as other:
        other.sendall(b"GET /api/v1/subscribers HTTP/1.1\r\nHost: x\r\n\r\n")
        assert other.recv(100).startswith(b"HTTP/1.1 401")


def test_each_write_is_logged_with_who_and_what(site: Any, start: Callable[[Path], Any], client_of: Any) -> None:
    process = start(site.write())
    client_of(process.url).send("POST", "/subscribers/10.0.0.1", {"subscriberId": "ana\u001b[31m"})
    client_of(process.url, user="reader", password="reader-pw").send("DELETE", "/subscribers?subscriberId=nobody")
    assert process.end() == 0
    log = process.said()
    assert "127.0.0.1 pusher POST /subscribers/10.0.0.1 201" in log
    assert "127.0.0.1 reader DELETE /subscribers?subscriberId=nobody 404" in log
    assert "\x1b" not in log
    assert "pusher-pw" not in log


def test_a_graceful_end_finishes_what_is_under_way(
    site: Any, start: Callable[[Path], Any], client_of: Callable[..., Any]
) -> None:
    folder = site.write()
    first = start(folder)
    acknowledged: list[str] = []

    def push() -> None:
        client = client_of(first.url)
        for number in range(100_000):
            try:
                if client.send("POST", f"/subscribers/10.0.{number // 250}.{number % 250}", {}).status_code != 201:
                    return
            except requests.RequestException:
                return
            acknowledged.append(f"10.0.{number // 250}.{number % 250}")

    thread = threading.Thread(target=push)
    thread.start()
    while len(acknowledged) < 50:
        assert first.process.poll() is None
    assert first.end(signal.SIGINT) == 0
    thread.join()
    assert "stopped; everything accepted is on disk" in first.said()
    kept = client_of(start(folder).url).get("/subscribers")
    assert set(acknowledged) <= {each["subscriberIp"] for each in kept}


def test_half_a_request_is_cut_off_and_hinders_nobody(
    serve: Callable[..., Any], client_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_module, "HEAD_TIMEOUT_S", 0.5)
    at = serve()
    silent = [tls(at.port) for _ in range(20)]
    for number, each in enumerate(silent):
        each.sendall(b"POST /api/v1/subscribers/10.0.0.1 HTTP/1.1\r\nHo" if number % 2 else b"")
    assert client_of(at.url).send("POST", "/subscribers/10.0.0.1", {}).status_code == 201
    for each in silent:
        with each:
            assert each.recv(10) == b""


def test_a_head_without_end_is_cut_off(serve: Callable[..., Any]) -> None:
    def fill(each: ssl.SSLSocket) -> None:
        each.sendall(b"GET / HTTP/1.1\r\n")
        while True:
            each.sendall(b"X-Fill: " + b"y" * 1000 + b"\r\n")

    with tls(serve().port) as each, pytest.raises((ConnectionError, ssl.SSLError)):
        fill(each)


def test_a_flood_from_one_address_waits_for_itself_only(serve: Callable[..., Any], client_of: Any) -> None:
    at = serve()
    flood = [tls(at.port, source="127.0.0.3") for _ in range(60)]
    body = b'{"subscriberId":"x"}'
    head = b"POST /api/v1/subscribers/10.9.9.9 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic cHVzaGVyOnB1c2hlci1wdw==\r\n"
    for each in flood:  # every one of them holds a turn of its address, for its body never ends
        each.sendall(head + b"Content-Length: 21\r\n\r\n" + body)
    client = client_of(at.url)
    for number in range(30):
        assert client.send("POST", f"/subscribers/10.0.0.{number}", {}).status_code == 201
    with tls(at.port, source="127.0.0.3") as waiting:
        waiting.sendall(head + b"Content-Length: 20\r\n\r\n" + body)
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(10)
        for each in flood:
            each.close()
        waiting.settimeout(10)
        assert waiting.recv(100).startswith(b"HTTP/1.1 201")


def answer_of_one_more(port: int) -> bytes:
    try:
        with tls(port, source="127.0.0.4") as more:
            more.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            return more.recv(10)
    except (ConnectionError, ssl.SSLError):
        return b""


def test_one_address_has_only_so_many_connections(serve: Callable[..., Any], client_of: Callable[..., Any]) -> None:
    at = serve()
    held = [tls(at.port, source="127.0.0.4") for _ in range(128)]
    for each in held:
        each.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert each.recv(15).startswith(b"HTTP/1.1 200")
    assert answer_of_one_more(at.port) == b""
    assert client_of(at.url).send("GET", "/subscribers").status_code == 404
    for each in held:
        each.close()


def test_the_api_keeps_what_its_description_says(
    serve: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "_FAILURES", 1e9)  # it tries without credentials again and again
    at = serve()
    description = tmp_path / "openapi.json"
    description.write_bytes(requests.get(f"{at.url}/openapi.json", verify=False, timeout=10).content)
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", str(description), "--url", f"{at.url}/api/v1",
        "--auth", "pusher:pusher-pw", "--tls-verify", "false", "--no-color", "--generation-deterministic",
        "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "20",
        # A BQN takes members that it does not know, and bodies whose type is not said.
        "--exclude-checks", "negative_data_rejection,missing_required_header",
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]


def test_the_unit_runs_a_command_that_exists() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(resource_dir("templates") / "systemd" / "bqnctl-gateway@.service")
    words = unit["Service"]["ExecStart"].split()
    assert words[:2] == ["bqnctl", "gateway"]
    command = [sys.executable, "-m", "generator", "gateway", "--help"]
    helped = subprocess.run(command, capture_output=True, text=True, check=True)
    for flag in (word for word in words if word.startswith("-")):
        assert re.search(rf"(?<!\S){flag}\b", helped.stdout), flag
    assert unit["Service"]["Type"] == "notify"


def test_it_tells_systemd_when_it_is_ready(
    site: Any, start: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "n"))
        told.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        process = start(site.write())
        assert told.recv(100) == b"READY=1"
        process.end()
        assert told.recv(100) == b"STOPPING=1"


def test_a_gateway_needs_one_source_that_is_pushed_to(site: Any, bqnctl_main: Callable[..., Any]) -> None:
    folder = site.write("wisphub", credentials={"api_key": "k"})
    code, err = bqnctl_main("gateway", "-i", str(folder))
    assert code == 1
    assert "no source here is fed by a gateway" in err


@pytest.fixture
def bqnctl_main(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    from generator.cli.main import main  # noqa: PLC0415 - as the command is started

    def run(*arguments: str) -> tuple[int, str]:
        code = main(list(arguments))
        return code, capfd.readouterr().err

    return run
