"""The Azotel emulator and the connector against each other, with every switch."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
import urllib3
import yaml

from generator.billing.azotel import probe
from generator.demo import azotel as emulator
from generator.demo.azotel_data import sample
from generator.demo.run import Emulated
from generator.errors import DocumentError, SourceError, UsageError
from generator.inventory.load import load_inventory
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.retry import RetryPolicy

ROOT = "/restapi/"
USER = {f"api_{name}": value for name, value in emulator.CREDENTIALS.items()}
Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
Outcome = Callable[[BillingAnswer], bool]


def ask(at: Emulated, function: str, body: object, method: str = "POST") -> requests.Response:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return requests.request(method, f"{at.url}{ROOT}{function}", json=body, verify=False, timeout=5)


def host_at(at: Emulated, folder: Path, **variables: object) -> BillingHost:
    hosts = {"billing": {"hosts": {"azotel-main": {**at.host_vars, **variables}}}, "bqn": {"hosts": {}}}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": hosts}}))
    return load_inventory(folder, environ={}).billing["azotel-main"]


def addresses(answer: BillingAnswer) -> int:
    return sum(len(service.addresses) for service in answer.services)


def test_the_sample_is_the_same_each_time_and_reads_without_a_warning(emulate: Emulate, read_from: ReadFrom) -> None:
    first = sample(60, 1)
    assert first.dump() == sample(60, 1).dump()
    assert sample(60, 2).customers != first.customers
    with emulate("azotel") as at:
        answer = read_from(at)
    assert len(answer.services) == 60
    assert not answer.warnings
    assert not answer.rejected
    assert {service.statuses["status"] for service in answer.services} == {"current", "post"}
    assert all(service.groups for service in answer.services)
    assert {group.level for service in answer.services for group in service.groups} == {"L1", "L2"}
    assert addresses(answer) == 63


def test_every_way_of_writing_values_reads_the_same(emulate: Emulate, read_from: ReadFrom) -> None:
    answers = []
    for values in ("as-is", "strings", "numbers", "mixed"):
        with emulate("azotel", values=values) as at:
            answers.append(read_from(at))
    assert answers[0] == answers[1] == answers[2] == answers[3]


def test_values_are_written_as_the_switch_says(emulate: Emulate) -> None:
    for values, customer, cpe in (("strings", str, str), ("numbers", int, int), ("mixed", int, str)):
        with emulate("azotel", values=values) as at:
            row = ask(at, "listCustomerBucketData", USER).json()["result"]["customerBucketData"][0]
            assert {type(row["customerid"]), type(row["bucket"]["uploadrate"])} == {customer}
            assert type(ask(at, "getCPEData", {**USER, "all": "1"}).json()["result"]["cpe"][0]["parent"]) is cpe


@pytest.mark.parametrize(
    ("switch", "outcome"),
    [
        ("bucket_ids", lambda answer: {plan.id for plan in answer.plans} == {f"azotel:{n}" for n in range(1, 9)}),
        (
            "custom_statuses",
            lambda answer: (
                {"Seasonal hold", "Disconnected", "waiting for install"}
                < {service.statuses["status"] for service in answer.services}
            ),
        ),
        (
            "mixed_case_status",
            lambda answer: {service.statuses["status"] for service in answer.services} == {"Current", "post"},
        ),
        (
            "duplicate_ips",
            lambda answer: (
                answer.services[0].addresses[0] == answer.services[1].addresses[0] and addresses(answer) == 64
            ),
        ),
        ("ipv6", lambda answer: addresses(answer) == 64 and ["IPv6" in line for line in answer.warnings] == [True]),
        (
            "odd_parents",
            lambda answer: (
                [len(service.groups) for service in answer.services[:5]] == [0, 0, 0, 0, 2]
                and ["999999" in line for line in answer.warnings] == [True]
            ),
        ),
        ("twin_equipment", lambda answer: ["(301)" in line for line in answer.warnings] == [True]),
        (
            "zero_rates",
            lambda answer: (
                ["no limit there" in line for line in answer.warnings] == [True] * 3
                and sum(not plan.download.rate for plan in answer.plans) == 3
            ),
        ),
    ],
)
def test_what_real_servers_send_besides_costs_only_itself(
    emulate: Emulate, read_from: ReadFrom, switch: str, outcome: Outcome
) -> None:
    with emulate("azotel") as at:
        usual = read_from(at)
    assert not outcome(usual)
    with emulate("azotel", **{switch: "on"}) as at:
        answer = read_from(at)
    assert outcome(answer)
    assert len(answer.services) == len(usual.services)
    assert not answer.rejected


def test_one_object_stands_for_a_list_of_one(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(1, 1)
    del data.sites[1:]
    data.sites[0]["equipment"] = [{"equipid": data.cpes[0]["parent"], "nickname": "the one"}]
    answers = []
    for switches in ({}, {"list_of_one": "on"}):
        with emulate("azotel", data, **switches) as at:
            row = ask(at, "listCustomerBucketData", USER).json()["result"]["customerBucketData"]
            assert isinstance(row, dict if switches else list)
            answers.append(read_from(at))
    assert answers[0] == answers[1]
    assert [group.name for group in answers[0].services[0].groups] == ["the one", "Cerro Alto"]


def test_customers_without_address_or_bucket_are_listed_on_demand(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(5, 1)
    data.customers[0]["ipaddresses"] = []
    data.customers[1]["bucket"] = None
    with emulate("azotel", data) as at:
        assert len(read_from(at).services) == 3
    with emulate("azotel", data, everybody="on") as at:
        answer = read_from(at)
    assert len(answer.services) == 5
    assert answer.services[0].addresses == ()
    assert answer.services[1].plan is None


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"allow_ips": "192.0.2.0/24"}, ["HTTP 403", "Access List"]),
        ({"forbid": "customers"}, ["HTTP 403", "Access List"]),
        ({"null_result": "customers"}, ["`result` is no object (null)", "listCustomerBucketData"]),
        ({"null_result": "sites"}, ["`result` is no object (null)", "subscriber_groups: false"]),
        ({"no_inner_list": "cpes"}, ["`result` has no `cpe`", "subscriber_groups: false"]),
        ({"operators": "north"}, ["Unknown operator", "`operator`"]),
    ],
)
def test_a_source_is_read_whole_or_not_at_all(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("azotel", **switches) as at, pytest.raises(SourceError) as caught:
        read_from(at)
    for text in ["azotel-main", "https://127.0.0.1", *texts]:
        assert text in str(caught.value)


def test_switches_that_a_reader_survives(emulate: Emulate, read_from: ReadFrom) -> None:
    for switches in (
        {"status_500_first_n": "2"},
        {"n_429_with_retry_after": "2:0"},
        {"slow_ms": "5"},
        {"allow_ips": "127.0.0.0/8,::1/128"},
    ):
        with emulate("azotel", **switches) as at:
            assert len(read_from(at).services) == 60
    with emulate("azotel", empty_list="on") as at:
        assert read_from(at) == BillingAnswer(plans=(), services=())
    with emulate("azotel", operators="north,south") as at:
        assert len(read_from(at, credentials={**emulator.CREDENTIALS, "operator": "south"}).services) == 60


@pytest.mark.parametrize("call", ["cpes", "sites"])
def test_a_list_of_groups_that_may_not_be_read_leaves_them_as_they_were(
    emulate: Emulate, read_from: ReadFrom, call: str
) -> None:
    with emulate("azotel", forbid=call) as at:
        answer = read_from(at)
    assert len(answer.services) == 60
    assert answer.unread_groups == {"L1", "L2"}
    assert ["HTTP 403" in line for line in answer.warnings] == [True]


@pytest.mark.parametrize("name", ["username", "password"])
def test_a_wrong_credential_is_refused_and_neither_is_ever_shown(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    given = {**emulator.CREDENTIALS, name: "wrong-canary"}
    with emulate("azotel") as at, pytest.raises(SourceError) as caught:
        read_from(at, credentials=given)
    assert "Authentication failed" in str(caught.value)
    for secret in given.values():
        assert secret not in str(caught.value)
        assert secret not in caplog.text


def test_waits_are_logged_and_honour_retry_after(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="generator")
    patient = RetryPolicy(attempts=5, first_delay_s=0.001, longest_delay_s=1.0)
    with emulate("azotel", n_429_with_retry_after="1:1") as at:
        read_from(at, retry=patient, subscriber_groups=False)
    assert [record.getMessage() for record in caplog.records] == ["azotel-main: 429, waiting 1.0 s, attempt 2 of 5"]


def test_many_buckets_without_rates_are_reported_in_few_lines(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(40, 1)
    for at_row, row in enumerate(data.customers):
        row["bucket"] = {"name": f"No rate {at_row:02}", "uploadrate": "0", "downloadrate": "0"}
    with emulate("azotel", data) as at:
        answer = read_from(at)
    assert len(answer.plans) == 40
    assert len(answer.warnings) == 21
    assert answer.warnings[-1].startswith("and 20 more like: bucket 'No rate 20'")


def test_texts_of_a_megabyte_are_read_and_never_shown_whole(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(3, 1)
    data.customers[0]["name"] = "x" * 1_000_000
    data.customers[1]["bucket"] = {"name": "n" * 1_000_000, "uploadrate": "z" * 1_000_000, "downloadrate": "0"}
    data.customers[2]["customerid"] = "i" * 1_000_000
    data.customers[2]["bucket"]["uploadrate"] = "0"
    data.cpes[0]["parent"] = "p" * 1_000_000
    with emulate("azotel", data) as at:
        answer = read_from(at)
    assert len(answer.services) == 3
    assert max(len(service.record) for service in answer.services) < 200
    assert [len(plan.problem) < 200 for plan in answer.plans if plan.problem] == [True]
    assert len(answer.warnings) == 2
    assert max(len(line) for line in answer.warnings) < 300


def test_each_permission_is_tried_by_itself(emulate: Emulate, tmp_path: Path, quick: RetryPolicy) -> None:
    with emulate("azotel") as at:
        found = list(probe(host_at(at, tmp_path), retry=quick))
    assert [each.problem for each in found] == [None] * 3
    assert [each.needed for each in found] == [True, False, False]
    assert [each.detail for each in found] == [
        "60 customers, for example customer 1001",
        "62 CPEs, for example that of customer 1001",
        "8 sites, for example site 'Cerro Alto'",
    ]
    with emulate("azotel", forbid="cpes", null_result="sites") as at:
        refused = list(probe(host_at(at, tmp_path), retry=quick))
    assert [each.problem and each.problem[:17] for each in refused] == [None, "answered HTTP 403", "`result` is no ob"]
    assert all(each.fix for each in refused[1:])
    with emulate("azotel", empty_list="on") as at:
        alone = list(probe(host_at(at, tmp_path, subscriber_groups=False), retry=quick))
    assert [each.detail for each in alone] == ["an empty list"]


def test_the_answers_of_the_interface_itself(emulate: Emulate) -> None:
    with emulate("azotel") as at:
        assert ask(at, "listSiteData", {}).json()["result"] is None
        assert "Authentication failed" in ask(at, "listSiteData", [1]).json()["error"]
        assert "Missing parameter all" in ask(at, "getCPEData", USER).json()["error"]
        assert len(ask(at, "listSiteData", USER).json()["result"]["siteData"]) == 8
        assert ask(at, "listSiteData", USER, "GET").status_code == 405
        assert ask(at, "nothing", USER).status_code == 404


def test_what_changes_in_the_data_shows_in_the_next_answer(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(5, 1)
    with emulate("azotel", data) as at:
        assert len(read_from(at).services) == 5
        del data.customers[0]
        data.touch()
        assert len(read_from(at).services) == 4


@pytest.mark.parametrize(
    "switches",
    [{"values": "odd"}, {"forbid": "money"}, {"null_result": "money"}, {"allow_ips": "no"}, {"nonsense": "on"},
     {"everybody": "perhaps"}, {"ipv6": "perhaps"}],
)  # fmt: skip
def test_a_switch_never_silently_does_nothing(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("azotel", **switches):
        pass


@pytest.mark.parametrize("settings", [{"ip_versions": [4, 6]}, {"block_on": "other"}, {"subscriber_id": "login"}])
def test_what_simpler_does_not_have_cannot_be_set(
    emulate: Emulate, read_from: ReadFrom, settings: dict[str, object]
) -> None:
    with emulate("azotel") as at, pytest.raises(DocumentError, match=next(iter(settings))):
        read_from(at, **settings)
