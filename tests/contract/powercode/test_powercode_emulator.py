"""The Powercode emulator and the connector against each other, with every switch."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from generator.billing import powercode as connector
from generator.demo import powercode as emulator
from generator.demo.run import Emulated
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]


@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"forbid": "Services,Customer"}, ["1142", "Customer"]),
        ({"missing": "AddressRange"}, ["1142", "AddressRange"]),
        ({"no_forwarding": "on"}, ["AllowTcpForwarding local"]),
        ({"mysql_down": "on"}, ["cannot be reached", "after 3 attempts"]),
        ({"refuse_first_n": "3"}, ["cannot be reached", "after 3 attempts"]),
        ({"cut_after": "2000"}, ["after 3 attempts"]),
    ],
)
def test_a_source_is_read_whole_or_not_at_all(
    emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with emulate("powercode", **switches) as emulated, pytest.raises(SourceError) as caught:
        read_from(emulated)
    for text in ["powercode-main", *texts]:
        assert text in str(caught.value)


def test_switches_that_a_reader_survives(emulate: Emulate, read_from: ReadFrom) -> None:
    for switches in ({"refuse_first_n": "2"}, {"slow_ms": "1"}):
        with emulate("powercode", **switches) as emulated:
            assert len(read_from(emulated).services) == 60
    with emulate("powercode", empty_list="on") as emulated:
        assert read_from(emulated) == BillingAnswer(plans=(), services=())


def test_a_change_is_seen_by_the_next_read(emulate: Emulate, read_from: ReadFrom) -> None:
    data = emulator.sample(3, 1)
    with emulate("powercode", data) as emulated:
        assert len(read_from(emulated).services) == 3
        data.Equipment.pop()
        data.touch()
        assert len(read_from(emulated).services) == 2


@pytest.mark.parametrize("switches", [{"forbid": "Tickets"}, {"missing": "Tickets"}])
def test_a_switch_that_cannot_be_is_an_error(emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate("powercode", **switches):
        pass


def test_the_library_s_own_log_says_nothing(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with emulate("powercode") as emulated, pytest.raises(SourceError):
        read_from(emulated, host_key="SHA256:" + "A" * 43)
    assert [record for record in caplog.records if record.name.startswith("paramiko")] == []


def test_what_doctor_is_told(emulate: Emulate, host_of: Callable[..., BillingHost]) -> None:
    with emulate("powercode", forbid="Equipment") as emulated:
        found = {probe.what: probe for probe in connector.probe(host_of(emulated))}
    wrong = {what for what, probe in found.items() if probe.problem}
    assert wrong == {"SELECT on Equipment"}
    assert "GRANT SELECT" in str(found["SELECT on Equipment"].fix)
    assert found["SELECT on Customer"].detail.startswith("for example CustomerID")


def test_doctor_asks_no_table_after_a_refused_login(emulate: Emulate, host_of: Callable[..., BillingHost]) -> None:
    wrong: dict[str, Any] = {"ssh_username": "demo-powercode", "ssh_password": "wrong"}
    with emulate("powercode") as emulated:
        found = list(connector.probe(host_of(emulated, credentials=wrong)))
    assert [probe.problem is None for probe in found] == [False]


def test_the_mysql_user_is_the_ssh_user_where_there_is_no_other(emulate: Emulate, read_from: ReadFrom) -> None:
    both: dict[str, Any] = {name: emulator.CREDENTIALS[name] for name in ("ssh_username", "ssh_password")}
    with emulate("powercode") as emulated:
        assert len(read_from(emulated, credentials=both).services) == 60
        with pytest.raises(SourceError, match="MySQL error 1045"):
            read_from(emulated, credentials={**both, "mysql_password": "another-canary"})
