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


def test_a_plan_may_be_laid_out_anew_but_has_each_key_once(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(msgspec.json.format(encode_plan(plan), indent=2))
    assert load_plan(file) == plan
    file.write_bytes(encode_plan(plan).replace(b'"appliances":[', b'"appliances":[],"appliances":[', 1))
    with pytest.raises(BqnctlError, match="the key 'appliances' stands twice"):
        load_plan(file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"after":{', b'"after":{"id":[],'),
        (b'"differences":[', b'"differences":[{"field":"rate","before":{"a":1},"after":2},'),
        (b'"before":{', b'"before":{"policy":7,"policy":{},'),
    ],
)
def test_a_change_of_no_object_is_no_plan(plan: Plan, tmp_path: Path, old: bytes, new: bytes) -> None:
    """A plan may lie in a repository: what people put into it is shown as an error, never as a traceback."""
    content = encode_plan(plan)
    assert old in content
    (tmp_path / "plan.json").write_bytes(content.replace(old, new, 1))
    with pytest.raises(BqnctlError, match="not a plan of bqnctl"):
        load_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("more", [b"[" * 100_000 + b"]" * 100_000, b"9" * 5000, b'"\xff"'])
def test_what_stands_beside_a_plan_must_be_json_too(plan: Plan, tmp_path: Path, more: bytes) -> None:
    """A member that nobody knows is read by none of our types, only by the search for repeated keys."""
    (tmp_path / "plan.json").write_bytes(encode_plan(plan).rstrip()[:-1] + b',"more":' + more + b"}")
    with pytest.raises(BqnctlError, match="not a plan of bqnctl"):
        load_plan(tmp_path / "plan.json")
