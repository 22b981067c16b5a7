"""The emulator of ISPCube's API and the connector against each other: account, requests, secrets, every switch."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
import urllib3

from generator.billing.ispcube.calls import TOKEN_PATH
from generator.billing.ispcube.lists import CONNECTIONS, CUSTOMERS, NODES, PlanRow, plans_listing
from generator.billing.read import connector_of
from generator.demo import ispcube as emulator
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import Emulated, emulating
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.certificate import Certificate

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
HostOf = Callable[..., BillingHost]

HEADERS = {
    "api-key": emulator.CREDENTIALS["api_key"], "client-id": emulator.CREDENTIALS["client_id"], "login-type": "api",
    "username": emulator.CREDENTIALS["username"],
}  # fmt: skip
ACCOUNT = {name: emulator.CREDENTIALS[name] for name in ("username", "password")}
PLANS_PATH = plans_listing(None).path


def call(at: Emulated, method: str, path: str, **more: Any) -> requests.Response:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return requests.request(method, f"{at.url}{path}", verify=False, timeout=5, **more)


def bearer(at: Emulated) -> dict[str, str]:
    token = call(at, "POST", TOKEN_PATH, headers=HEADERS, json=ACCOUNT).json()
    return {**HEADERS, "Authorization": f"Bearer {token}"}


def test_the_sample_has_what_real_ones_have(emulate: Emulate, read_from: ReadFrom) -> None:
    data = emulator.sample(60, 1)
    count = Counter(row["customer_id"] for row in data.connections if not row["deleted"])
    assert {0, 1, 2} == {count[row["id"]] for row in data.customers}
    with emulate("ispcube", data) as at:
        answer = read_from(at)
    assert not answer.warnings
    assert {service.statuses["status"] for service in answer.services} == {"active", "blocked", "no_service"}
    assert sum(not service.addresses for service in answer.services) == 2
    assert all(len(service.ids["code"]) == 6 for service in answer.services)
    assert [each.reason.partition(",")[0] for each in answer.rejected] == ["the connection is deleted in ISPCube"] * 2
    shared = answer.rejected[0].reason.rpartition(" ")[2]
    assert [service.addresses for service in answer.services].count((shared,)) == 1


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(("method", "path"), [("POST", TOKEN_PATH), ("GET", PLANS_PATH)])
def test_each_header_is_wanted_by_name(emulate: Emulate, method: str, path: str, header: str) -> None:
    with emulate("ispcube") as at:
        headers = bearer(at)
        del headers[header]
        answer = call(at, method, path, headers=headers, json=ACCOUNT)
    assert answer.status_code == 400
    assert answer.json() == {"status": False, "message": f"{header} requerido"}


def test_a_list_is_shown_to_who_has_a_token_and_the_right_headers(emulate: Emulate) -> None:
    with emulate("ispcube") as at:
        headers = bearer(at)
        assert call(at, "GET", NODES.path, headers=headers).status_code == 200
        assert call(at, "GET", NODES.path, headers=HEADERS).status_code == 401
        assert call(at, "GET", NODES.path, headers={**headers, "api-key": "other"}).status_code == 401
        assert call(at, "POST", TOKEN_PATH, headers=HEADERS, json={"username": "x"}).status_code == 401
        assert call(at, "POST", TOKEN_PATH, headers=HEADERS, data="[").status_code == 422
        assert call(at, "GET", CUSTOMERS.path, headers=headers, params={"limit": "all"}).status_code == 422
        page = call(at, "GET", CUSTOMERS.path, headers=headers, params={"limit": "2", "offset": "3"}).json()
    assert [row["code"] for row in page] == ["000004", "000005"]


def test_requests_are_few_whatever_the_number_of_customers(certificate: Certificate, read_from: ReadFrom) -> None:
    for customers, pages in ((10, 1), (1000, 1), (2500, 3)):
        options = EmulatorOptions(customers=customers)
        with emulating("ispcube", options, certificate=certificate) as at:
            assert len(read_from(at).services) >= customers * 0.9
        assert Counter(each.request for each in options.seen) == {
            f"POST {TOKEN_PATH}": 1, f"GET {PLANS_PATH}": 1, f"GET {CONNECTIONS.path}": 1,
            f"GET {CUSTOMERS.path}": pages, f"GET {NODES.path}": 1,
        }  # fmt: skip


def test_the_operator_is_told_how_many_requests_it_took(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "generator.progress")
    with emulate("ispcube", customers=1000) as at:
        present = len(read_from(at).services)
    with emulate("ispcube", status_500_first_n="2") as at:
        read_from(at)
    with emulate("ispcube", forbid="plans") as at, pytest.raises(SourceError):
        read_from(at)
    told = [each.getMessage() for each in caplog.records if each.name == "generator.progress"]
    allowance = int(present * 2.5)
    assert told[0] == (
        f"ispcube-main: 5 requests to ISPCube's API; a cloud installation with {present} active connections has "
        f"{allowance} a month: {allowance // 5} runs like this one"
    )
    assert told[1].startswith("ispcube-main: 7 requests to ISPCube's API; ")
    assert told[2:] == ["ispcube-main: 2 requests to ISPCube's API"]


@pytest.mark.parametrize(
    "switches",
    [
        {"token_shape": "text"},
        {"token_shape": "object"},
        {"token_shape": "data-string"},
        {"token_shape": "data-object"},
        {"token_lasts": "2"},
        {"connections_delay_ms": "50"},
        {"max_limit": "7"},
        {"envelope": "on"},
        {"strings": "on"},
        {"vanish": "on"},
        {"limit_rows": "60"},
    ],
)
def test_switches_that_a_reader_survives(emulate: Emulate, read_from: ReadFrom, switches: dict[str, str]) -> None:
    with emulate("ispcube") as at:
        wanted = read_from(at)
    with emulate("ispcube", **switches) as at:
        assert read_from(at) == wanted


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"token_lasts": "1"}, ["HTTP 401", "Unauthenticated"]),
        ({"over_quota_after": "4"}, ["HTTP 429", "after 3 attempts", "meters"]),
        ({"limit_rows": "30", "max_limit": "10"}, ["the list of customers is cut short"]),
        ({"error_200": "on"}, ["Error interno"]),
        ({"forbid": "connections"}, ["HTTP 403", "permission"]),
    ],
)
def test_switches_that_fail_the_source(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("ispcube", **switches) as at, pytest.raises(SourceError) as caught:
        read_from(at)
    for text in ["ispcube-main", "https://127.0.0.1", *texts]:
        assert text in str(caught.value)


def test_a_customer_deleted_between_pages_costs_no_other(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("ispcube", max_limit="7") as at:
        wanted = {service.record for service in read_from(at).services}
    with emulate("ispcube", max_limit="7", vanish="on") as at:
        answer = read_from(at)
    assert wanted - {service.record for service in answer.services} == {"connection 5001"}
    assert "connection 5001" in {each.record for each in answer.rejected}


@pytest.mark.parametrize("switches", [{"token_shape": "xml"}, {"forbid": "invoices"}, {"token_lasts": "long"}])
def test_a_switch_that_cannot_be_is_an_error(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("ispcube", **switches):
        pass


def test_no_password_and_no_token_is_in_answer_error_or_log(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    data = emulator.sample(40, 1)
    said = []
    with emulate("ispcube", data) as at:
        said.append(repr(read_from(at)))
    for switches in ({"truncated_json": "on", "token_shape": "text"}, {"cut_connection": "on"}, {"token_lasts": "1"}):
        with emulate("ispcube", data, **switches) as at, pytest.raises(SourceError) as caught:
            read_from(at)
        said.append(str(caught.value))
    everything = "".join(said) + caplog.text
    assert "connection 5001" in everything
    assert "demoIspcubeToken" not in everything
    assert emulator.CREDENTIALS["password"] not in everything
    for row in data.connections:
        assert row["password"] not in everything


def test_doctor_names_what_a_plan_has_and_stops_at_a_refused_account(emulate: Emulate, host_of: HostOf) -> None:
    with emulate("ispcube") as at:
        host = host_of(at, plan_speed_members=None)
        found = list(connector_of(host).probe(host))
        lists = (PLANS_PATH, CUSTOMERS.path, CONNECTIONS.path, NODES.path)
        assert [probe.what for probe in found] == [f"POST {TOKEN_PATH}", *(f"GET {path}" for path in lists)]
        assert "whose members are: id, name, price, download_kbps, upload_kbps" in found[1].detail
        assert "example connection 5001" in found[3].detail
        wrong = host_of(at, credentials={**emulator.CREDENTIALS, "password": "wrong-canary"})
        assert len(list(connector_of(wrong).probe(wrong))) == 1
    with emulate("ispcube", forbid="nodes,customers") as at:
        host = host_of(at)
        refused = {probe.what: probe.needed for probe in connector_of(host).probe(host) if probe.problem}
    assert refused == {f"GET {CUSTOMERS.path}": True, f"GET {NODES.path}": False}
    with emulate("ispcube", empty_list="on") as at:
        host = host_of(at, subscriber_groups=False)
        assert {probe.detail for probe in connector_of(host).probe(host)} == {"a token came", "an empty list"}


@pytest.mark.parametrize("name", ["api_key", "client_id", "username"])
def test_a_credential_that_no_header_can_carry_is_named(emulate: Emulate, read_from: ReadFrom, name: str) -> None:
    with emulate("ispcube") as at, pytest.raises(UsageError, match=f"{name} cannot be sent in an HTTP header"):
        read_from(at, credentials={**emulator.CREDENTIALS, name: " ключ"})


@pytest.mark.parametrize("members", [{"download": "id", "upload": "name"}, {"download": "id", "upload": "kbps"}])
def test_members_that_every_plan_has_may_be_named_as_speeds(members: dict[str, str]) -> None:
    row = plans_listing(members).row
    assert issubclass(row, PlanRow)
    assert set(row.__struct_encode_fields__) == {"id", "name", *members.values()}
