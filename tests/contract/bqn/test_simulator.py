"""The simulator keeps the contract of the facts (section 12, column "simulator should"), seen by a plain client."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import unquote

import pytest
import requests

from generator.bqn.kinds import Kind
from generator.bqn.server.faults import Fault, FaultKind
from generator.bqn.server.simulator import Simulator, SimulatorOptions, running
from generator.bqn.server.store import Behaviour
from generator.net.certificate import Certificate

HOME = {"policyId": "17", "rateLimitDownlink": {"rate": 50000, "burstRate": 80000, "burstDuration": 20}}


class Client:
    """A foreign client: requests, Basic auth, the certificate as its authority."""

    def __init__(self, url: str, certificate: Certificate) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = ("api", "pw")
        self.session.verify = str(certificate.file)

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.url}/api/v1{path}", json=body, timeout=10, **more)

    def get(self, path: str) -> Any:
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()


Start = Callable[..., tuple[Simulator, Client]]


@pytest.fixture
def start(certificate: Certificate) -> Iterator[Start]:
    with ExitStack() as stack:

        def run(**options: Any) -> tuple[Simulator, Client]:
            behaviour = Behaviour(**options.pop("behaviour", {}))
            chosen = SimulatorOptions(username="api", password="pw", behaviour=behaviour, **options)
            simulator, listening = stack.enter_context(running(chosen, certificate=certificate))
            return simulator, Client(listening.url, certificate)

        yield run


@pytest.mark.parametrize("path", ["/policies/rate", "/subscribers", "/subscriberGroups"])
def test_an_empty_collection_is_404_or_an_empty_list(start: Start, path: str) -> None:
    assert start()[1]("GET", path).status_code == 404
    _, client = start(behaviour={"empty_is_404": False})
    assert client.get(path) == {"items": []}


def test_a_missing_object_is_404_for_every_method(start: Start) -> None:
    _, client = start()
    for method in ("GET", "PUT", "DELETE"):
        assert client(method, "/policies/rate/None", {} if method == "PUT" else None).status_code == 404


def test_post_creates_then_resets_and_put_merges(start: Start) -> None:
    _, client = start()
    assert client("POST", "/policies/rate/Home", HOME).status_code == 201
    assert client("PUT", "/policies/rate/Home", {"rateLimitUplink": {"rate": 5}}).status_code == 200
    assert client.get("/policies/rate/Home") == {"policyName": "Home", **HOME, "rateLimitUplink": {"rate": 5}}
    assert client("POST", "/policies/rate/Home", {"rateLimitUplink": {"rate": 6}}).status_code == 200
    assert client.get("/policies/rate/Home") == {"policyName": "Home", "rateLimitUplink": {"rate": 6}}


def test_a_nested_object_is_replaced_or_merged_by_switch(start: Start) -> None:
    for merges, expected in ((False, {"rate": 1}), (True, {**HOME["rateLimitDownlink"], "rate": 1})):  # type: ignore[dict-item]
        _, client = start(behaviour={"nested_put_merges": merges})
        client("POST", "/policies/rate/Home", HOME)
        client("PUT", "/policies/rate/Home", {"rateLimitDownlink": {"rate": 1}})
        assert client.get("/policies/rate/Home")["rateLimitDownlink"] == expected


@pytest.mark.parametrize("name", ["VP-10M%2F50M", "Caf%C3%A9", "a%25b", "100%25", "x%3Fy%23z"])
def test_names_survive_the_path(start: Start, name: str) -> None:
    _, client = start()
    assert client("POST", f"/policies/rate/{name}", HOME).status_code == 201
    listed = client.get("/policies/rate")["items"][0]["policyName"]
    assert listed == unquote(name)
    assert client("DELETE", f"/policies/rate/{name}").status_code == 200


def test_a_trailing_slash_on_a_collection_is_no_resource(start: Start) -> None:
    _, client = start()
    client("POST", "/subscribers/10.0.0.1", {})
    assert client("GET", "/subscribers/").status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_by_id_takes_all_with_that_id(start: Start, slash: str) -> None:
    _, client = start()
    for name in ("A", "B", "C"):
        client("POST", f"/policies/rate/{name}", {"policyId": "1" if name != "C" else "2"})
        client("POST", f"/subscribers/10.0.0.{ord(name)}", {"subscriberId": "ana" if name != "C" else "bob"})
    assert client("DELETE", f"/policies/rate{slash}?policyId=1").status_code == 200
    assert client("DELETE", f"/subscribers{slash}?subscriberId=ana").status_code == 200
    assert [p["policyName"] for p in client.get("/policies/rate")["items"]] == ["C"]
    assert [s["subscriberId"] for s in client.get("/subscribers")["items"]] == ["bob"]
    assert client("DELETE", f"/policies/rate{slash}?policyId=1").status_code == 404


def test_membership_has_two_doors_and_shows_their_union(start: Start) -> None:
    _, client = start()
    client("POST", "/subscribers/10.0.0.1", {"subscriberGroups": ["L1-A"]})
    client("POST", "/subscribers/10.0.0.2", {})
    assert client("PUT", "/subscriberGroups/L1-A", {"subscriberMembers": ["10.0.0.2"]}).status_code == 200
    group = client.get("/subscriberGroups/L1-A")
    assert group["subscriberMembers"] == group["subscriberAll"] == ["10.0.0.1", "10.0.0.2"]
    assert client.get("/subscribers/10.0.0.1")["subscriberGroups"] == ["all-subscribers", "L1-A"]
    client("POST", "/subscribers/10.0.0.1", {})  # clears what was set from the subscriber's side only
    assert client.get("/subscriberGroups/L1-A")["subscriberMembers"] == ["10.0.0.2"]


def test_all_subscribers_is_built_in(start: Start) -> None:
    _, client = start()
    for method in ("POST", "PUT", "DELETE"):
        assert client(method, "/subscriberGroups/all-subscribers", {}).status_code == 409


def test_a_static_policy_swallows_a_post(start: Start) -> None:
    _, client = start(behaviour={"static_policies": ("Gold",)})
    assert client("POST", "/policies/rate/Gold", HOME).status_code == 200
    assert client("GET", "/policies/rate/Gold").status_code == 404


def test_addresses_are_masked_and_compressed(start: Start) -> None:
    _, client = start()
    assert client("POST", "/subscribers/2001%3ADB8%3A0%3A1%3A%3A5", {"policyRate": "P"}).status_code == 201
    assert client.get("/subscribers")["items"][0]["subscriberIp"] == "2001:db8:0:1::"
    assert client.get("/subscribers/2001%3Adb8%3A0%3A1%3A%3A99")["policyRate"] == "P"
    assert client("POST", "/subscribers/10.0.0.300", {}).status_code == 400


def test_a_rest_write_takes_a_subscriber_over_from_the_rules(start: Start) -> None:
    simulator, client = start(behaviour={"rules_take_over": True})
    simulator.store.add(Kind.SUBSCRIBER, "10.0.0.1", {"policyRate": "ByRule", "policyAssignedBy": "rules"})
    client("PUT", "/subscribers/10.0.0.1", {"policyRate": "Home"})
    assert client.get("/subscribers/10.0.0.1")["policyAssignedBy"] == "api"
    client("DELETE", "/subscribers/10.0.0.1")
    assert client.get("/subscribers/10.0.0.1")["policyAssignedBy"] == "rules"


@pytest.mark.parametrize(
    "body",
    [
        {"rateLimitDownlink": {"rate": 2**31}}, {"rateLimitDownlink": {"rate": -2}},
        {"rateLimitDownlink": {"rate": "5"}}, {"rateLimitDownlink": 5}, {"rateLimitUplink": {"burstRate": 1.5}},
    ],
)  # fmt: skip
def test_rates_out_of_range_are_refused(start: Start, body: Any) -> None:
    assert start()[1]("POST", "/policies/rate/P", body).status_code == 400


def test_unlimited_is_minus_one_null_or_missing_unless_legacy(start: Start) -> None:
    _, client = start()
    for rate in ({"rate": -1}, {"rate": None}, {}):
        assert client("POST", "/policies/rate/P", {"rateLimitDownlink": rate}).status_code in (200, 201)
    _, legacy = start(behaviour={"refuses_minus_one": True})
    assert legacy("POST", "/policies/rate/P", {"rateLimitDownlink": {"rate": -1}}).status_code == 400


def test_names_with_spaces_are_refused_or_rewritten(start: Start) -> None:
    assert start()[1]("POST", "/policies/rate/A%20B", {}).status_code == 400
    _, client = start(behaviour={"spaces_rewritten": True})
    client("POST", "/policies/rate/A%20B", {})
    assert client.get("/policies/rate/A_B")["policyName"] == "A_B"


def test_more_groups_than_the_limit_are_refused(start: Start) -> None:
    _, client = start(behaviour={"max_groups": 2})
    assert client("POST", "/subscribers/10.0.0.1", {"subscriberGroups": ["a", "b", "c"]}).status_code == 400


def test_dense_answers_fill_the_bursts(start: Start) -> None:
    _, client = start(behaviour={"dense": True, "dense_filler": -1})
    client("POST", "/policies/rate/P", {"policyId": 7, "rateLimitDownlink": {"rate": 5}})
    shown = client.get("/policies/rate/P")
    assert shown["policyId"] == "7"
    assert shown["rateLimitDownlink"]["burstRate"] == -1
    assert shown["rateLimitDownlink"]["congestionMgmt"] is True
    assert shown["rateLimitUplink"]["rate"] == -1


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"[" * 5000])
def test_a_body_that_is_no_object_is_400(start: Start, body: bytes) -> None:
    _, client = start()
    answer = client.session.post(f"{client.url}/api/v1/policies/rate/P", data=body, timeout=10)
    assert answer.status_code == 400


def test_an_empty_body_is_an_empty_object(start: Start) -> None:
    _, client = start()
    assert client.session.post(f"{client.url}/api/v1/subscribers/10.0.0.1", timeout=10).status_code == 201


def test_a_body_too_large_is_413(start: Start) -> None:
    _, client = start()
    answer = client.session.post(f"{client.url}/api/v1/policies/rate/P", data=b" " * ((1 << 20) + 1), timeout=10)
    assert answer.status_code == 413


def test_credentials_and_clients_are_checked(start: Start) -> None:
    _, client = start()
    for auth in (("api", "wrong"), ("other", "pw"), None):
        client.session.auth = auth
        answer = client("GET", "/subscribers")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    _, foreign = start(clients=("192.0.2.0/24",))
    assert foreign("GET", "/subscribers").status_code == 403


def test_faults_strike_when_they_should(start: Start) -> None:
    faults = (
        Fault(kind=FaultKind.STATUS, method="WRITE", status=503, retry_after=2, first=2, every=2),
        Fault(kind=FaultKind.STATUS, method="GET", path="/subscriberGroups", status=500, times=1),
    )
    _, client = start(faults=faults)
    answers = [client("POST", f"/subscribers/10.0.0.{n}", {}) for n in range(1, 6)]
    assert [answer.status_code for answer in answers] == [201, 503, 201, 503, 201]
    assert answers[1].headers["Retry-After"] == "2"
    assert [client("GET", "/subscriberGroups").status_code for _ in range(2)] == [500, 404]


@pytest.mark.parametrize(
    ("kind", "done"),
    [(FaultKind.RESET, False), (FaultKind.RESET_AFTER, True), (FaultKind.TRUNCATE, True), (FaultKind.STALL, False)],
)
def test_connections_break_before_or_after_the_work(start: Start, kind: FaultKind, done: bool) -> None:  # noqa: FBT001 - a parameter
    simulator, client = start()
    client("POST", "/policies/rate/Old", HOME)
    simulator.faults.set([Fault(kind=kind, times=1, seconds=0.1)])
    method, path = ("GET", "/policies/rate") if kind is FaultKind.TRUNCATE else ("POST", "/policies/rate/New")
    with pytest.raises(requests.RequestException):
        client(method, path, {}).raise_for_status()
    names = [policy["policyName"] for policy in client.get("/policies/rate")["items"]]
    assert ("New" in names) is (done and method == "POST")


def test_a_login_page_and_half_a_json_come_with_200(start: Start) -> None:
    simulator, client = start()
    client("POST", "/policies/rate/P", HOME)
    for kind in (FaultKind.HTML, FaultKind.CUT_JSON):
        simulator.faults.set([Fault(kind=kind)])
        answer = client("GET", "/policies/rate")
        assert answer.status_code == 200
        with pytest.raises(ValueError, match=r"."):
            answer.json()


def test_a_reboot_loses_everything_dynamic(start: Start) -> None:
    simulator, client = start()
    client("POST", "/policies/rate/P", HOME)
    simulator.faults.set([Fault(kind=FaultKind.REBOOT, times=1)])
    assert client("GET", "/policies/rate").status_code == 404


def test_the_control_door_shows_and_sets(start: Start) -> None:
    _, client = start()
    client("POST", "/subscribers/10.0.0.1", {"subscriberId": "ana"})
    door = client.url + "/_simulator/"
    seen = client.session.get(door + "requests", timeout=10).json()
    assert seen == [{"method": "POST", "path": "/subscribers/10.0.0.1", "status": 201, "body": {"subscriberId": "ana"}}]
    state = client.session.get(door + "state", timeout=10).json()
    assert client.session.put(door + "state", json={"subscribers": []}, timeout=10).status_code == 200
    assert client("GET", "/subscribers").status_code == 404
    client.session.put(door + "state", json=state, timeout=10)
    assert client.get("/subscribers/10.0.0.1")["subscriberId"] == "ana"
    assert client.session.put(door + "faults", json=[{"kind": "nonsense"}], timeout=10).status_code == 400
    client.session.put(door + "faults", json=[{"kind": "status", "status": 500}], timeout=10)
    assert client("GET", "/subscribers").status_code == 500
    client.session.auth = ("api", "wrong")
    assert client.session.get(door + "state", timeout=10).status_code == 401


def test_bytes_that_are_no_http_do_not_end_it(start: Start, certificate: Certificate) -> None:
    _, client = start()
    host, port = client.url.removeprefix("https://").split(":")
    for junk in (b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b""):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(junk)
    assert client("GET", "/subscribers").status_code == 404
