"""The gateway's REST side against foreign clients: curl and plain requests, as billing products make them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

HOME = {"policyId": "17", "rateLimitDownlink": {"rate": 50000, "burstRate": 80000}, "rateLimitUplink": {"rate": 10000}}


@pytest.fixture
def client(serve: Callable[..., Any], client_of: Callable[..., Any]) -> Any:
    return client_of(serve().url)


def test_post_creates_and_post_over_post_clears_what_it_does_not_name(client: Any) -> None:
    assert client.send("POST", "/policies/rate/Home", HOME).status_code == 201
    answer = client.send("POST", "/policies/rate/Home", {"rateLimitDownlink": {"rate": 1000}})
    assert (answer.status_code, answer.content) == (200, b"")
    assert client.get("/policies/rate/Home") == {"policyName": "Home", "rateLimitDownlink": {"rate": 1000}}


def test_put_changes_what_it_names_and_keeps_the_rest(client: Any) -> None:
    assert client.send("PUT", "/policies/rate/Home", HOME).status_code == 404
    client.send("POST", "/policies/rate/Home", HOME)
    assert client.send("PUT", "/policies/rate/Home", {"rateLimitUplink": {"rate": 2000}}).status_code == 200
    assert client.get("/policies/rate/Home") == {"policyName": "Home", **HOME, "rateLimitUplink": {"rate": 2000}}


def test_delete_one_and_one_that_is_gone(client: Any) -> None:
    client.send("POST", "/subscribers/10.0.0.1", {"subscriberId": "ana"})
    assert client.send("DELETE", "/subscribers/10.0.0.1").status_code == 200
    assert client.send("DELETE", "/subscribers/10.0.0.1").status_code == 404
    assert client.send("GET", "/subscribers").status_code == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_delete_all_with_an_id(client: Any, slash: str) -> None:
    for name, number in (("A", "1"), ("B", "1"), ("C", "2")):
        client.send("POST", f"/policies/rate/{name}", {"policyId": number})
    for ip, who in (("10.0.0.1", "ana"), ("10.0.0.2", "ana"), ("10.0.0.3", "bo")):
        client.send("POST", f"/subscribers/{ip}", {"subscriberId": who})
    assert client.send("DELETE", f"/policies/rate{slash}?policyId=1").status_code == 200
    assert client.send("DELETE", f"/subscribers{slash}?subscriberId=ana").status_code == 200
    assert client.send("DELETE", f"/subscribers{slash}?subscriberId=ana").status_code == 404
    assert [each["policyName"] for each in client.get("/policies/rate")] == ["C"]
    assert [each["subscriberIp"] for each in client.get("/subscribers")] == ["10.0.0.3"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("VP-10M%2F50M", "VP-10M/50M"),
        ("B%C3%A1sico", "Básico"),
        ("Básico", "Básico"),
        ("Plan%20Oro", "Plan_Oro"),
        ("a%3Fb%23c%25d", "a?b#c%d"),
        ("%D0%94%D1%96%D0%BC", "Дім"),
        ("=cmd|'/c'".replace("/", "%2F"), "=cmd|'/c'"),
    ],
)
def test_names_arrive_as_they_were_meant(client: Any, path: str, name: str) -> None:
    assert client.send("POST", f"/policies/rate/{path}", HOME).status_code == 201
    assert client.get("/policies/rate") == [{"policyName": name, **HOME}]
    assert client.send("DELETE", f"/policies/rate/{path}").status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_collection_with_a_trailing_slash_is_no_resource(client: Any, method: str) -> None:
    assert client.send(method, "/subscribers/", {}).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{}", b" \n"])
def test_an_empty_body_is_an_empty_object(client: Any, body: bytes) -> None:
    assert client.send("POST", "/subscribers/10.0.0.1", data=body).status_code == 201
    assert client.get("/subscribers/10.0.0.1")["policyAssignedBy"] == "api"


def test_an_ipv6_subscriber_is_its_prefix(client: Any) -> None:
    assert client.send("POST", "/subscribers/2001%3Adb8%3A5%3A6%3A%3A77", {"subscriberId": "a"}).status_code == 201
    assert client.send("POST", "/subscribers/2001:db8:5:6::78", {"subscriberId": "b"}).status_code == 200
    assert [each["subscriberIp"] for each in client.get("/subscribers")] == ["2001:db8:5:6::"]


def test_a_subscriber_may_come_before_its_policy_and_its_group(client: Any) -> None:
    body = {"subscriberId": 4711, "policyRate": "Later plan", "subscriberGroups": ["AP North"]}
    assert client.send("POST", "/subscribers/10.0.0.1", body).status_code == 201
    found = client.get("/subscribers/10.0.0.1")
    assert (found["policyRate"], found["subscriberGroups"]) == ("Later_plan", ["all-subscribers", "AP_North"])
    assert client.get("/subscriberGroups")[0]["subscriberMembers"] == ["10.0.0.1"]


def test_groups_are_taken_from_both_sides(client: Any) -> None:
    client.send("POST", "/subscribers/10.0.0.1", {})
    group = {"subscriberMembers": ["10.0.0.1"], "subscriberRanges": ["2001:db8:7::/56"], "subscriberGroupType": "tower"}
    assert client.send("POST", "/subscriberGroups/Tower", group).status_code == 201
    assert client.send("PUT", "/subscriberGroups/Tower", {"policyRate": "Shared"}).status_code == 200
    found = client.get("/subscriberGroups/Tower")
    assert {**group, "policyRate": "Shared"}.items() <= found.items()
    assert client.send("DELETE", "/subscriberGroups/all-subscribers").status_code == 409


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/policies/rate/A", b"[]"),
        ("/policies/rate/A", b"{"),
        ("/policies/rate/A", b'{"rateLimitDownlink": 5}'),
        ("/policies/rate/A", b'{"rateLimitDownlink": {"rate": "fast"}}'),
        ("/policies/rate/A", b'{"rateLimitDownlink": {"rate": 1e99}}'),
        ("/policies/rate/A", b'{"rateLimitDownlink": {"rate": NaN}}'),
        ("/policies/rate/A", b'{"rateLimitDownlink": {"rate": 99999999999999999999}}'),
        ("/subscribers/10.0.0.1", b'{"subscriberGroups": [{}]}'),
        ("/subscribers/10.0.0.1", b'{"subscriberGroups": "AP"}'),
        ("/subscribers/10.0.0.1", b'{"policyRate": {}}'),
        ("/subscribers/10.0.0.999", b"{}"),
        ("/subscribers/fe80::1%25eth0", b"{}"),
        ("/subscriberGroups/G", b'{"subscriberMembers": [1]}'),
        ("/subscriberGroups/G", b'{"subscriberMembers": ["nobody"]}'),
        ("/subscriberGroups/G", b'{"subscriberRanges": ["10.0.0.0/99"]}'),
        ("/policies/rate/%FF%FE", b"{}"),
        ("/policies/rate/" + "x" * 200, b"{}"),
        ("/policies/rate/a%00b", b"{}"),
        ("/policies/rate/A", b"[" * 5000),
    ],
)
def test_what_no_bqn_would_take_is_refused_with_its_reason(client: Any, path: str, body: bytes) -> None:
    answer = client.send("POST", path, data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert [client.get(each) for each in ("/policies/rate", "/subscribers", "/subscriberGroups")] == [[], [], []]


def test_unknown_members_are_taken_and_told(
    serve: Callable[..., Any], client_of: Callable[..., Any], read_metric: Callable[[str, str], float]
) -> None:
    at = serve()
    body = {"subscriberId": "a", "state": "active", "block": False}
    assert client_of(at.url).send("POST", "/subscribers/10.0.0.1", body).status_code == 201
    assert read_metric(at.metrics_url, 'bqnctl_gateway_unknown_members_total{kind="subscriber"}') == 1


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/policies", "/policies/rate/a/b", "/../etc/passwd"])
def test_other_paths_are_no_resources(client: Any, path: str) -> None:
    assert client.send("GET", path).status_code == 404


def curl(url: str, *arguments: str) -> tuple[int, str]:
    command = ["curl", "-sk", "-u", "pusher:pusher-pw", "-w", "\n%{http_code}", *arguments, url]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    body, _, status = out.rpartition("\n")
    return int(status), body


def test_curl_drives_it_as_it_drives_a_bqn(serve: Callable[..., Any], tmp_path: Path) -> None:
    root = f"{serve().url}/api/v1"
    file = tmp_path / "body.json"
    file.write_text(json.dumps({"subscriberId": "josé", "policyRate": "Home/50"}, ensure_ascii=False))
    json_type = ("-H", "Content-Type: application/json; charset=utf-8")
    assert curl(f"{root}/policies/rate/Home%2F50", "-X", "POST", *json_type, "-d", json.dumps(HOME)) == (201, "")
    assert curl(f"{root}/subscribers/10.0.0.1", "-X", "POST", *json_type, "--data-binary", f"@{file}") == (201, "")
    status, body = curl(f"{root}/subscribers")
    assert status == 200
    assert json.loads(body)["items"][0]["subscriberId"] == "josé"
    assert curl(f"{root}/subscribers/10.0.0.1", "-X", "PUT", "-d", '{"policyRate":"Corte"}') == (200, "")
    assert curl(f"{root}/subscribers/10.0.0.1", "-X", "DELETE") == (200, "")
    assert curl(f"{root}/policies/rate/?policyId=17", "-X", "DELETE") == (200, "")
    assert curl(f"{root}/policies/rate")[0] == 404
    assert curl(f"{root}/policies/rate", "-X", "POST", "-d", "{}")[0] == 405
    assert curl(f"{root}/policies/rate", "--http1.0")[0] == 404
    big = tmp_path / "big"
    big.write_bytes(b'{"subscriberId":"' + b"x" * (2 << 20) + b'"}')
    assert curl(f"{root}/subscribers/10.0.0.1", "-X", "POST", "--data-binary", f"@{big}")[0] == 413
    assert curl(f"{root}/subscribers/10.0.0.1", "-X", "POST", "-H", "Transfer-Encoding: chunked",
                "--data-binary", f"@{big}")[0] == 413  # fmt: skip
    assert curl(f"{root}/subscribers")[0] == 404


def test_who_is_not_known_or_not_let_in_learns_nothing(
    serve: Callable[..., Any], client_of: Callable[..., Any]
) -> None:
    at = serve(gateway={"clients": ["127.0.0.1"]})
    wrong = client_of(at.url, password="wrong").send("POST", "/subscribers/10.0.0.1", {})
    assert wrong.status_code == 401
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")
    assert client_of(at.url).get("/subscribers") == []
    elsewhere = ["--interface", "127.0.0.2"]
    assert curl(f"{at.url}/api/v1/subscribers", *elsewhere)[0] == 403
    reader = client_of(at.url, user="reader", password="reader-pw")
    assert reader.send("GET", "/policies/rate").status_code == 404
