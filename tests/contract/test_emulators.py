"""Every emulator and its connector against each other: sample data, and each fault that all emulators can have."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from generator.billing.read import connector_of
from generator.demo.emulator import COMMON_SWITCHES, EmulatorOptions
from generator.demo.pushed import FAMILIES
from generator.demo.run import Emulated, emulating, emulator_of, systems
from generator.errors import SourceError, UsageError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.certificate import Certificate

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]

HERE = Path(__file__).parent
OVER_HTTP = [system for system in systems() if COMMON_SWITCHES.keys() <= emulator_of(system).SWITCHES.keys()]
UNHURRIED = {"requests_per_second": None}
SWITCHES = {"powercode_api": {"no_limit": "on"}}


@pytest.mark.parametrize("system", systems())
def test_the_sample_is_the_same_each_time_and_reads_without_a_warning(
    system: str, emulate: Emulate, read_from: ReadFrom
) -> None:
    emulator = emulator_of(system)
    first = emulator.sample(60, 1)
    assert emulator.sample(60, 1).dump() == first.dump()
    assert emulator.sample(60, 2).dump() != first.dump()
    assert emulator.from_lists(first.dump()).dump() == first.dump()
    with emulate(system, **SWITCHES.get(system, {})) as emulated:
        answer = read_from(emulated, **UNHURRIED)
        assert read_from(emulated, **UNHURRIED) == answer
    assert 40 <= len(answer.services) <= 80
    assert answer.plans
    assert not answer.warnings
    assert not answer.unread_groups


@pytest.mark.parametrize("system", OVER_HTTP)
@pytest.mark.parametrize(
    ("switches", "texts"),
    [
        ({"html_login": "on"}, ["HTML page"]),
        ({"html_502": "on"}, ["HTTP 502", "after 3 attempts"]),
        ({"redirect": "https://new.example.net/x"}, ["`host: new.example.net`"]),
        ({"error_object": "on"}, []),
        ({"truncated_json": "on"}, ["not whole, valid JSON"]),
        ({"cut_connection": "on"}, ["connection ended", "after 3 attempts"]),
        ({"status_500_first_n": "9"}, ["HTTP 500", "after 3 attempts"]),
        ({"status_always": "401"}, ["HTTP 401"]),
        ({"status_always": "403"}, ["HTTP 403"]),
        ({"status_always": "418"}, ["HTTP 418"]),
        ({"n_429_with_retry_after": "9:0"}, ["HTTP 429", "after 3 attempts"]),
    ],
)
def test_a_source_is_read_whole_or_not_at_all(
    system: str, emulate: Emulate, read_from: ReadFrom, switches: dict[str, str], texts: list[str]
) -> None:
    with (
        emulate(system, **SWITCHES.get(system, {}), **switches) as emulated,
        pytest.raises(SourceError) as caught,
    ):
        read_from(emulated, **UNHURRIED)
    for text in [f"{system}-main", "https://127.0.0.1", *texts]:
        assert text in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize("system", OVER_HTTP)
def test_faults_that_pass_are_survived(system: str, emulate: Emulate, read_from: ReadFrom) -> None:
    for switches in ({"status_500_first_n": "2"}, {"n_429_with_retry_after": "2:0"}, {"slow_ms": "3"}):
        with emulate(system, **SWITCHES.get(system, {}), **switches) as emulated:
            assert len(read_from(emulated, **UNHURRIED).services) >= 40


@pytest.mark.parametrize("system", systems())
@pytest.mark.parametrize("switches", [{"no_such": "1"}, {"slow_ms": "long"}, {"empty_list": "perhaps"}])
def test_a_switch_that_cannot_be_is_an_error(system: str, emulate: Emulate, switches: dict[str, str]) -> None:
    with pytest.raises(UsageError), emulate(system, **switches):
        pass


@pytest.mark.parametrize("system", systems())
def test_every_switch_is_described_and_exercised(system: str) -> None:
    folders = [system, *(family for family, members in FAMILIES.items() if system in members)]
    files = [file for name in folders for pattern in ("*/data.json", "*.py") for file in HERE.glob(f"{name}/{pattern}")]
    files.append(HERE / "test_emulators.py")
    exercised = "".join(file.read_text(encoding="utf-8") for file in files)
    for name, meaning in emulator_of(system).SWITCHES.items():
        assert len(meaning) > 10
        written = name.replace("-", "_")
        assert f'"{name}"' in exercised or written in exercised, name


@pytest.mark.parametrize("system", systems())
def test_doctor_is_told_that_all_is_well_and_where_it_is_not(
    system: str, emulate: Emulate, host_of: Callable[..., BillingHost]
) -> None:
    switches = SWITCHES.get(system, {})
    with emulate(system, **switches) as emulated:
        host = host_of(emulated, **UNHURRIED)
        found = list(connector_of(host).probe(host))
    assert found
    assert [probe.problem for probe in found] == [None] * len(found)
    assert any("example" in probe.detail for probe in found)
    wrong: dict[str, Any] = dict.fromkeys(emulated.host_vars["credentials"], "wrong-canary")
    with emulate(system, **switches) as emulated:
        host = host_of(emulated, credentials=wrong, **UNHURRIED)
        refused = list(connector_of(host).probe(host))
    assert any(probe.problem and probe.fix and probe.needed for probe in refused)
    assert "wrong-canary" not in repr(refused)


@pytest.mark.parametrize("system", systems())
def test_every_request_is_logged(system: str, certificate: Certificate, read_from: ReadFrom) -> None:
    options = EmulatorOptions(customers=3)
    with emulating(system, options, certificate=certificate) as emulated:
        assert len(read_from(emulated).services) >= 2
    assert options.seen
    assert all(each.at_s > 0 for each in options.seen)
