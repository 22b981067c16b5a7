"""Saved plans: canonical bytes, round trip, and honest errors."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from generator.documents.resources import resource_dir
from generator.errors import BqnctlError
from generator.reconcile.diff import diff
from generator.reconcile.guards import judge
from generator.reconcile.plan import AppliancePlan, Plan
from generator.reconcile.planfile import encode_plan, load_plan, plan_schema, save_plan
from generator.reconcile.target import make_target


@pytest.fixture
def plan(make_host: Any, make_state: Any, make_live: Any) -> Plan:
    bqn = make_host()
    target = make_target({"billing": make_state({f"10.0.0.{n}": "Home" for n in range(1, 9)})}, bqn)
    found = diff(
        target,
        make_live(subscribers=[{"subscriberIp": "10.0.0.1", "policyRate": "Old", "policyAssignedBy": "rules"}]),
        bqn,
    )
    appliance = AppliancePlan(
        name="bqn", address="127.0.0.1:3443", sources=("billing",), changes=found.changes, totals=found.totals,
        verdicts=judge(found, target, bqn.guards, {}), untouched=found.untouched,
    )  # fmt: skip
    return Plan(bqnctl="0", inventory="i", desired_digests={"billing": "x"}, appliances=(appliance,))


def test_a_plan_survives_the_disk(plan: Plan, tmp_path: Path) -> None:
    save_plan(plan, tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == plan
    assert encode_plan(load_plan(tmp_path / "plan.json")) == encode_plan(plan)
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600


def test_the_schema_on_disk_is_that_of_the_types() -> None:
    file = resource_dir("schemas") / "plan.schema.json"
    assert msgspec.json.decode(file.read_bytes()) == msgspec.json.decode(msgspec.json.encode(plan_schema()))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "bqnctl-plan/1"}', "\x00", '{"format": 5}'])
def test_what_is_no_plan_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(BqnctlError, match="not a plan of bqnctl"):
        load_plan(tmp_path / "plan.json")


def test_a_plan_of_another_format_is_refused(plan: Plan, tmp_path: Path) -> None:
    save_plan(msgspec.structs.replace(plan, format="bqnctl-plan/99"), tmp_path / "plan.json")
    with pytest.raises(BqnctlError, match="bqnctl-plan/99"):
        load_plan(tmp_path / "plan.json")
