"""What a gateway acknowledged is there after it was killed, and what it could not store it never acknowledged."""

import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from generator.demo.nas import START, STOP, Router
from generator.gateway.keep import Keeper, Row, StoreError
from generator.gateway.service import running

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


def test_a_killed_gateway_has_everything_it_acknowledged(
    site: Any, start: Callable[[Path], Any], client_of: Callable[..., Any]
) -> None:
    folder = site.write()
    first = start(folder)
    acknowledged: list[set[str]] = [set() for _ in range(4)]

    def push(worker: int) -> None:
        client = client_of(first.url)
        for number in range(10_000):
            ip = f"10.{worker}.{number // 250}.{number % 250}"
            try:
                answer = client.send("POST", f"/subscribers/{ip}", {"subscriberId": str(number)})
            except requests.RequestException:
                return
            if answer.status_code == 201:
                acknowledged[worker].add(ip)

    threads = [threading.Thread(target=push, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    while sum(map(len, acknowledged)) < 300:
        assert first.process.poll() is None
    first.end(signal.SIGKILL)
    for thread in threads:
        thread.join()
    second = start(folder)
    kept = {each["subscriberIp"] for each in client_of(second.url).get("/subscribers")}
    assert set().union(*acknowledged) <= kept
    assert len(kept) >= 300


def test_a_killed_gateway_has_the_sessions_it_answered(
    site: Any, start: Callable[[Path], Any], client_of: Callable[..., Any]
) -> None:
    folder = site.write("aradial")
    first = start(folder)
    router = Router("127.0.0.1", first.radius_port, secret="radius-shared-secret", name="tower 1")
    for number in range(50):
        assert router.send(
            START, Acct_Session_Id=f"s{number}", User_Name=f"user{number}", Framed_IP_Address=f"10.0.0.{number + 1}",
            Mikrotik_Rate_Limit=f"{number + 1}M/50M",
        )  # fmt: skip
    assert router.send(STOP, Acct_Session_Id="s7")
    router.close()
    before = client_of(first.url).get("/subscribers")
    first.end(signal.SIGKILL)
    second = start(folder)
    after = client_of(second.url)
    by_ip = {each["subscriberIp"]: each for each in after.get("/subscribers")}
    assert by_ip == {each["subscriberIp"]: each for each in before}
    assert len(by_ip) == 49
    assert "10.0.0.8" not in by_ip
    assert by_ip["10.0.0.1"]["subscriberGroups"] == ["all-subscribers", "L2-tower_1"]
    assert len(after.get("/policies/rate")) == 49


def test_objects_come_back_whole_after_a_restart(site: Any, client_of: Callable[..., Any]) -> None:
    settings = site.settings()
    with running(settings) as at:
        client = client_of(at.url)
        client.send("POST", "/policies/rate/Home%2F50", {"policyId": 17, "rateLimitDownlink": {"rate": 1, "x": 2}})
        client.send("POST", "/subscribers/10.0.0.1", {"subscriberGroups": ["A"], "quota": {"volume": 5}})
        client.send("POST", "/subscribers/10.0.0.2", {"subscriberId": "b"})
        client.send("POST", "/subscriberGroups/B", {"subscriberMembers": ["10.0.0.1", "10.0.0.2"], "policyRate": "p"})
        client.send("POST", "/subscriberGroups/Gone", {})
        client.send("DELETE", "/subscriberGroups/Gone")
        client.send("DELETE", "/subscribers/10.0.0.2")
        paths = ("/policies/rate", "/subscribers", "/subscriberGroups")
        before = [client.get(path) for path in paths]
    with running(settings) as at:
        after = [client_of(at.url).get(path) for path in paths]
    assert after == before
    assert [len(each) for each in before] == [1, 1, 2]


def test_writes_are_refused_while_the_store_cannot_be_written_and_taken_when_it_can(
    site: Any, client_of: Callable[..., Any], wait: Callable[..., Any]
) -> None:
    settings = site.settings("aradial")
    with running(settings) as at:
        client = client_of(at.url)
        assert client.send("POST", "/subscribers/10.0.0.1", {}).status_code == 201
        router = Router("127.0.0.1", at.radius_port or 0, secret="radius-shared-secret", name="r")
        blocker = sqlite3.connect(settings.store.removeprefix("sqlite:///"), isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        refused = client.send("POST", "/subscribers/10.0.0.2", {})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        blocker.execute("ROLLBACK")
        blocker.close()
        with wait() as waiting:
            while requests.get(f"{at.url}/healthz", verify=False, timeout=10).status_code != 200 and waiting():
                pass
        assert [each["subscriberIp"] for each in client.get("/subscribers")] == ["10.0.0.1"]
        assert client.send("POST", "/subscribers/10.0.0.3", {}).status_code == 201
        assert router.send(START, Acct_Session_Id="1", Framed_IP_Address="10.0.0.9")
        router.close()


def test_one_gateway_on_one_store(site: Any) -> None:
    settings = site.settings()
    with running(settings), pytest.raises(StoreError, match="another gateway uses this store"):
        running(settings).__enter__()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("nonsense", "no SQLAlchemy URL"),
        ("nodb://x/y", "driver"),
        ("sqlite:////proc/nowhere/x.db", "cannot be opened"),
    ],
)
def test_a_store_that_cannot_be_is_explained(url: str, text: str) -> None:
    with pytest.raises(StoreError, match=text) as caught:
        Keeper(url).__enter__()
    assert caught.value.fix


def test_a_batch_is_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    with Keeper(f"sqlite:///{tmp_path / 'store.db'}") as keeper:
        assert (tmp_path / "store.db").stat().st_mode & 0o777 == 0o600, "it names customers"
        rows = [Row(kind="policy", name=str(number), body=b"{}", by="t", at_s=0.0) for number in range(5)]
        keeper.commit(rows)
        broken = [*rows, Row(kind="policy", name="x", body="not bytes", by="t", at_s=0.0)]  # type: ignore[arg-type]
        with pytest.raises(StoreError):
            keeper.commit([Row(kind="policy", name="1", body=None, by="t", at_s=0.0), *broken[-1:]])
        assert sorted(name for _, name, _ in keeper.load()) == ["0", "1", "2", "3", "4"]
