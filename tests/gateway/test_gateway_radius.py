"""RADIUS accounting: the real radclient, an emulated router, hostile packets."""

import hashlib
import secrets
import signal
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.demo.nas import INTERIM, OFF, ON, START, STOP, Router, accounting, send_many
from generator.gateway.radius.packet import BadPacketError, read_packet

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

SECRET = "radius-shared-secret"


class Network:
    """A gateway with its accounting port, a client to look at it, and routers."""

    def __init__(self, at: Any, client: Any) -> None:
        self.at, self.client = at, client
        self._routers: list[Router] = []

    def router(self, name: str = "tower 1", *, secret: str = SECRET, address: str = "192.0.2.1") -> Router:
        made = Router("127.0.0.1", self.at.radius_port, secret=secret, name=name, address=address)
        self._routers.append(made)
        return made

    def close(self) -> None:
        for router in self._routers:
            router.close()

    def subscribers(self) -> dict[str, dict[str, Any]]:
        return {each["subscriberIp"]: each for each in self.client.get("/subscribers")}

    def limits(self, ip: str) -> tuple[Any, Any]:
        policies = {each["policyName"]: each for each in self.client.get("/policies/rate")}
        policy = policies[self.subscribers()[ip]["policyRate"]]
        return policy["rateLimitDownlink"], policy["rateLimitUplink"]


@pytest.fixture
def network(serve: Callable[..., Any], client_of: Callable[..., Any], request: Any) -> Any:
    at = serve("aradial", **getattr(request, "param", {}))
    made = Network(at, client_of(at.url))
    yield made
    made.close()


def radclient(port: int, text: str, *, secret: str = SECRET, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "packet.txt"
    file.write_text(text)
    return subprocess.run(
        ["radclient", "-x", "-r", "2", "-t", "1", "-f", str(file), f"127.0.0.1:{port}", "acct", secret],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


START_TEXT = """
Acct-Status-Type = Start
Acct-Session-Id = "81a0003f"
User-Name = "ana.pérez"
NAS-IP-Address = 192.0.2.1
NAS-Identifier = "Cerro Alto"
Framed-IP-Address = 10.20.30.40
Calling-Station-Id = "aabb.ccdd.eeff"
Proxy-State = 0x0102
Proxy-State = 0x03
Mikrotik-Rate-Limit = "5M/25M 8M/40M 4M/20M 15/15 8 1M/2M"
"""


def test_the_real_radclient_starts_and_stops_a_session(network: Any, tmp_path: Path) -> None:
    started = radclient(network.at.radius_port, START_TEXT, folder=tmp_path)
    assert "Received Accounting-Response" in started.stdout, started
    assert started.stdout.count("Proxy-State = 0x0102") == 2, "sent, and given back"
    assert network.subscribers()["10.20.30.40"].items() >= {
        "subscriberId": "ana.pérez", "userName": "ana.pérez", "callingStationId": "AA:BB:CC:DD:EE:FF",
        "nasIdentifier": "Cerro Alto", "nasIpAddress": "192.0.2.1", "policyAssignedBy": "radius",
        "subscriberGroups": ["all-subscribers", "L2-Cerro_Alto"],
    }.items()  # fmt: skip
    assert network.limits("10.20.30.40") == (
        {"rate": 25000, "burstRate": 40000, "burstDuration": 15, "burstThreshold": 20000},
        {"rate": 5000, "burstRate": 8000, "burstDuration": 15, "burstThreshold": 4000},
    )
    stopped = radclient(network.at.radius_port, START_TEXT.replace("= Start", "= Stop"), folder=tmp_path)
    assert "Received Accounting-Response" in stopped.stdout
    assert network.subscribers() == {}
    assert network.client.get("/policies/rate") == []


def test_radclient_with_another_secret_gets_no_answer(
    network: Any, tmp_path: Path, read_metric: Callable[[str, str], float]
) -> None:
    ran = radclient(network.at.radius_port, START_TEXT, secret="wrong", folder=tmp_path)
    assert "No reply" in ran.stderr + ran.stdout
    assert network.subscribers() == {}
    name = 'bqnctl_gateway_radius_packets_total{result="bad-authenticator"}'
    assert read_metric(network.at.metrics_url, name) >= 1


@pytest.mark.parametrize(
    ("attributes", "download", "upload"),
    [
        ({"Mikrotik_Rate_Limit": "128k"}, 128, 128),
        ({"Mikrotik_Rate_Limit": "1M/2M", "Ascend_Data_Rate": 9, "Mikrotik_Address_List": "x"}, 2000, 1000),
        ({"Ascend_Data_Rate": 5_000_000, "Ascend_Xmit_Rate": 20_000_000}, 20000, 5000),
        ({"Ascend_Data_Rate": 5_000_000}, 5000, 5000),
        ({"Ascend_Data_Rate": [20_000_000, 5_000_000]}, 20000, 5000),
        ({"Mikrotik_Rate_Limit": "abc", "Ascend_Data_Rate": 5_000_000}, 5000, 5000),
        ({"WISPr_Bandwidth_Max_Up": 1_000_000, "WISPr_Bandwidth_Max_Down": 8_000_000}, 8000, 1000),
        ({"Huawei_Input_Average_Rate": 1_000_000, "Huawei_Output_Average_Rate": 8_000_000}, 8000, 1000),
    ],
)
def test_the_first_valid_attribute_in_bqns_order_gives_the_rates(
    network: Any, attributes: dict[str, Any], download: int, upload: int
) -> None:
    router = network.router()
    assert router.send(START, Acct_Session_Id="1", User_Name="a", Framed_IP_Address="10.0.0.1", **attributes)
    assert network.limits("10.0.0.1") == ({"rate": download}, {"rate": upload})


def test_an_address_list_is_the_name_of_a_static_policy(network: Any) -> None:
    router = network.router()
    assert router.send(START, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1", Mikrotik_Address_List="Plan Oro")
    assert network.subscribers()["10.0.0.1"]["policyRate"] == "Plan_Oro"
    assert network.client.get("/policies/rate") == []


@pytest.mark.parametrize("network", [{"radius": {"port": 0, "swapped": True}}], indirect=True)
def test_swapped_rates(network: Any) -> None:
    assert network.router().send(START, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1", Mikrotik_Rate_Limit="9M/1M")
    assert network.limits("10.0.0.1") == ({"rate": 9000}, {"rate": 1000})


@pytest.mark.parametrize(
    ("network", "identity"),
    [
        ({"subscriber_id": "user_name"}, "ana"),
        ({"subscriber_id": "calling_station_id"}, "02:11:00:00:00:01"),
        ({"subscriber_id": "class"}, "gold"),
        ({"subscriber_id": "nas_port_id"}, "ether1"),
    ],
    indirect=["network"],
)
def test_the_subscriber_id_comes_from_the_chosen_attribute(network: Any, identity: str) -> None:
    assert network.router().send(
        START, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1", User_Name="ana", NAS_Port_Id="ether1", Class="gold",
        Calling_Station_Id="02-11-00-00-00-01",
    )  # fmt: skip
    assert network.subscribers()["10.0.0.1"]["subscriberId"] == identity


@pytest.mark.parametrize(
    ("network", "group"),
    [
        ({"radius": {"port": 0, "group_attribute": "nas_identifier"}}, ["L2-tower_1"]),
        ({"radius": {"port": 0, "group_attribute": "nas_ip_address"}}, ["L2-192.0.2.1"]),
        ({"radius": {"port": 0, "group_attribute": "called_station_id"}}, ["L2-pppoe_north"]),
        ({"radius": {"port": 0, "group_attribute": "class"}}, ["L2-gold"]),
        ({"radius": {"port": 0, "group_attribute": None}}, []),
        ({"subscriber_groups": False}, []),
    ],
    indirect=["network"],
)
def test_the_group_comes_from_the_chosen_attribute(network: Any, group: list[str]) -> None:
    assert network.router().send(
        START, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1", Class="gold", Called_Station_Id="pppoe north",
    )  # fmt: skip
    assert network.subscribers()["10.0.0.1"]["subscriberGroups"] == ["all-subscribers", *group]


def test_an_interim_changes_the_rate_and_one_that_says_nothing_keeps_it(network: Any) -> None:
    router = network.router()
    session = {"Acct_Session_Id": "1", "User_Name": "a", "Framed_IP_Address": "10.0.0.1"}
    assert router.send(START, **session, Mikrotik_Rate_Limit="1M/1M")
    assert router.send(INTERIM, **session, Mikrotik_Rate_Limit="2M/3M")
    assert network.limits("10.0.0.1") == ({"rate": 3000}, {"rate": 2000})
    for nothing in ({}, {"Mikrotik_Rate_Limit": "0/0"}, {"Mikrotik_Rate_Limit": "10M/"}, {"Mikrotik_Rate_Limit": ""}):
        assert router.send(INTERIM, **session, **nothing)
        assert network.limits("10.0.0.1") == ({"rate": 3000}, {"rate": 2000})


def test_an_address_may_come_with_a_later_record(network: Any) -> None:
    router = network.router()
    assert router.send(START, Acct_Session_Id="1", User_Name="a", Mikrotik_Rate_Limit="1M/1M")
    assert network.subscribers() == {}
    assert router.send(INTERIM, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1", Acct_Session_Time=60)
    assert network.subscribers()["10.0.0.1"]["subscriberId"] == "a"
    assert router.send(INTERIM, Acct_Session_Id="1", Framed_IP_Address="10.0.0.2", Acct_Session_Time=120)
    assert list(network.subscribers()) == ["10.0.0.2"]


def test_an_address_belongs_to_the_session_that_began_last(network: Any) -> None:
    router, other = network.router(), network.router("tower 2", address="192.0.2.2")
    assert router.send(
        INTERIM, Acct_Session_Id="old", User_Name="ana", Framed_IP_Address="10.0.0.1", Acct_Session_Time=9000
    )  # fmt: skip
    assert other.send(START, Acct_Session_Id="new", User_Name="bo", Framed_IP_Address="10.0.0.1")
    assert network.subscribers()["10.0.0.1"]["subscriberId"] == "bo"
    assert router.send(
        INTERIM, Acct_Session_Id="old", User_Name="ana", Framed_IP_Address="10.0.0.1", Acct_Session_Time=9300
    )  # fmt: skip
    assert router.send(STOP, Acct_Session_Id="old", User_Name="ana", Framed_IP_Address="10.0.0.1")
    assert network.subscribers()["10.0.0.1"]["subscriberId"] == "bo"
    assert other.send(STOP, Acct_Session_Id="new")
    assert network.subscribers() == {}


def test_a_start_that_was_overtaken_by_its_stop_changes_nothing(network: Any) -> None:
    router = network.router()
    assert router.send(STOP, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1")
    assert router.send(START, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1", Acct_Delay_Time=30)
    assert network.subscribers() == {}


@pytest.mark.parametrize("status", [ON, OFF])
def test_a_router_that_restarts_has_no_sessions_left(network: Any, status: int) -> None:
    router, other = network.router(), network.router("tower 2", address="192.0.2.2")
    for number in range(3):
        assert router.send(START, Acct_Session_Id=str(number), Framed_IP_Address=f"10.0.0.{number + 1}")
    assert other.send(START, Acct_Session_Id="0", Framed_IP_Address="10.0.9.1")
    assert router.send(status)
    assert list(network.subscribers()) == ["10.0.9.1"]


def test_a_packet_sent_twice_counts_once_and_is_answered_twice(
    network: Any, read_metric: Callable[[str, str], float]
) -> None:
    data = accounting(
        {"Acct-Status-Type": START, "Acct-Session-Id": "1", "Framed-IP-Address": "10.0.0.1"}, secret=SECRET
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        answers = []
        for _ in range(3):
            sock.sendto(data, ("127.0.0.1", network.at.radius_port))
            answers.append(sock.recv(4096))
    assert len(set(answers)) == 1
    total = "bqnctl_gateway_radius_packets_total"
    assert read_metric(network.at.metrics_url, f'{total}{{result="accepted"}}') == 1
    assert read_metric(network.at.metrics_url, f'{total}{{result="duplicate"}}') == 2


@pytest.mark.parametrize(
    "network",
    [{"credentials": {"radius_secret_2": "other-secret"},
      "radius": {"port": 0, "clients": [{"network": "127.0.0.0/8", "secret": "radius_secret"},
                                        {"network": "127.0.0.1/32", "secret": "radius_secret_2"}]}}],
    indirect=True,
)  # fmt: skip
def test_the_narrowest_network_has_the_secret(network: Any) -> None:
    session = {"Acct_Session_Id": "1", "Framed_IP_Address": "10.0.0.1"}
    assert network.router(secret="other-secret").send(START, **session)
    assert not network.router(secret=SECRET).send(START, tries=1, timeout_s=0.5, **session)


@pytest.mark.parametrize(
    "network",
    [{"radius": {"port": 0, "clients": [{"network": "10.0.0.0/8", "secret": "radius_secret"}]}}],
    indirect=True,
)
def test_an_unknown_client_gets_no_answer(network: Any, read_metric: Callable[[str, str], float]) -> None:
    assert not network.router().send(START, tries=1, timeout_s=0.5, Acct_Session_Id="1", Framed_IP_Address="10.0.0.1")
    name = 'bqnctl_gateway_radius_packets_total{result="unknown-client"}'
    assert read_metric(network.at.metrics_url, name) == 1


def signed(*attributes: bytes, code: int = 4, length: int | None = None) -> bytes:
    """A packet of raw attributes, signed whatever it is."""
    body = b"".join(attributes)
    head = bytes([code, 7]) + (20 + len(body) if length is None else length).to_bytes(2)
    digest = hashlib.md5(head + bytes(16) + body + SECRET.encode()).digest()
    return head + digest + body


GOOD = (b"\x28\x06\x00\x00\x00\x01", b"\x2c\x03x")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bad-length"),
        (b"\x04\x01\x00\x14", "bad-length"),
        (bytes(5000), "bad-length"),
        (signed(*GOOD, code=1), "not-accounting"),
        (signed(*GOOD, length=10), "bad-length"),
        (signed(*GOOD, length=4000), "bad-length"),
        (signed(b"\x01"), "bad-attribute"),
        (signed(b"\x01\x00"), "bad-attribute"),
        (signed(b"\x01\xffabc"), "bad-attribute"),
        (signed(b"\x2c\x03x"), "unknown-status"),
        (signed(b"\x28\x06\x00\x00\x00\x63", b"\x2c\x03x"), "unknown-status"),
        (signed(b"\x28\x03\x01", b"\x2c\x03x"), "unknown-status"),
        (signed(GOOD[0]), "no-session"),
        (signed(*GOOD)[:-1] + b"y", "bad-authenticator"),
        (signed(*GOOD, b"\x50\x12" + bytes(16)), "bad-authenticator"),
    ],
)
def test_bad_packets_are_dropped_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadPacketError) as caught:
        read_packet(data, SECRET.encode(), now_s=1_000_000.0)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "attribute",
    [b"\x1a\x02", b"\x1a\x08\x00\x00:\x8c\x08\xff", b"\x1a\x07\x00\x00:\x8c\x08", b"\x08\x05\x0a\x00\x00", b"\xc5\x02",
     b"\x1a\x0a\x00\x00\x02\x11\xc5\x03\x05\x00",
     b"\x01\x06\xff\xfe\x00\x80", b"\x37\x06\xff\xff\xff\xff", b"\x3f\x04ab"],
)  # fmt: skip
def test_attributes_that_say_nothing_cost_only_themselves(attribute: bytes) -> None:
    record = read_packet(signed(*GOOD, attribute) + b"padding", SECRET.encode(), now_s=1_000_000.0)
    assert (record.status, record.first("Acct-Session-Id")) == ("start", "x")


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=253)), max_size=12), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_any_signed_attributes_are_read_or_refused(attributes: list[tuple[int, bytes]], extra: int) -> None:
    packed = [bytes([kind, len(value) + 2]) + value for kind, value in attributes]
    data = signed(*(GOOD if extra else ()), *packed) + bytes(extra)
    try:
        said = read_packet(data, SECRET.encode(), now_s=1_000_000.0).reply[:2]
    except BadPacketError as error:
        said = error.reason.encode()
    assert said in {b"\x05\x07", b"unknown-status", b"no-session", b"bad-attribute", b"bad-authenticator"}


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_never_stops_the_server(network: Any, data: st.DataObject) -> None:
    whole = accounting({"Acct-Status-Type": START, "Acct-Session-Id": "1", "User-Name": "x" * 200}, secret=SECRET)
    at = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:at] + data.draw(st.binary(max_size=40)) + whole[at + data.draw(st.integers(0, 5)) :]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(changed, ("127.0.0.1", network.at.radius_port))
    assert network.router().send(START, Acct_Session_Id=secrets.token_hex(4), Framed_IP_Address="10.0.0.1")


def test_of_thousands_of_packets_none_that_was_answered_is_lost(
    site: Any, start: Callable[[Path], Any], client_of: Callable[..., Any]
) -> None:
    folder = site.write("aradial")
    first = start(folder)
    with ThreadPoolExecutor(max_workers=4) as pool:
        parts = [range(worker * 1000, worker * 1000 + 1000) for worker in range(4)]
        sent = [pool.submit(send_many, "127.0.0.1", first.radius_port, part, secret=SECRET) for part in parts]
        answered = set().union(*(each.result() for each in sent))
    first.end(signal.SIGKILL)
    kept = client_of(start(folder).url).get("/subscribers")
    assert len(answered) == 4000
    assert {each["subscriberId"] for each in kept} == {f"user{number}" for number in answered}
