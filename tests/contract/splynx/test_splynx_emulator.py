"""The Splynx emulator and the connector against each other, with every switch."""

import base64
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import requests
import urllib3

from generator.demo import splynx as emulator
from generator.demo.run import Emulated
from generator.demo.splynx_data import sample
from generator.errors import SourceError, UsageError
from generator.model import BillingAnswer
from generator.net.retry import RetryPolicy

ROOT = "/api/2.0/admin/"
BASIC = "Basic " + base64.b64encode(":".join(emulator.CREDENTIALS.values()).encode()).decode()
Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]


def ask(at: Emulated, path: str, method: str = "GET", auth: str = BASIC) -> requests.Response:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    headers = {"Authorization": auth} if auth else {}
    return requests.request(method, f"{at.url}{ROOT}{path}", headers=headers, verify=False, timeout=5)


def test_the_sample_is_the_same_each_time_and_reads_without_a_warning(emulate: Emulate, read_from: ReadFrom) -> None:
    first, second = sample(60, 1), sample(60, 1)
    assert first.online == second.online
    assert first.customers == second.customers
    assert sample(60, 2).customers != first.customers
    with emulate("splynx") as at:
        answer = read_from(at, subscriber_groups=True, subscriber_id="name")
    assert len(answer.services) == len(first.online)
    assert not answer.warnings
    assert not answer.rejected
    assert {group.level for service in answer.services for group in service.groups} == {"L1", "L2"}


def test_every_way_of_writing_values_reads_the_same(emulate: Emulate, read_from: ReadFrom) -> None:
    answers = []
    for values in ("strings", "numbers", "mixed"):
        with emulate("splynx", values=values) as at:
            answers.append(read_from(at, subscriber_groups=True, mode="internet-services"))
    assert answers[0] == answers[1] == answers[2]
    assert len(answers[0].services) == len(sample(60, 1).services)


def test_odd_sessions_cost_only_themselves(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("splynx", odd_rows="on") as at:
        answer = read_from(at, ip_versions=[4, 6])
    clean = len(sample(60, 1).online)
    assert len(answer.services) == clean + 6
    assert [rejected.reason for rejected in answer.rejected] == ["no IPv4 address"] * 2


@pytest.mark.parametrize("values", ["strings", "numbers"])
def test_an_old_release_reads_without_blocks_and_bursts(emulate: Emulate, read_from: ReadFrom, values: str) -> None:
    with emulate("splynx", old_release="on", values=values) as at:
        answer = read_from(at)
    assert all(service.statuses["session_blocked"] == "active" for service in answer.services)
    assert all(plan.download.burst_rate is None for plan in answer.plans)
    assert len(answer.warnings) == 1


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"no_basic": "on"}, ["HTTP 401", "Unsecure access"]),
        ({"allow_ips": "192.0.2.0/24"}, ["HTTP 403", "allowed"]),
        ({"forbid": "tariffs"}, ["Tariff plans → Internet: view"]),
        ({"forbid": "online"}, ["Customers → Customers online: view"]),
        ({"limit_rows": "5"}, ["cut short: 5 of"]),
        ({"limit_rows": "5", "total_count": "on", "no_head": "on"}, ["cut short: 5 of"]),
    ],
)
def test_a_source_is_read_whole_or_not_at_all(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("splynx", **switches) as at, pytest.raises(SourceError) as caught:
        read_from(at)
    for text in ["splynx-main", "https://127.0.0.1", *texts]:
        assert text in str(caught.value)


def test_switches_that_a_reader_survives(emulate: Emulate, read_from: ReadFrom) -> None:
    for switches in (
        {"status_500_first_n": "2"},
        {"slow_ms": "5"},
        {"total_count": "on"},
        {"no_head": "on"},
        {"allow_ips": "127.0.0.0/8,::1/128"},
    ):
        with emulate("splynx", **switches) as at:
            assert len(read_from(at).services) == len(sample(60, 1).online)
    with emulate("splynx", empty_list="on", no_head="on") as at:
        assert read_from(at) == BillingAnswer(plans=(), services=())


def test_an_empty_list_that_should_not_be_is_refused(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("splynx", empty_list="on") as at, pytest.raises(SourceError, match="cut short: 0 of 8"):
        read_from(at)


def test_waits_are_logged_and_honour_retry_after(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="generator")
    patient = RetryPolicy(attempts=5, first_delay_s=0.001, longest_delay_s=1.0)
    with emulate("splynx", n_429_with_retry_after="1:1") as at:
        read_from(at, retry=patient, subscriber_groups=False)
    assert [record.getMessage() for record in caplog.records] == ["splynx-main: 429, waiting 1.0 s, attempt 2 of 5"]


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
def test_a_wrong_credential_is_refused_and_named_without_its_value(
    emulate: Emulate, read_from: ReadFrom, name: str
) -> None:
    with emulate("splynx") as at, pytest.raises(SourceError) as caught:
        read_from(at, credentials={**emulator.CREDENTIALS, name: "wrong-canary"})
    assert "HTTP 401" in str(caught.value)
    assert "wrong-canary" not in str(caught.value)


def test_the_answers_of_the_api_itself(emulate: Emulate) -> None:
    online = "customers/customers-online"
    total = len(sample(60, 1).online)
    with emulate("splynx") as at:
        assert ask(at, online, auth="").json()["error"]["internal_code"] == "MISSED_AUTHORIZATION_HEADER"
        assert ask(at, online, auth="Basic !").status_code == 401
        assert ask(at, online, "HEAD").headers["X-total-count"] == str(total)
        assert "X-total-count" not in ask(at, online).headers
        names = [attribute["name"] for attribute in ask(at, online, "OPTIONS").json()["attributes"]]
        assert {"blocked", "ipv6_prefix"} <= set(names)
        assert ask(at, online, "POST").status_code == 405
        assert ask(at, "nothing").json()["error"]["code"] == 404
        assert ask(at, "api/check").json()["status"] == "ok"
        page = ask(at, f"{online}?limit=2&offset=1&order%5Bid%5D=DESC").json()
        everything = ask(at, online).json()
        assert page == list(reversed(everything))[1:3]
        assert ask(at, f"{online}?limit=x").status_code == 400
        blocked = ask(at, f"{online}?main_attributes%5Bblocked%5D=1").json()
        assert blocked == [row for row in everything if row["blocked"] == "1"] != []


def test_the_five_typical_changes_are_seen_by_the_next_read(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(60, 1)
    with emulate("splynx", data) as at:
        before = read_from(at)
        assert read_from(at) == before
        assert "new customer" in data.new_customer()
        signed_up = read_from(at)
        assert len(signed_up.services) == len(before.services) + 1
        data.change_plan()
        moved = read_from(at)
        assert sum(a.plan != b.plan for a, b in zip(signed_up.services, moved.services, strict=True)) == 1
        data.stop_paying()
        unpaid = read_from(at)
        assert blocked(unpaid) > blocked(moved)
        data.cancel()
        left = read_from(at)
        assert len(left.services) < len(unpaid.services)
        assert len(read_from(at, mode="internet-services").services) < len(data.services)
        data.new_tariff()
        assert len(read_from(at).plans) == len(before.plans) + 1


def blocked(answer: BillingAnswer) -> int:
    return sum(service.statuses["session_blocked"] == "blocked" for service in answer.services)


def test_changes_are_the_same_each_time() -> None:
    said = []
    for _ in range(2):
        data = sample(60, 3)
        changes = (data.new_customer, data.change_plan, data.stop_paying, data.cancel, data.new_tariff)
        said.append([change() for change in changes])
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "switches",
    [
        {"no_such": "1"}, {"html_login": "perhaps"}, {"slow_ms": "long"}, {"values": "words"},
        {"forbid": "everything"}, {"allow_ips": "here"}, {"n_429_with_retry_after": "a:b"},
    ],
)  # fmt: skip
def test_a_switch_that_cannot_be_is_an_error(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("splynx", **switches):
        pass


def test_a_name_of_a_megabyte_is_read_and_never_shown_whole(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(3, 1)
    data.tariffs[0]["service_name"] = "x" * 2**20
    data.tariffs[0]["burst_time"] = 0
    data.online[0].update(id="y" * 2**20, login="z" * 2**20, ipv4="")
    data.online[1].update(id="y" * 2**20)
    with emulate("splynx", data) as at:
        answer = read_from(at)
    assert len(answer.plans[0].name) == 2**20
    assert len(answer.warnings[0]) < 500
    assert len(answer.rejected[0].record) < 200
    assert len(answer.rejected[0].id or "") < 200
    assert len(answer.services[0].record) < 200
