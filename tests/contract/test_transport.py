"""The HTTP reader against real sockets: TLS, proxies, sizes, pacing, and an environment that interferes."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from generator.billing import http
from generator.billing.http import HttpReader, StatusError
from generator.errors import BqnctlError, SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.net.certificate import Certificate
from generator.net.retry import RetryPolicy
from generator.net.serve import Listening, free_port, serving

MakeHost = Callable[..., BillingHost]
HEADERS = {"Authorization": "Basic canary-header"}


@pytest.fixture
def echo(certificate: Certificate) -> Iterator[Listening]:
    """A server that answers what it was sent; /gzip compresses, /cookie sets one, /big is large."""

    async def answer(request: Request) -> Response:
        body = await request.body()
        said = f'["{request.method}", "{request.headers.get("authorization", "")}", {body.decode() or "null"}]'
        if request.url.path == "/big":
            return Response(b"[" + b" " * 5000 + b"]")
        if request.url.path == "/gzip":
            return Response(gzip.compress(said.encode()), headers={"Content-Encoding": "gzip"})
        if request.url.path == "/cookie":
            return Response(f'["{request.headers.get("cookie", "")}"]', headers={"Set-Cookie": "a=b; Path=/"})
        return Response(said)

    route = Route("/{path:path}", answer, methods=["GET", "HEAD", "POST"])
    with serving(Starlette(routes=[route]), certificate=certificate) as at:
        yield at


def test_the_environment_changes_neither_trust_nor_credentials(
    echo: Listening,
    make_host: MakeHost,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    certificate: Certificate,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.file))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with HttpReader(make_host(echo, "splynx"), headers=HEADERS) as reader:
        assert reader.get("/x").body == b'["GET", "Basic canary-header", null]'
    with HttpReader(make_host(echo, "splynx", tls={}), headers=HEADERS) as reader:
        with pytest.raises(SourceError) as caught:
            reader.get("/x")
        assert str(echo.fingerprint_sha256) in str(caught.value)


def test_an_authority_file_and_its_names_are_verified(
    echo: Listening, make_host: MakeHost, certificate: Certificate, quick: RetryPolicy
) -> None:
    trusted = make_host(echo, "splynx", tls={"ca_file": str(certificate.file)})
    with HttpReader(trusted, headers=HEADERS, retry=quick) as reader:
        assert reader.get("/x").body
    other_name = make_host(echo, "splynx", tls={"ca_file": str(certificate.file)}, host="127.0.0.2")
    with HttpReader(other_name, headers=HEADERS, retry=quick) as reader, pytest.raises(BqnctlError):
        reader.get("/x")


def test_posts_gzip_and_cookies(echo: Listening, make_host: MakeHost, quick: RetryPolicy) -> None:
    with HttpReader(make_host(echo, "splynx"), headers=HEADERS, retry=quick) as reader:
        assert reader.post("/x", {"query": "q"}).body == b'["POST", "Basic canary-header", {"query":"q"}]'
        assert reader.get("/gzip").body == b'["GET", "Basic canary-header", null]'
        reader.get("/cookie")
        assert reader.get("/cookie").body == b'[""]'


def test_an_answer_without_end_is_refused(
    echo: Listening, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, quick: RetryPolicy
) -> None:
    monkeypatch.setattr(http, "MAX_BODY_BYTES", 4096)
    with (
        HttpReader(make_host(echo, "splynx"), headers=HEADERS, retry=quick) as reader,
        pytest.raises(SourceError, match="larger than 4096 bytes"),
    ):
        reader.get("/big")


def test_requests_are_paced(
    echo: Listening, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, quick: RetryPolicy
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    host = make_host(echo, "splynx", requests_per_second=0.001)
    with HttpReader(host, headers=HEADERS, retry=quick) as reader:
        for _ in range(3):
            reader.get("/x")
    paced = [wait for wait in waits if wait > 100]
    assert [round(wait, -3) for wait in paced] == [1000, 1000]


def test_nothing_listens(make_host: MakeHost, quick: RetryPolicy) -> None:
    nowhere = Listening(host="127.0.0.1", port=free_port(), fingerprint_sha256="00" * 32)
    with (
        HttpReader(make_host(nowhere, "splynx"), headers=HEADERS, retry=quick) as reader,
        pytest.raises(SourceError) as caught,
    ):
        reader.get("/x")
    assert "cannot be reached (Connection refused) (after 3 attempts)" in str(caught.value)
    assert not isinstance(caught.value, StatusError)


def test_a_port_without_tls_is_named(make_host: MakeHost, quick: RetryPolicy) -> None:
    with serving(Starlette()) as plain:
        host = make_host(plain, "splynx")
        with HttpReader(host, headers=HEADERS, retry=quick) as reader, pytest.raises(SourceError) as caught:
            reader.get("/x")
    assert "does not speak TLS" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["https://x.example.net", "x.example.net/api", "x:443", "a b", "", "ü.example", "x" * 300, "a" * 64],
)
def test_a_host_that_is_no_name_is_refused(echo: Listening, make_host: MakeHost, name: str) -> None:
    with pytest.raises(UsageError, match="not a host name or address"):
        HttpReader(replace(make_host(echo, "splynx"), host=name), headers=HEADERS)


@contextmanager
def connect_proxy(target: tuple[str, int]) -> Iterator[tuple[int, list[str]]]:
    """A proxy that takes one CONNECT for any name and leads it to `target`."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve_one, args=(listener, target, asked), daemon=True)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join(5)


def _serve_one(listener: socket.socket, target: tuple[str, int], asked: list[str]) -> None:
    client, _ = listener.accept()
    with client, socket.create_connection(target) as server:
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        asked.append(request.decode())
        client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join(5)


def _pump(source: Any, sink: Any) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_a_proxy_of_the_environment_is_used_and_the_pin_still_holds(
    echo: Listening, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, quick: RetryPolicy
) -> None:
    with connect_proxy((echo.host, echo.port)) as (port, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:proxy-canary@127.0.0.1:{port}")
        host = make_host(echo, "splynx", host="billing.example.net", port=443)
        with HttpReader(host, headers=HEADERS, retry=quick) as reader:
            assert reader.get("/x").body == b'["GET", "Basic canary-header", null]'
    assert asked[0].startswith("CONNECT billing.example.net:443 ")
    assert "canary-header" not in asked[0]


def test_no_proxy_and_a_dead_proxy(
    echo: Listening, make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, quick: RetryPolicy
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:proxy-canary@127.0.0.1:{free_port()}")
    host = make_host(echo, "splynx", host="billing.invalid", port=443)
    with HttpReader(host, headers=HEADERS, retry=quick) as reader, pytest.raises(SourceError) as caught:
        reader.get("/x")
    assert "through the proxy" in str(caught.value)
    assert "proxy-canary" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", ".invalid")
    with HttpReader(host, headers=HEADERS, retry=quick) as reader, pytest.raises(SourceError) as caught:
        reader.get("/x")
    assert "billing.invalid does not resolve" in str(caught.value)
