"""Hostile texts told to a gateway by a billing system and by routers: kept, counted, logged and rendered as data."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from generator.cli.logs import start_log
from generator.cli.main import main
from generator.demo.nas import INTERIM, START, Router
from generator.desired.names import clean_text
from generator.desired.tree import load_tree
from generator.gateway.service import Running, running
from tests.gateway.conftest import SECRET, Client, Site
from tests.hostile.outputs import dangerous
from tests.hostile.values import CARRIED, HOSTILE, MARK, TEXTS, bodies

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

ATTRIBUTE_BYTES = 240


@pytest.fixture
def told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[Any, str], str]]:
    """Renders what a gateway was told, checks all that it said and wrote; the answer is its log."""
    site = Site(tmp_path / "inventory")

    def look(tell: Callable[[Running, Client], None], system: str) -> str:
        start_log(verbose=2, log_format="text")
        with running(site.settings(system)) as at:
            client = Client(at.url)
            tell(at, client)
            log = capfd.readouterr().err
            metrics = client.session.get(at.metrics_url, timeout=10).text
            _check_metrics(metrics)
            host = {"port": at.port, "tls": {"fingerprint_sha256": at.fingerprint_sha256}}
            site.write(system, **host)
            assert main(["-i", str(site.folder), "render"]) == 0, capfd.readouterr().err[:3000]
        said = capfd.readouterr()
        assert dangerous(log + said.out + said.err) == []
        return log

    yield look
    shutil.rmtree(site.folder, ignore_errors=True)


def _check_metrics(text: str) -> None:
    """Every line is one of ours, and no label has a value from outside."""
    families = list(text_string_to_metric_families(text))
    assert {family.name.startswith("bqnctl_gateway_") for family in families} == {True}
    values = {value for family in families for sample in family.samples for value in sample.labels.values()}
    assert all(re.fullmatch("[A-Za-z0-9_-]+", value) for value in values), values
    assert MARK not in text


def test_what_a_billing_system_pushes(told: Callable[..., str], tmp_path: Path) -> None:
    taken: list[str] = []

    def tell(_: Running, client: Client) -> None:
        limits = {"rateLimitDownlink": {"rate": 1000}, "rateLimitUplink": {"rate": 1000}}
        assert client.send("POST", "/policies/rate/Plan", limits).status_code == 201
        for number, text in enumerate(TEXTS.values()):
            name = quote(text.encode("utf-8", "surrogatepass"), safe="")
            person = {"subscriberId": text, "policyRate": "Plan", text: 1}
            statuses = [
                client.send("POST", f"/policies/rate/{name}", {**limits, "policyId": text}).status_code,
                client.send("POST", f"/subscriberGroups/{name}", {"subscriberGroupType": text}).status_code,
                client.send("POST", f"/subscribers/10.0.0.{number + 1}", person).status_code,
            ]
            assert set(statuses) <= {200, 201, 400, 404}, text
            if statuses[2] == 201:
                taken.append(text)
        for number, value in enumerate(HOSTILE):
            for field in ("subscriberId", "policyRate", "subscriberGroups"):
                body = json.dumps({field: value}).encode()  # NaN and half characters as they are
                assert client.send("POST", f"/subscribers/10.0.1.{number + 1}", data=body).status_code in {
                    200,
                    201,
                    400,
                }
        for content in dict(bodies()).values():
            status = client.send("PUT", "/subscribers/10.0.2.1", data=content).status_code
            assert status in {400, 404, 413} or not content

    log = told(tell, "gestfy")
    assert len(taken) > len(CARRIED) - 10
    assert all(re.match(r"127\.0\.0\.1 |.*listening|[A-Za-z_ ]+", line) for line in log.splitlines())
    state = load_tree(tmp_path / "inventory" / "desired" / "source").state
    ids = {each.id for each in state.subscribers.values()}
    assert {clean_text(text) for text in taken if clean_text(text)} <= ids | {None}


def test_what_routers_say(told: Callable[..., str], tmp_path: Path) -> None:
    names = [text.encode("utf-8", "surrogatepass")[:ATTRIBUTE_BYTES] for text in TEXTS.values()]

    def tell(at: Running, _: Client) -> None:
        for number, name in enumerate(names):
            router = Router("127.0.0.1", at.radius_port or 0, secret=SECRET, name="tower")
            own: dict[str, Any] = {
                "Acct_Session_Id": b"%d " % number + name, "Framed_IP_Address": f"10.0.0.{number + 1}",
                **dict.fromkeys(("User_Name", "Class", "NAS_Identifier", "Called_Station_Id"), name),
            }  # fmt: skip
            rates: dict[str, Any] = dict.fromkeys(("Filter_Id", "Mikrotik_Address_List"), name)
            assert router.send(START, **own, **({"Mikrotik_Rate_Limit": name} if number % 2 else rates), tries=1)
            assert router.send(INTERIM, **own, Mikrotik_Rate_Limit=b"5M/50M", tries=1)
            router.close()

    told(tell, "aradial")
    state = load_tree(tmp_path / "inventory" / "desired" / "source").state
    assert len(state.subscribers) == len(names)
    ids = {each.id for each in state.subscribers.values()}
    for name in names:
        assert clean_text(name.decode("utf-8", "replace").strip().strip("\x00")) in ids
