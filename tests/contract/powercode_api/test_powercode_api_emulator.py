"""The Powercode REST emulator and the connector against each other, with every switch, and the pace."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from generator.billing import powercode_api as connector
from generator.billing.powercode_api import customers
from generator.cli.logs import start_log
from generator.demo.emulator import EmulatorOptions, Seen
from generator.demo.run import Emulated, emulating
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.certificate import Certificate

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
FAST = {"requests_per_second": None}


def test_never_more_than_three_requests_arrive_in_any_second(certificate: Certificate, read_from: ReadFrom) -> None:
    seen: list[Seen] = []
    options = EmulatorOptions(customers=9, switches={"slow-ms": "40"}, seen=seen)
    with emulating("powercode_api", options, certificate=certificate) as emulated:
        answer = read_from(emulated)
    assert len(answer.services) == 9
    assert len(seen) == 10  # one for the category, one for each customer: none was refused and asked again
    arrived = [each.at_s for each in seen]
    assert all(later - earlier >= 1.0 for earlier, later in zip(arrived, arrived[3:], strict=False))


def test_every_shape_reads_the_same(emulate: Emulate, read_from: ReadFrom) -> None:
    answers = []
    for switches in ({}, {"numbers": "on"}, {"lists_as_objects": "on"}):
        with emulate("powercode_api", no_limit="on", **switches) as emulated:
            answers += [read_from(emulated, mode=mode, **FAST) for mode in ("form", "json")]
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"wrong_address": "on"}, ["statusCode 1", "belongs to the address"]),
        ({"empty_list": "on", "empty_says": "Access denied"}, ["Access denied"]),
    ],
)
def test_refusals_by_status_code_are_told(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("powercode_api", no_limit="on", **switches) as emulated, pytest.raises(SourceError) as caught:
        read_from(emulated, **FAST)
    for text in ["powercode_api-main", *texts]:
        assert text in str(caught.value)


def test_json_is_refused_by_a_server_that_reads_forms_only(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("powercode_api", no_limit="on", no_json="on") as emulated:
        assert len(read_from(emulated, **FAST).services) == 60
        with pytest.raises(SourceError, match="statusCode 2"):
            read_from(emulated, mode="json", **FAST)


@pytest.mark.parametrize("reaction", ["429", "status", "drop"])
def test_a_reader_that_is_too_fast_gives_up_whole(emulate: Emulate, read_from: ReadFrom, reaction: str) -> None:
    with emulate("powercode_api", over_limit=reaction) as emulated, pytest.raises(SourceError):
        read_from(emulated, **FAST)


def test_a_customer_who_fails_is_left_as_he_is(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("powercode_api", no_limit="on", fail_customers="5001,5002") as emulated:
        answer = read_from(emulated, **FAST)
    assert len(answer.services) == 58
    assert [each.addresses for each in answer.unread] == [("100.64.0.2",), ("100.64.0.3",)]
    assert "Customer is locked" in answer.unread[0].reason


def test_customers_who_fail_one_after_the_other_end_the_run(emulate: Emulate, read_from: ReadFrom) -> None:
    failing = ",".join(str(number) for number in range(5010, 5015))
    with emulate("powercode_api", no_limit="on", fail_customers=failing) as emulated, pytest.raises(SourceError):
        read_from(emulated, **FAST)


def test_fewer_rows_are_fewer_services(emulate: Emulate, read_from: ReadFrom) -> None:
    with emulate("powercode_api", no_limit="on", limit_rows="5") as emulated:
        assert len(read_from(emulated, **FAST).services) == 4  # the first piece is the provider's
    with emulate("powercode_api", no_limit="on", empty_list="on") as emulated:
        assert read_from(emulated, **FAST) == BillingAnswer(plans=(), services=())


@pytest.mark.parametrize("switches", [{"over_limit": "shout"}, {"numbers": "perhaps"}])
def test_a_switch_that_cannot_be_is_an_error(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("powercode_api", **switches):
        pass


def test_what_doctor_is_told(emulate: Emulate, host_of: Callable[..., BillingHost]) -> None:
    with emulate("powercode_api", no_limit="on") as emulated:
        host = host_of(emulated, equipment_categories=[1, 2], block_on="customer_status")
        found = {probe.what: probe for probe in connector.probe(host)}
    assert list(found) == [
        "getEquipmentByCategory 1", "getEquipmentByCategory 2", "readCustomerService", "readCustomer",
    ]  # fmt: skip
    assert all(probe.problem is None for probe in found.values())
    assert found["getEquipmentByCategory 2"].detail == "none"


def test_it_says_how_far_it_is_and_how_long_it_will_take_however_quiet_the_log(
    emulate: Emulate, read_from: ReadFrom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(customers, "_SAY_EVERY_S", 0.0)
    logger = logging.getLogger("generator")
    monkeypatch.setattr(logger, "handlers", list(logger.handlers))
    monkeypatch.setattr(logger, "propagate", logger.propagate)
    monkeypatch.setattr(logger, "level", logger.level)
    start_log(verbose=0, log_format="text")
    with emulate("powercode_api", no_limit="on", customers=4) as emulated:
        read_from(emulated, requests_per_second=1000)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "powercode_api-main: 4 customers to ask, about 0 s"
    assert [line.split(", about ")[0] for line in said[1:]] == [
        f"powercode_api-main: {done} of 4 customers read" for done in (1, 2, 3)
    ]
    assert all(line.endswith(" s left") for line in said[1:])
