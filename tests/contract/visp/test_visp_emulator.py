"""The Visp emulator and the connector against each other, with every switch."""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
import urllib3

from generator.billing.read import connector_of
from generator.billing.visp.lists import customers_query
from generator.demo import visp as emulator
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import Emulated
from generator.demo.visp_data import sample
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.retry import RetryPolicy
from generator.net.serve import Listening

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
MakeHost = Callable[..., BillingHost]
HEADERS = {f"x-visp-{name.replace('_', '-')}": value for name, value in emulator.CREDENTIALS.items()}
SERVICES = 61
"""Services of the sample of 60 customers, of whom one is deleted."""


def call(at: Emulated, method: str, path: str, **more: Any) -> requests.Response:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return requests.request(method, f"{at.url}{path}", verify=False, timeout=5, **more)


def token_of(at: Emulated) -> dict[str, Any]:
    found: dict[str, Any] = call(at, "GET", "/token", headers=HEADERS).json()
    return found


def ask(at: Emulated, query: str, **variables: Any) -> dict[str, Any]:
    body = {"query": query, "variables": variables}
    found: dict[str, Any] = call(
        at, "POST", "/graphql", json=body, headers={"authorization": token_of(at)["token"]}
    ).json()
    return found


def test_the_sample_is_the_same_each_time_and_reads_without_a_warning(emulate: Emulate, read_from: ReadFrom) -> None:
    first, second = sample(60, 1), sample(60, 1)
    assert first.dump() == second.dump()
    assert sample(60, 2).customers != first.customers
    with emulate("visp") as at:
        answer = read_from(at, subscriber_id="name")
    assert len(answer.services) == SERVICES
    assert not answer.warnings
    assert not answer.rejected
    assert {group.level for service in answer.services for group in service.groups} == {"L1"}
    assert any(plan.download.burst_rate for plan in answer.plans)
    assert {service.statuses["service_status"] for service in answer.services} == {"active", "SUSPENDED"}


def test_odd_services_cost_only_themselves(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("visp", odd_rows="on") as at:
        answer = read_from(at)
    assert len(answer.services) == SERVICES + 9
    assert len(answer.rejected) == 6
    assert len(answer.warnings) == 1
    assert "'furlongs'" in answer.warnings[0]


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"no_token": "on"}, ["/token", "no token"]),
        ({"forbid": "customers"}, ["/graphql", "HTTP 403", "may see customers"]),
        ({"graphql_errors": "customers,cpes"}, ["/graphql", "Internal server error"]),
        ({"token_life": "0"}, ["/graphql", "HTTP 401", "Session expired"]),
        ({"token_life": "0", "expired_answer": "403"}, ["/graphql", "HTTP 403", "Session expired"]),
        ({"token_life": "0", "expired_answer": "errors"}, ["/graphql", "has expired"]),
        ({"n_503_first_n": "9"}, ["/graphql", "HTTP 503", "after 3 attempts"]),
    ],
)
def test_a_source_is_read_whole_or_not_at_all(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("visp", **switches) as at, pytest.raises(SourceError) as caught:
        read_from(at, subscriber_groups=False)
    for text in ["visp-main", "https://127.0.0.1", *texts]:
        assert text in str(caught.value)


@pytest.mark.parametrize(
    "switches",
    [
        {"slow_ms": "5"},
        {"status_500_first_n": "2"},
        {"n_429_with_retry_after": "2:0"},
        {"n_503_first_n": "2"},
        {"token_life": "30"},
        {"token_life": "30", "expiry_in": "jwt"},
        {"token_life": "30", "expiry_in": "nowhere"},
        {"token_queries": "1"},
        {"token_queries": "1", "expired_answer": "403"},
        {"token_queries": "1", "expired_answer": "errors"},
        {"null_lists": "on"},
    ],
)
def test_switches_that_a_reader_survives(emulate: Emulate, read_from: ReadFrom, switches: dict[str, str]) -> None:
    with emulate("visp", **switches) as at:
        answer = read_from(at)
    assert len(answer.services) == SERVICES
    assert not answer.warnings


@pytest.mark.parametrize("switch", ["forbid", "graphql_errors"])
def test_cpes_that_cannot_be_read_cost_the_groups_only(emulate: Emulate, read_from: ReadFrom, switch: str) -> None:
    with emulate("visp", **{switch: "cpes"}) as at:
        answer = read_from(at)
    assert len(answer.services) == SERVICES
    assert answer.unread_groups == {"L1"}
    assert len(answer.warnings) == 1
    assert "subscriber_groups: false" in answer.warnings[0]


def test_empty_and_null_lists(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("visp", empty_list="on") as at:
        assert read_from(at) == BillingAnswer(plans=(), services=())
    with emulate("visp", empty_list="on", null_lists="on") as at:
        assert read_from(at, subscriber_groups=False) == BillingAnswer(plans=(), services=())


def test_deleted_customers_that_the_filter_lets_through_are_rejected(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("visp", all_statuses="on") as at:
        answer = read_from(at)
    assert [each.reason for each in answer.rejected] == ["the account is deleted (status 20)"]


def test_many_customers_with_a_shared_token(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("visp", customers=2000) as at:
        answer = read_from(at)
    addresses = {address for service in answer.services for address in service.addresses}
    assert len(answer.services) == 2000
    assert len(addresses) == sum(len(service.addresses) for service in answer.services)


def test_texts_of_a_megabyte_are_cut_in_what_is_shown(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(2, 1)
    long = "x" * (1 << 20)
    data.customers[0]["first_name"] = data.customers[0]["status"] = long
    data.customers[0]["package_instances"][0]["service_instances"][0]["service_details"]["up_speed_unit"] = long
    data.customers[1]["package_instances"][0]["service_instances"][0]["service_details"]["up_speed"] = long
    with emulate("visp", data, all_statuses="on") as at:
        answer = read_from(at, block_on="account_status")
    said = "".join([*answer.warnings, *(each.reason + each.record for each in answer.rejected)])
    assert len(answer.warnings) == 2
    assert len(answer.rejected) == 1
    assert "xxxx…" in said
    assert len(said) < 1000


@pytest.mark.parametrize("name", list(emulator.CREDENTIALS))
def test_a_wrong_credential_is_refused_once_without_its_value(emulate: Emulate, read_from: ReadFrom, name: str) -> None:
    with emulate("visp") as at, pytest.raises(SourceError) as caught:
        read_from(at, credentials={**emulator.CREDENTIALS, name: "wrong-canary"})
    assert "HTTP 401" in str(caught.value)
    assert f"`{name}`" in str(caught.value)
    assert "wrong-canary" not in str(caught.value)


@pytest.mark.parametrize("value", [" blank before", "日本"])
def test_a_credential_that_fits_in_no_header_is_named(emulate: Emulate, read_from: ReadFrom, value: str) -> None:
    with emulate("visp") as at, pytest.raises(UsageError, match="password cannot be sent") as caught:
        read_from(at, credentials={**emulator.CREDENTIALS, "password": value})
    assert value not in str(caught.value)


def test_the_token_endpoint(emulate: Emulate) -> None:
    with emulate("visp", token_life="1000") as at:
        for name in HEADERS:
            refused = call(at, "GET", "/token", headers={**HEADERS, name: "wrong"})
            assert (refused.status_code, list(refused.json())) == (401, ["message"])
        first, second = token_of(at), token_of(at)
        assert call(at, "POST", "/token", headers=HEADERS).status_code == 404
    assert first["token"] != second["token"]
    claims = first["token"].split(".")[1]
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert decoded["exp"] == first["payload"]["exp"]
    assert first["payload"]["ispId"] == [123]


def test_the_bare_token_is_wanted(emulate: Emulate) -> None:
    with emulate("visp") as at:
        token = token_of(at)["token"]
        body = {"query": "{ customers { customer_id } }"}
        for header in ({}, {"authorization": f"Bearer {token}"}, {"authorization": "x"}):
            assert call(at, "POST", "/graphql", json=body, headers=header).status_code == 401
        good = {"authorization": token}
        assert len(call(at, "POST", "/graphql", json=body, headers=good).json()["data"]["customers"]) == 60
        assert call(at, "POST", "/graphql", data=b"{", headers=good).status_code == 400


def test_a_field_that_a_type_lacks_is_refused(emulate: Emulate) -> None:
    details = "package_instances { service_instances { service_details { ... on %s { %s } } } }"
    with emulate("visp") as at:
        for kind, field in (("ServiceTypeVpn", "ip_address"), ("ServiceTypeOtherConnection", "multiple_mac")):
            answer = ask(at, f"{{ customers {{ {details % (kind, field)} }} }}")
            assert answer["data"] is None
            assert answer["errors"][0]["message"].startswith(f"Cannot query field '{field}' on type '{kind}'")
        assert "errors" not in ask(at, customers_query())
        assert (
            "selection" in ask(at, "{ customerCPEwithWirelessServiceSpeeds { customer_id } }")["errors"][0]["message"]
        )


def test_queries_by_status_and_by_customer(emulate: Emulate) -> None:
    with emulate("visp") as at:
        query = "query Q($codes: [Int!]) { customers(status: $codes) { status __typename } }"
        for codes in ([20], [1, 2], []):
            rows = ask(at, query, codes=codes)["data"]["customers"]
            assert {row["status"] for row in rows} == set(codes)
        one = "{ customer(customer_id: %d) { customer_id package_instances { service_instances { service_details"
        one += " { ... on ServiceTypeDsl { description } } } } } }"
        found = ask(at, one % 4001)["data"]["customer"]
        assert found["customer_id"] == 4001
        assert found["package_instances"][0]["service_instances"][0]["service_details"] == {}
        assert ask(at, one % 1)["data"]["customer"] is None


def test_changed_data_is_answered_at_once(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(5, 1)
    with emulate("visp", data) as at:
        before = read_from(at)
        data.customers.pop()
        data.touch()
        after = read_from(at)
    assert (len(before.services), len(after.services)) == (5, 4)


def test_the_doctor_tries_each_permission(emulate: Emulate, make_host: MakeHost, quick: RetryPolicy) -> None:
    def probes(at: Emulated, **variables: Any) -> list[tuple[str, bool, bool]]:
        host = host_at(at, make_host, **variables)
        found = connector_of(host).probe(host, retry=quick)
        return [(each.what.split()[0], each.needed, each.problem is None) for each in found]

    with emulate("visp") as at:
        every = [("API", True, True), ("customers", True, True), ("packages", True, True), ("CPEs", False, True)]
        assert probes(at) == every
        assert probes(at, subscriber_groups=False) == every[:3]
        wrong = {**emulator.CREDENTIALS, "password": "wrong"}
        assert probes(at, credentials=wrong) == [("API", True, False)]
    with emulate("visp", empty_list="on") as at:
        assert probes(at) == every
    with emulate("visp", forbid="customers,cpes") as at:
        assert [works for _, _, works in probes(at)] == [True, False, False, False]


def host_at(at: Emulated, make_host: MakeHost, **variables: Any) -> BillingHost:
    reach = at.host_vars
    pin = reach["tls"]["fingerprint_sha256"]
    return make_host(Listening(host=reach["host"], port=reach["port"], fingerprint_sha256=pin), "visp", **variables)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("expired-answer", "402"),
        ("expiry-in", "clouds"),
        ("forbid", "plans"),
        ("graphql-errors", "x"),
        ("token-life", "long"),
        ("token-queries", "-1"),
        ("503-first-n", "x"),
        ("no-token", "maybe"),
        ("null-lists", "maybe"),
        ("all-statuses", "maybe"),
        ("odd-rows", "maybe"),
        ("no-such-switch", "on"),
    ],
)
def test_a_switch_that_cannot_be_read_is_an_error(name: str, value: str) -> None:
    with pytest.raises(UsageError):
        emulator.make_app_for(sample(1, 1), EmulatorOptions(switches={name: value}))
