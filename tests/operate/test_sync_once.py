"""`bqnctl sync` without an interval: what a timer runs."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.bqn.kinds import Kind
from generator.bqn.server.faults import Fault, FaultKind
from generator.reconcile.lock import held

Run = Callable[..., Any]


def state(simulator: Any) -> dict[str, list[Any]]:
    """What it has, whatever the order it came in."""
    return {kind: sorted(rows, key=json.dumps) for kind, rows in simulator.store.dump().items()}


def writes(simulator: Any) -> int:
    return sum(seen.method != "GET" for seen in simulator.requests)


@pytest.fixture
def one(net: Any) -> Any:
    """A source of 40 customers and the appliance that it feeds."""
    net.add_billing(customers=40)
    net.add_bqn()
    return net


@pytest.fixture
def two(net: Any) -> Any:
    """Two appliances, each fed by a source of its own."""
    for letter in "ab":
        net.add_billing(f"splynx-{letter}")
        net.add_bqn(f"bqn-{letter}", sources=[f"splynx-{letter}"])
    return net


def test_it_renders_and_applies_and_then_has_nothing_to_do(one: Any, bqnctl: Run) -> None:
    first = bqnctl("sync")
    assert first.code == 0, first
    assert "splynx: " in first.out
    assert "bqn: " in first.out
    assert first.err == ""
    assert bqnctl("plan", "--detailed-exitcode").code == 0
    one.bqn["bqn"].requests.clear()
    second = bqnctl("sync")
    assert second.code == 0
    assert "unchanged" in second.out
    assert "no changes" in second.out
    assert writes(one.bqn["bqn"]) == 0


def test_what_the_billing_changes_is_followed(one: Any, bqnctl: Run) -> None:
    bqnctl("sync")
    before = len(state(one.bqn["bqn"])["subscribers"])
    one.billing["splynx"].new_customer()
    assert bqnctl("sync").code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0
    assert len(state(one.bqn["bqn"])["subscribers"]) == before + 1


def test_a_failed_source_keeps_its_state_and_the_others_go_on(two: Any, bqnctl: Run) -> None:
    bqnctl("sync")
    kept = (two.folder / "desired/splynx-b/policies.yml").read_bytes()
    two.add_billing("splynx-b", switches={"status-always": "403"})
    two.billing["splynx-a"].new_customer()
    before = {name: state(each) for name, each in two.bqn.items()}
    ran = bqnctl("sync")
    assert ran.code == 1, ran
    assert ran.err.count("error: ") == 1
    assert "its desired files stay as they were" in ran.err
    assert (two.folder / "desired/splynx-b/policies.yml").read_bytes() == kept
    assert state(two.bqn["bqn-a"]) != before["bqn-a"]
    assert state(two.bqn["bqn-b"]) == before["bqn-b"]


def test_drift_is_mended_from_the_kept_state_of_a_failed_source(two: Any, bqnctl: Run) -> None:
    bqnctl("sync")
    address = next(iter(state(two.bqn["bqn-b"])["subscribers"]))["subscriberIp"]
    before = state(two.bqn["bqn-b"])
    two.bqn["bqn-b"].store.delete(Kind.SUBSCRIBER, address)
    two.add_billing("splynx-b", switches={"status-always": "403"})
    assert bqnctl("sync").code == 1
    assert state(two.bqn["bqn-b"]) == before


def test_a_source_that_was_never_read_leaves_its_appliance_alone(two: Any, bqnctl: Run) -> None:
    two.add_billing("splynx-b", switches={"status-always": "403"})
    ran = bqnctl("sync")
    assert ran.code == 4, "the other appliance got its part"
    assert "bqn-b: no desired state of splynx-b yet" in ran.err
    assert writes(two.bqn["bqn-a"]) > 0
    assert two.bqn["bqn-b"].requests == []


def test_a_broken_tree_is_its_appliances_trouble_alone(two: Any, bqnctl: Run) -> None:
    bqnctl("sync")
    (two.folder / "desired/splynx-b/groups.yml").write_text("groups: [")
    two.billing["splynx-a"].new_customer()
    two.bqn["bqn-b"].requests.clear()
    ran = bqnctl("sync")
    assert ran.code == 4
    assert "groups.yml:2:" in ran.err
    assert "bqn-a: " in ran.out
    assert two.bqn["bqn-b"].requests == []


def test_a_guards_refusal_is_exit_3_and_allowed_once(one: Any, bqnctl: Run) -> None:
    bqnctl("sync")
    data = one.billing["splynx"]
    listed = len(data.online)
    del data.online[: listed // 6]  # fewer than max_shrink_percent, more than max_delete_percent
    data.touch()
    one.bqn["bqn"].requests.clear()
    refused = bqnctl("sync")
    assert refused.code == 3, refused
    assert writes(one.bqn["bqn"]) == 0
    assert "max_delete_percent" in refused.out
    assert bqnctl("sync", "--allow", f"delete={listed // 6}", "--allow", "update=12").code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0


def test_a_source_that_shrank_is_exit_3(one: Any, bqnctl: Run) -> None:
    bqnctl("sync")
    data = one.billing["splynx"]
    del data.online[: len(data.online) // 2]
    data.touch()
    assert bqnctl("sync").code == 3


def test_a_part_applied_is_exit_4_and_the_next_run_finishes(one: Any, bqnctl: Run) -> None:
    one.bqn["bqn"].faults.set(
        [Fault(kind=FaultKind.STATUS, status=400, method="WRITE", path="/subscribers/*", first=3)]
    )
    ran = bqnctl("sync")
    assert ran.code == 4, ran
    one.bqn["bqn"].faults.set([])
    assert bqnctl("sync").code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0


def test_an_appliance_that_is_away_is_exit_1(one: Any, bqnctl: Run) -> None:
    one.hosts["bqn"]["hosts"]["bqn"] |= {"port": 1, "timeout": 0.2}
    ran = bqnctl("sync")
    assert ran.code == 1
    assert "splynx: " in ran.out


def test_a_run_beside_another_is_refused(one: Any, bqnctl: Run, state_folder: Path) -> None:
    assert bqnctl("sync").code == 0
    (lock,) = state_folder.glob("inventory-*.lock")
    with held(lock, {}):
        ran = bqnctl("sync")
    assert ran.code == 1
    assert "another sync of this inventory is running: " in ran.err
    assert "docs/errors.md#bqnctl-error" in ran.err
    assert bqnctl("sync").code == 0


def test_a_state_that_cannot_be_understood_is_begun_anew(one: Any, bqnctl: Run, state_folder: Path) -> None:
    bqnctl("sync")
    (file,) = state_folder.glob("inventory-*.json")
    file.write_text('{"inventory": ')
    ran = bqnctl("sync")
    assert ran.code == 0
    assert "its history begins anew" in ran.err
    assert json.loads(file.read_text())["runs"] == {"ok": 1}


def test_broken_overrides_are_an_error_and_nothing_is_written(one: Any, bqnctl: Run) -> None:
    one.folder.mkdir()
    (one.folder / "overrides.yml").write_text("overrides: {vip: 1}\n")
    ran = bqnctl("sync")
    assert ran.code == 1
    assert "overrides.yml:1:" in ran.err
    assert one.bqn["bqn"].requests == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--metrics-port", "0"], "--metrics-port needs --interval"),
        (["--jitter", "3"], "--jitter needs --interval"),
        (["--interval", "5", "--allow", "delete=3"], "--allow is for one run"),
        (["--interval", "0"], "0 is not in the range"),
        (["--allow", "all"], "is not RULE=N"),
        (["-l", "bqn"], "no billing host is selected"),
        (["-l", "splynx"], "no bqn host is selected"),
    ],
)
def test_what_cannot_be_is_said_at_once(one: Any, bqnctl: Run, line: list[str], said: str) -> None:
    ran = bqnctl("sync", *line)
    assert ran.code == 1
    assert said in ran.err
    assert one.bqn["bqn"].requests == []


def test_the_limit_holds_in_a_sync(two: Any, bqnctl: Run) -> None:
    assert bqnctl("sync", "-l", "splynx-a:bqn-a").code == 0
    assert two.bqn["bqn-b"].requests == []
    assert [each.name for each in (two.folder / "desired").iterdir()] == ["splynx-a"]


def test_the_metrics_file_has_what_is_known(
    two: Any, bqnctl: Run, tmp_path: Path, metrics_of: Callable[[str], dict[str, float]]
) -> None:
    file = tmp_path / "collector" / "bqnctl.prom"
    began = time.time()
    assert bqnctl("sync", "--metrics-file", str(file)).code == 0
    first = metrics_of(file.read_text())
    assert file.stat().st_mode & 0o777 == 0o644
    assert first['runs_total{result="ok"}'] == 1
    assert began <= first["last_run_timestamp_seconds"] <= time.time()
    assert began <= first['source_last_success_timestamp_seconds{source="splynx-b"}']
    assert first['source_objects{kind="subscriber",source="splynx-a"}'] == 11
    created = {k: v for k, v in first.items() if k.startswith("changes_total") and 'appliance="bqn-a"' in k and v}
    assert set(created) == {
        f'changes_total{{action="create",appliance="bqn-a",kind="{kind}"}}'
        for kind in ("policy", "subscriber", "group")
    }
    two.add_billing("splynx-b", switches={"status-always": "403"})
    two.billing["splynx-a"].new_customer()
    assert bqnctl("sync", "--metrics-file", str(file)).code == 1
    second = metrics_of(file.read_text())
    assert second['runs_total{result="failed"}'] == 1
    assert second["last_exit_code"] == 1
    assert second['source_state{source="splynx-b",state="failed"}'] == 1
    assert second['source_state{source="splynx-b",state="ok"}'] == 0
    last = 'source_last_success_timestamp_seconds{source="splynx-%s"}'
    assert second[last % "b"] == first[last % "b"]
    assert second[last % "a"] > first[last % "a"]
    key = 'changes_total{action="create",appliance="bqn-a",kind="subscriber"}'
    assert second[key] == first[key] + 1


def test_a_metrics_file_that_cannot_be_written_spoils_no_sync(one: Any, bqnctl: Run) -> None:
    ran = bqnctl("sync", "--metrics-file", "/proc/no/such.prom")
    assert ran.code == 0
    assert "the metrics cannot be written" in ran.err


def test_a_host_that_left_the_inventory_leaves_the_metrics(two: Any, bqnctl: Run, tmp_path: Path) -> None:
    bqnctl("sync")
    del two.hosts["bqn"]["hosts"]["bqn-b"], two.hosts["billing"]["hosts"]["splynx-b"]
    bqnctl("sync", "--metrics-file", str(tmp_path / "m"))
    text = (tmp_path / "m").read_text()
    assert "bqn-a" in text
    assert "bqn-b" not in text
    assert "splynx-b" not in text


def test_drift_is_counted_apart_from_what_the_billing_changes(
    one: Any, bqnctl: Run, tmp_path: Path, metrics_of: Callable[[str], dict[str, float]]
) -> None:
    file = tmp_path / "m"

    def drift() -> float:
        assert bqnctl("sync", "--metrics-file", str(file)).code == 0
        return metrics_of(file.read_text())['drift_total{appliance="bqn",kind="subscriber"}']

    assert drift() == 0, "a first sync finds nothing that it left"
    store = one.bqn["bqn"].store
    addresses = [row["subscriberIp"] for row in store.dump()["subscribers"]]
    one.billing["splynx"].new_customer()
    assert drift() == 0
    store.delete(Kind.SUBSCRIBER, addresses[0])
    assert drift() == 1
    store.delete(Kind.SUBSCRIBER, addresses[1])
    one.billing["splynx"].new_customer()
    one.billing["splynx"].change_plan()
    assert drift() == 2
    assert drift() == 2


def test_json_events_of_one_run(one: Any, bqnctl: Run) -> None:
    ran = bqnctl("--log-format", "json", "sync")
    assert ran.code == 0
    events = [json.loads(line) for line in ran.err.splitlines()]
    assert [each["event"] for each in events] == [
        "run_started", "source_rendered", "appliance_synced", "run_finished",
    ]  # fmt: skip
    assert events[1]["objects"]["subscriber"] == 39
    assert events[2]["changes"]["subscriber"] == {"create": 39}
    assert events[3]["run"] in {file.stem for file in (one.folder / "journal").iterdir()}
    assert {"result": "ok", "exit_code": 0}.items() <= events[3].items()


def test_a_failed_source_is_an_event_and_no_loose_text(one: Any, bqnctl: Run) -> None:
    one.add_billing(switches={"status-always": "403"})
    ran = bqnctl("--log-format", "json", "sync")
    assert ran.code == 1
    events = {each["event"]: each for each in map(json.loads, ran.err.splitlines()) if "event" in each}
    assert events["source_failed"]["level"] == "error"
    assert events["source_failed"]["source"] == "splynx"
    assert "403" in events["source_failed"]["error"]
    assert events["appliance_failed"]["error"].startswith("no desired state of splynx yet")


def test_a_state_folder_that_cannot_be_written_is_an_error_before_anything_is_read(
    one: Any, bqnctl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    ran = bqnctl("sync")
    assert ran.code == 1
    assert "the state folder cannot be written" in ran.err
    assert "set XDG_STATE_HOME" in ran.err
    assert not (one.folder / "desired").exists()
