"""The Sonar emulator and the connector against each other, with every switch."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
import urllib3

from generator.billing.sonar import probe
from generator.demo import sonar as emulator
from generator.demo.run import Emulated
from generator.demo.sonar_data import sample
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.retry import RetryPolicy
from generator.net.serve import Listening

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
KEY = f"Bearer {emulator.CREDENTIALS['api_key']}"


def post(at: Emulated, query: str, *, key: str = KEY, **variables: Any) -> requests.Response:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    body = {"query": query, "variables": variables}
    return requests.post(
        f"{at.url}/api/graphql", json=body, headers={"Authorization": key}, verify=False, timeout=5
    )  # fmt: skip


def asked(caplog: pytest.LogCaptureFixture) -> int:
    return sum('"POST /api/graphql' in record.getMessage() for record in caplog.records)


def test_the_sample_is_the_same_each_time_and_reads_without_a_warning(emulate: Emulate, read_from: ReadFrom) -> None:
    first, second = sample(60, 1), sample(60, 1)
    assert first.dump() == second.dump()
    assert sample(60, 2).accounts != first.accounts
    with emulate("sonar") as at:
        answer = read_from(at)
    assert len(answer.services) == 60
    assert not answer.warnings
    assert not answer.rejected
    assert {service.statuses["account_status"] for service in answer.services} == {"Active", "Inactive", "Employee"}
    assert {service.statuses["delinquent"] for service in answer.services} == {"Active", "delinquent"}
    assert {group.level for service in answer.services for group in service.groups} == {"L1"}
    assert any(not service.groups for service in answer.services)


def test_owners_that_are_no_accounts_are_counted_in_one_line(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="generator.billing.sonar")
    with emulate("sonar") as at:
        read_from(at, subscriber_groups=False)
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == (
        "sonar-main: left aside: 9 addresses whose owner is no account (network sites, infrastructure), "
        "0 that are no longer assigned, 0 of an IP version that is not wanted"
    )


def test_ids_are_written_as_the_switch_says(emulate: Emulate) -> None:
    for ids, first in (("strings", "1"), ("numbers", 1)):
        with emulate("sonar", ids=ids) as at:
            answer = post(at, "{ services(paginator: {records_per_page: 1}) { entities { id } } }").json()
        assert answer["data"]["services"]["entities"] == [{"id": first}]


def test_switches_that_a_reader_survives(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("sonar") as at:
        usual = read_from(at)
    for switches in (
        {"ids": "numbers"},
        {"max_records": "7"},
        {"max_records_hidden": "7"},
        {"rate_limit_first_n": "2"},
        {"status_500_first_n": "2"},
        {"n_429_with_retry_after": "1"},
        {"slow_ms": "5"},
        {"ignore_filters": "on"},
        {"unauthenticated_200": "on"},
    ):
        with emulate("sonar", **switches) as at:
            assert read_from(at) == usual, switches
    with emulate("sonar", moving_records="on", max_records="25") as at:
        moved = read_from(at)
    assert {service.record for service in moved.services} == {service.record for service in usual.services}


def test_an_empty_sonar_is_empty_however_its_pages_are_counted(emulate: Emulate, read_from: ReadFrom) -> None:
    for pages in ("on", "off"):
        with emulate("sonar", empty_list="on", empty_total_pages_0=pages) as at:
            assert read_from(at) == BillingAnswer(plans=(), services=())
            query = "{ services { page_info { total_pages total_count } } }"
            info = post(at, query).json()["data"]["services"]["page_info"]
        assert info == {"total_pages": 0 if pages == "on" else 1, "total_count": 0}


def test_odd_rows_cost_only_themselves(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("sonar", odd_rows="on") as at:
        answer = read_from(at, ip_versions=[4, 6])
    assert len(answer.services) == 60 + 8
    assert [(each.record, each.reason) for each in answer.rejected] == [
        ("IP assignment 90008", "its account is not shown")
    ]
    assert [line.partition(":")[0] for line in answer.warnings] == [
        "accounts with several data services and an address that names none of them",
        "accounts that are archived and still have addresses",
    ]
    by_record = {service.record: service for service in answer.services}
    assert by_record["IP assignment 90001"].plan == "2"
    assert by_record["IP assignment 90002"].plan is None
    assert len(by_record["IP assignment 90003"].addresses) == 8
    assert by_record["IP assignment 90004"].addresses == ("2001:db8:7::/56",)
    assert by_record["IP assignment 90005"].rank > by_record["IP assignment 801"].rank
    assert by_record["IP assignment 90007"].statuses["account_status"] == ""
    assert by_record["IP assignment 90009"].plan not in {plan.id for plan in answer.plans}


def test_pages_that_take_too_long_are_asked_for_smaller(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="generator.billing.sonar")
    with emulate("sonar", slow_pages="250") as at:
        answer = read_from(at, timeout=1.5, retry=RetryPolicy(attempts=1))
    assert len(answer.services) == 60
    assert sorted(record.getMessage().rpartition("; ")[2] for record in caplog.records) == [
        "reading ip_assignment_histories in smaller pages", "reading ip_assignments in smaller pages",
    ]  # fmt: skip


def test_groups_that_may_not_be_read_stay_and_all_else_is_read(emulate: Emulate, read_from: ReadFrom) -> None:
    for status in ("0", "403", "404"):
        with emulate("sonar", forbid="ip_assignments", forbid_status=status) as at:
            answer = read_from(at)
        assert answer.unread_groups == {"L1"}
        assert len(answer.services) == 60
        assert len(answer.warnings) == 1
        assert "L1 groups stay as they were" in answer.warnings[0]


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"forbid": "services"}, ["You do not have permission", "read services"]),
        ({"forbid": "ip_assignment_histories"}, ["You do not have permission", "read accounts"]),
        ({"forbid": "ip_assignments", "forbid_status": "503"}, ["HTTP 503", "after 3 attempts"]),
        ({"lost_records": "1"}, ["the list of services is cut short: 7 of 8 came"]),
        ({"rate_limit_first_n": "3"}, ["HTTP 429: Request limit of 400/min", "`requests_per_second: 6`"]),
        ({"rate_limit_200": "on"}, ["Request limit of 400/min", "`requests_per_second: 6`"]),
    ],
)
def test_a_source_is_read_whole_or_not_at_all(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("sonar", **switches) as at, pytest.raises(SourceError) as caught:
        read_from(at)
    for text in ["sonar-main", "https://127.0.0.1", *texts]:
        assert text in str(caught.value)


@pytest.mark.parametrize("way", ["on", "off"])
def test_a_wrong_token_is_refused_and_named_without_its_value(emulate: Emulate, read_from: ReadFrom, way: str) -> None:
    with emulate("sonar", unauthenticated_200=way) as at, pytest.raises(SourceError) as caught:
        read_from(at, credentials={"api_key": "wrong-canary"})
    assert "Unauthenticated" in str(caught.value)
    assert "Personal Access Tokens" in str(caught.value)
    assert "wrong-canary" not in str(caught.value)


def test_probes_name_what_is_missing(
    emulate: Emulate, make_host: Callable[..., BillingHost], quick: RetryPolicy
) -> None:
    with emulate("sonar", forbid="ip_assignments") as at:
        reached = Listening(
            host=at.host_vars["host"], port=at.host_vars["port"],
            fingerprint_sha256=at.host_vars["tls"]["fingerprint_sha256"],
        )  # fmt: skip
        services, addresses, devices = probe(make_host(reached, "sonar"), retry=quick)
        assert len(list(probe(make_host(reached, "sonar", subscriber_groups=False), retry=quick))) == 2
    assert (services.detail, services.problem) == ("for example service 1, of 8", None)
    assert addresses.detail == "for example IP assignment 1, of 69"
    assert not devices.needed
    assert "You do not have permission" in (devices.problem or "")
    assert "read IP assignments and inventory items" in (devices.fix or "")


def test_the_answers_of_the_api_itself(emulate: Emulate) -> None:
    with emulate("sonar") as at:
        assert post(at, "{ services { entities { id } } }", key="").status_code == 401
        assert requests.get(f"{at.url}/api/graphql", verify=False, timeout=5).status_code == 405
        wrong = post(at, "{ services { entities { download } } }")
        assert wrong.status_code == 200
        assert "Cannot query field 'download'" in wrong.json()["errors"][0]["message"]
        assert "Syntax Error" in post(at, "{ services").json()["errors"][0]["message"]
        query = "{ ip_assignments { entities { ipassignmentable { ... on Service { id } } } } }"
        assert "can never be of type 'Service'" in post(at, query).json()["errors"][0]["message"]
        query = "query ($n: Int) { accounts(paginator: {page: $n}) { entities { id } page_info { total_pages } } }"
        second = post(at, query, n=2).json()["data"]["accounts"]
        assert [row["id"] for row in second["entities"]][:1] == ["42"]
        assert second["page_info"] == {"total_pages": 3}
        query = "{ ip_assignment_histories { entities { ipassignmenthistoryable { ... on Account { id } } } } }"
        owners = [
            row["ipassignmenthistoryable"]
            for row in post(at, query).json()["data"]["ip_assignment_histories"]["entities"]
        ]
        assert owners[0] == {}
        assert owners[8] == {"id": "17"}
        query = "{ accounts { entities { account_services { entities { service(type: DATA) { type } } } } } }"
        sold = post(at, query).json()["data"]["accounts"]["entities"][0]["account_services"]["entities"]
        assert sold == [{"service": None}, {"service": {"type": "DATA"}}]


def test_the_vendors_query_for_parents_is_answered(emulate: Emulate) -> None:
    query = """{ ip_assignments(paginator: {page: 1, records_per_page: 9}) { entities { subnet ipassignmentable {
      ... on InventoryModelFieldData { inventory_item { parent_inventory_item { id inventory_model_field_data {
        entities { ip_assignments { entities { description } } } } } } } } } } }"""
    with emulate("sonar") as at:
        customer = post(at, query).json()["data"]["ip_assignments"]["entities"][8]
    parent = customer["ipassignmentable"]["inventory_item"]["parent_inventory_item"]
    fields = parent["inventory_model_field_data"]["entities"]
    assert fields[0]["ip_assignments"]["entities"] == [{"description": "Cerro Alto"}]


def test_a_change_is_seen_by_the_next_read(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(20, 1)
    with emulate("sonar", data) as at:
        before = read_from(at)
        assert read_from(at) == before
        data.accounts[0]["name"] = "Somebody else"
        data.touch()
        after = read_from(at)
    assert after.services[0].ids["name"] == "Somebody else"
    assert after.services[1:] == before.services[1:]


def test_a_page_of_records_that_moved_is_read_again(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="urllib3")
    with emulate("sonar", max_records="35") as at:
        read_from(at, subscriber_groups=False)
    steady = asked(caplog)
    caplog.clear()
    with emulate("sonar", max_records="35", moving_records="on") as at:
        read_from(at, subscriber_groups=False)
    assert (steady, asked(caplog)) == (3, 5)


@pytest.mark.parametrize(
    "switches",
    [
        {"no_such": "1"}, {"html_login": "perhaps"}, {"slow_ms": "long"}, {"ids": "words"},
        {"forbid": "everything"}, {"max_records": "few"}, {"forbid_status": "no"},
    ],
)  # fmt: skip
def test_a_switch_that_cannot_be_is_an_error(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("sonar", **switches):
        pass


def test_a_name_of_a_megabyte_is_read_and_never_shown_whole(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(3, 1)
    data.services[0]["name"] = "x" * 2**20
    data.services[1]["data_service_detail"] = None
    data.histories[-1].update(id="y" * 2**20, ipassignmenthistoryable_id=999, subnet="z" * 2**20)
    data.accounts[0].update(name="n" * 2**20, archived_at="2026-01-01")
    with emulate("sonar", data) as at:
        answer = read_from(at)
    assert len(answer.plans[0].name) == 2**20
    assert len(answer.warnings[0]) < 300
    assert len(answer.rejected[0].record) < 200
    assert len(answer.rejected[0].ip or "") < 200
