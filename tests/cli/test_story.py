"""The main job through the command line: render, plan, apply, plan again, change, apply."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.bqn.kinds import Kind


@pytest.fixture
def ready(net: Any, bqnctl: Any) -> Any:
    net.add_billing(customers=20)
    net.add_bqn()
    assert bqnctl("render").code == 0
    return net


def writes(net: Any, name: str = "bqn") -> list[Any]:
    return [request for request in net.bqn[name].requests if request.method != "GET"]


def test_apply_then_plan_is_empty_and_a_second_apply_sends_no_write(ready: Any, bqnctl: Any) -> None:
    assert bqnctl("plan", "--detailed-exitcode").code == 2
    applied = bqnctl("apply", "--yes")
    assert applied.code == 0, applied
    again = bqnctl("plan", "--detailed-exitcode")
    assert again.code == 0
    assert "no changes" in again.out
    before = len(writes(ready))
    assert bqnctl("apply", "--yes").code == 0
    assert len(writes(ready)) == before


def test_plan_writes_nothing(ready: Any, bqnctl: Any) -> None:
    assert bqnctl("plan").code == 0
    assert writes(ready) == []


def test_the_five_changes_reach_the_bqn(ready: Any, bqnctl: Any) -> None:
    bqnctl("apply", "--yes")
    data = ready.billing["splynx"]
    for change in (data.new_customer, data.change_plan, data.stop_paying, data.cancel, data.new_tariff):
        change()
    rendered = bqnctl("render", "--diff", "--allow", "shrink=5")
    assert rendered.code == 0, rendered
    assert "blocked: true" in rendered.out
    planned = bqnctl("plan")
    assert "1 newly blocked" in planned.out
    assert bqnctl("apply", "--yes").code == 0
    assert bqnctl("plan", "--detailed-exitcode").code == 0


def test_a_second_render_is_byte_identical(ready: Any, bqnctl: Any) -> None:
    desired = ready.folder / "desired"
    before = {path: path.read_bytes() for path in desired.rglob("*") if path.is_file()}
    assert len(before) >= 5
    assert bqnctl("render").out.strip().endswith("unchanged")
    assert {path: path.read_bytes() for path in desired.rglob("*") if path.is_file()} == before
    assert bqnctl("render", "--check").code == 0


def test_render_check_writes_nothing_and_says_pending(net: Any, bqnctl: Any) -> None:
    net.add_billing()
    assert bqnctl("render", "--check").code == 2
    assert not (net.folder / "desired").exists()


def test_a_saved_plan_is_applied_exactly(ready: Any, bqnctl: Any, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert bqnctl("plan", "--out", str(file)).code == 0
    plan = json.loads(file.read_text())
    assert file.read_bytes() == (bqnctl("plan", "--format", "json").out).encode()
    assert bqnctl("apply", str(file)).code == 0
    sent = [(request.method, request.body) for request in writes(ready)]
    planned = [(change["method"], change["body"]) for change in plan["appliances"][0]["changes"]]
    key = lambda pair: json.dumps(pair, sort_keys=True)  # noqa: E731 - a sort key
    assert sorted(sent, key=key) == sorted(planned, key=key)
    assert bqnctl("apply", str(file)).code == 0  # the same plan again: everything is done already
    assert len(writes(ready)) == len(sent)


def test_a_plan_of_older_desired_files_is_stale(ready: Any, bqnctl: Any, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    bqnctl("plan", "--out", str(file))
    ready.billing["splynx"].new_customer()
    bqnctl("render")
    refused = bqnctl("apply", str(file))
    assert refused.code == 3
    assert "stale plan" in refused.err
    assert writes(ready) == []


def test_apply_without_consent_refuses(ready: Any, bqnctl_process: Any) -> None:
    process = bqnctl_process("apply")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--yes" in err
    assert writes(ready) == []


def test_several_bqns_share_the_customers_by_select(net: Any, bqnctl: Any) -> None:
    net.add_billing(customers=20)
    net.add_bqn("north", select={"cidrs": ["100.64.0.0/28"]})
    net.add_bqn("south", select={"cidrs": ["0.0.0.0/0"]})
    bqnctl("render")
    applied = bqnctl("apply", "--yes")
    assert applied.code == 0, applied
    north, south = (len(net.bqn[name].store.items(Kind.SUBSCRIBER)) for name in ("north", "south"))
    assert 0 < north < south
    assert "north: " in applied.out


def test_limit_plans_only_what_it_names(ready: Any, bqnctl: Any) -> None:
    ready.add_bqn("other")
    assert "other (" not in bqnctl("plan", "-l", "bqn:!other").out
    missing = bqnctl("plan", "-l", "othr")
    assert missing.code == 1
    assert "other" in missing.err


def test_one_dead_appliance_never_hides_the_others(ready: Any, bqnctl: Any) -> None:
    ready.hosts["bqn"]["hosts"]["dead"] = {**ready.hosts["bqn"]["hosts"]["bqn"], "port": 9, "timeout": 1}
    planned = bqnctl("plan", "--detailed-exitcode")
    assert planned.code == 1
    assert "cannot be reached" in planned.out
    assert "to create" in planned.out
    assert bqnctl("apply", "--yes").code == 4
    assert bqnctl("plan", "--detailed-exitcode", "-l", "bqn:!dead").code == 0


def test_only_one_subscriber_is_applied_with_the_policy_it_needs(ready: Any, bqnctl: Any) -> None:
    applied = bqnctl("apply", "--yes", "--only", "subscriber:100.64.0.1")
    if "nothing to do" in applied.out:
        pytest.fail(f"the sample has no such address: {applied}")
    assert applied.code == 0
    assert len(writes(ready)) == 2


def test_no_render_is_not_an_empty_desired_state(net: Any, bqnctl: Any) -> None:
    net.add_billing()
    net.add_bqn()
    planned = bqnctl("plan")
    assert planned.code == 1
    assert "bqnctl render" in planned.err


@pytest.mark.parametrize(
    "line",
    [
        ["nonsense"],
        ["plan", "--format", "xml"],
        ["plan", "--only", "thing"],
        ["apply", "--allow", "x"],
        ["schema", "no"],
    ],
)
def test_a_wrong_command_line_ends_with_one(ready: Any, bqnctl: Any, line: list[str]) -> None:
    ran = bqnctl(*line)
    assert ran.code == 1
    assert ran.err
    assert "Traceback" not in ran.err
