"""The UISP emulator and the connector against each other, with every switch of its own."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import requests
import urllib3

from generator.billing.read import connector_of
from generator.demo import uisp as emulator
from generator.demo.emulator import EmulatorOptions
from generator.demo.run import Emulated, emulating
from generator.demo.uisp_data import sample
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.certificate import Certificate
from generator.net.retry import RetryPolicy

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
HostOf = Callable[..., BillingHost]

KEY = emulator.CREDENTIALS["api_key"]
CRM, OLD, NMS = "/crm/api/v1.0", "/api/v1.0", "/nms/api/v2.1"


def ask(at: Emulated, path: str, **headers: str) -> requests.Response:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return requests.get(at.url + path, headers=headers or {"x-auth-token": KEY}, verify=False, timeout=5)


def test_the_sample_has_groups_blocks_and_speeds_of_their_own_without_a_warning(
    emulate: Emulate, read_from: ReadFrom
) -> None:
    assert sample(60, 1).dump() == sample(60, 1).dump() != sample(60, 2).dump()
    with emulate("uisp") as at:
        answer = read_from(at)
    assert len(answer.services) == 60
    assert not answer.warnings
    assert not answer.rejected
    assert {group.level for service in answer.services for group in service.groups} == {"L1", "L2"}
    assert {service.statuses["service_status"] for service in answer.services} == {"active", "suspended", "ended"}
    assert any(plan.id.startswith("ovr-") for plan in answer.plans)


@pytest.mark.parametrize(
    "switches",
    [
        {"crm_path": "new"},
        {"crm_path": "old"},
        {"crm_path": "old-html"},
        {"crm_header": "app-key"},
        {"crm_header": "token"},
        {"ignore_limit": "on"},
        {"cap_rows": "7"},
        {"no_parent_names": "on"},
        {"device_kb": "20"},
    ],
)
def test_every_kind_of_server_says_the_same(emulate: Emulate, read_from: ReadFrom, switches: dict[str, str]) -> None:
    with emulate("uisp") as at:
        usual = read_from(at)
    with emulate("uisp", **switches) as at:
        assert read_from(at) == usual


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"forbid": "plans"}, [f"{CRM}/service-plans", "HTTP 403", "view service plans in the CRM"]),
        ({"forbid": "clients"}, [f"{CRM}/clients:", "HTTP 403"]),
        ({"forbid": "services"}, [f"{CRM}/clients/services", "HTTP 403"]),
        ({"forbid": "devices"}, [f"{NMS}/devices", "HTTP 403", "view devices in the NMS"]),
        ({"forbid": "sites"}, [f"{NMS}/sites", "HTTP 403"]),
        ({"down": "crm"}, ["HTTP 503", "after 3 attempts", "the CRM of UISP is down or restarting"]),
        ({"down": "nms"}, ["HTTP 503", "after 3 attempts", "the NMS of UISP is down or restarting"]),
        ({"crm_path": "old", "forbid": "plans"}, [f"{OLD}/service-plans", "HTTP 403"]),
    ],
)
def test_without_one_of_its_lists_the_source_fails(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("uisp", **switches) as at, pytest.raises(SourceError) as caught:
        read_from(at)
    for text in texts:
        assert text in str(caught.value)
    assert KEY not in str(caught.value)


def test_odd_rows_cost_only_themselves(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("uisp", odd_rows="on") as at:
        answer = read_from(at)
    odd = {service.record: service for service in answer.services if service.record.startswith("service 9000")}
    assert len(answer.services) == 60 + len(odd)
    assert odd["service 900001"].addresses == ("2001:db8:7:1::2",)
    assert odd["service 900002"].addresses == ("100.127.255.99",)
    assert [group.level for group in odd["service 900003"].groups] == ["L2"]
    assert [rejected.record for rejected in answer.rejected] == ["service 900004", "service 900005"]
    plans = {plan.id: plan for plan in answer.plans}
    archived, override = plans["auto-900006"], plans["ovr-900007"]
    assert (archived.name, archived.download.rate) == ("AUTO Gone 12.5 3M/12500K", 12500)
    assert (override.name, override.upload.rate) == ("OVRD Home 50 Mb with x/80M", None)
    assert answer.warnings == ("left out, for they are no subscribers: services of leads 1, that are not Internet 1",)


def test_large_lists_come_in_pages_of_a_thousand(certificate: Certificate, read_from: ReadFrom) -> None:
    options = EmulatorOptions(customers=2001)
    with emulating("uisp", options, certificate=certificate) as at:
        assert len(read_from(at).services) == 2001
    assert Counter(seen.request for seen in options.seen) == {
        f"GET {CRM}/service-plans": 2,
        f"GET {CRM}/clients": 4,
        f"GET {CRM}/clients/services": 4,
        f"GET {NMS}/devices": 1,
        f"GET {NMS}/sites": 1,
    }


def test_a_whole_list_that_ignores_the_limit_is_taken_at_once(certificate: Certificate, read_from: ReadFrom) -> None:
    options = EmulatorOptions(customers=1001, switches={"ignore-limit": "on"})
    with emulating("uisp", options, certificate=certificate) as at:
        assert len(read_from(at).services) == 1001
    assert Counter(seen.request for seen in options.seen)[f"GET {CRM}/clients/services"] == 1


def test_a_full_page_that_comes_again_is_refused_for_more_may_be_hidden(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("uisp", customers=1000, ignore_limit="on") as at, pytest.raises(SourceError) as caught:
        read_from(at)
    assert "page 2" in str(caught.value)
    assert "nothing was used" in str(caught.value)


def test_the_answers_of_the_api_itself(emulate: Emulate) -> None:
    with emulate("uisp") as at:
        assert ask(at, f"{CRM}/clients", none="").json() == {"code": 401, "message": "User authentication failed."}
        assert ask(at, f"{NMS}/sites", none="").json()["statusCode"] == 401
        assert ask(at, f"{NMS}/sites", **{"X-Auth-App-Key": KEY}).status_code == 401
        assert ask(at, f"{OLD}/clients", **{"X-Auth-App-Key": KEY}).status_code == 200
        assert ask(at, f"{CRM}/nothing").json()["code"] == 404
        assert ask(at, f"{NMS}/nothing").json()["statusCode"] == 404
        assert ask(at, f"{CRM}/clients?limit=x").status_code == 422
        assert ask(at, f"{CRM}/clients?limit=-1").status_code == 422
        everybody = ask(at, f"{CRM}/clients").json()
        assert ask(at, f"{CRM}/clients?limit=3&offset=2").json() == everybody[2:5]
        towers = ask(at, f"{NMS}/sites?type=site").json()
        assert {site["identification"]["type"] for site in towers} == {"site"}
        devices = ask(at, f"{NMS}/devices?siteId={towers[0]['id']}").json()
        assert {device["identification"]["role"] for device in devices} == {"ap"}
        services = ask(at, f"{CRM}/clients/services").json()
        assert {type(service["downloadSpeed"]) for service in services} == {float}


def test_archived_rows_are_hidden_and_changes_are_seen(emulate: Emulate, read_from: ReadFrom) -> None:
    data = sample(20, 1)
    with emulate("uisp", data) as at:
        before = read_from(at)
        used = data.services[0]["servicePlanId"]
        next(plan for plan in data.plans if plan["id"] == used)["archived"] = True
        data.clients[1]["isArchived"] = True
        data.services[0]["unmsClientSiteId"] = None
        data.touch()
        after = read_from(at)
    assert any(plan.id == str(used) for plan in before.plans)
    assert not any(plan.id == str(used) for plan in after.plans)
    assert len(after.services) == len(before.services) - 1
    assert after.rejected[0].reason.startswith("no client site")
    assert "clients that the CRM does not list" in after.warnings[0]


@pytest.mark.parametrize(
    ("switches", "refused"),
    [
        ({"forbid": "services"}, ["CRM, services: view"]),
        ({"forbid": "plans,devices"}, ["CRM, service plans: view", "NMS, devices: view"]),
        ({"down": "nms"}, ["NMS, sites: view", "NMS, devices: view"]),
        ({"crm_path": "old"}, []),
        ({"empty_list": "on"}, []),
    ],
)
def test_doctor_names_each_list_that_is_refused(
    emulate: Emulate, host_of: HostOf, quick: RetryPolicy, switches: dict[str, str], refused: list[str]
) -> None:
    with emulate("uisp", **switches) as at:
        found = list(connector_of(host_of(at)).probe(host_of(at), retry=quick))
    assert len(found) == 5
    assert [probe.what for probe in found if probe.problem] == refused
    assert all(probe.needed for probe in found)


def test_doctor_asks_for_little(certificate: Certificate, host_of: HostOf, quick: RetryPolicy) -> None:
    options = EmulatorOptions(customers=50)
    with emulating("uisp", options, certificate=certificate) as at:
        found = list(connector_of(host_of(at)).probe(host_of(at), retry=quick))
    assert len(options.seen) == 5
    assert [probe.detail for probe in found[:3]] == [
        "for example service plan 6", "for example client 402", "for example service 771"
    ]  # fmt: skip
    assert not any("demo" in probe.detail for probe in found)


@pytest.mark.parametrize(
    "switches",
    [
        {"crm_path": "here"},
        {"crm_header": "cookie"},
        {"forbid": "everything"},
        {"down": "all"},
        {"cap_rows": "some"},
        {"device_kb": "-1"},
        {"ignore_limit": "perhaps"},
    ],
)
def test_a_value_that_a_switch_does_not_have_is_an_error(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("uisp", **switches):
        pass


def test_texts_of_a_megabyte_are_read_and_never_shown_whole(emulate: Emulate, read_from: ReadFrom) -> None:
    long = "x" * 2**20
    data = sample(5, 1)
    data.plans[0]["name"] = data.clients[0]["companyName"] = long
    data.services[0].update(id=long, unmsClientSiteId=long, servicePlanName=long)
    data.services[1].update(id=long + "y", status=long, servicePlanId=long)
    data.services[2].update(trafficShapingOverrideEnabled=True, downloadSpeedOverride=long)
    with emulate("uisp", data) as at:
        answer = read_from(at)
    rejected = answer.rejected[0]
    assert max(map(len, (rejected.record, rejected.reason, rejected.plan or "", *answer.warnings))) < 400
    assert all(len(service.record) < 200 for service in answer.services)
    assert all(len(plan.problem or "") < 200 for plan in answer.plans)
