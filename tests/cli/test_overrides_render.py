"""Overrides through `render` and `validate`, up to the BQN."""

from pathlib import Path
from typing import Any

import pytest

from generator.bqn.kinds import Kind

TOP = "# yaml-language-server: $schema=https://bqnctl.dev/schemas/overrides.schema.json\noverrides:\n"


@pytest.fixture
def decide(net: Any) -> Any:
    """Writes `overrides.yml`: each override as the flow mapping below its name."""

    def write(**each: str) -> Path:
        net.folder.mkdir(exist_ok=True)
        file: Path = net.folder / "overrides.yml"
        file.write_text(TOP + "".join(f"  {name}: {{{text}}}\n" for name, text in each.items()))
        return file

    return write


@pytest.fixture
def first(net: Any, bqnctl: Any) -> str:
    """A rendered and applied network; the answer is the line of its first subscriber."""
    net.add_billing(customers=12)
    net.add_bqn()
    assert bqnctl("render").code == 0
    assert bqnctl("apply", "--yes").code == 0
    lines: list[str] = next(iter(net.folder.glob("desired/splynx/subscribers/*.yml"))).read_text().splitlines()
    return lines[3].strip()


def test_an_override_reaches_the_bqn_and_its_end_takes_it_back(net: Any, bqnctl: Any, decide: Any, first: str) -> None:
    ip = first.split(":", maxsplit=1)[0]
    decide(vip=f"reason: x, match: {{ip: {ip}}}, set: {{rates: {{download: 123456, upload: 7000}}}}")
    assert bqnctl("render", "--check").code == 2
    assert "overrides: [vip]" in bqnctl("render", "--diff").out
    assert bqnctl("render", "--check").code == 0
    assert bqnctl("validate").out.startswith("valid")
    ran = bqnctl("apply", "--yes")
    assert ran.code == 0, ran
    store = net.bqn["bqn"].store
    assert store.get(Kind.SUBSCRIBER, ip)["policyRate"] == "Override-vip"
    decide(
        vip=f'reason: x, until: "2020-01-01", match: {{ip: {ip}}}, set: {{rates: {{download: 123456, upload: 7000}}}}'
    )
    ran = bqnctl("render", "--diff")
    assert f"+  {first}" in ran.out
    assert "override vip expired after 2020-01-01" in ran.err
    assert bqnctl("apply", "--yes").code == 0
    assert store.get(Kind.SUBSCRIBER, ip)["policyRate"] != "Override-vip"


def test_the_same_input_renders_the_same_bytes(net: Any, bqnctl: Any, decide: Any, first: str) -> None:
    decide(vip="reason: x, match: {ip: 0.0.0.0/0}, set: {groups: {add: [VIP, A, B]}}")
    assert first
    assert bqnctl("render").code == 0
    before = {path: path.read_bytes() for path in net.folder.glob("desired/**/*.yml")}
    assert "unchanged" in bqnctl("render").out
    assert {path: path.read_bytes() for path in net.folder.glob("desired/**/*.yml")} == before


@pytest.mark.parametrize("command", ["render", "validate"])
def test_a_broken_file_is_refused_with_its_place(bqnctl: Any, decide: Any, first: str, command: str) -> None:
    assert first
    file = decide(
        vip="match: {id: a}, set: {blocked: true}",
        other='reason: x, until: "2026-02-30", match: {id: a}, set: {absent: true}',
    )
    ran = bqnctl(command)
    assert ran.code == 1
    assert f"{file}:3:8: key overrides.vip: reason is missing" in ran.err
    assert bqnctl("plan").code == 0


@pytest.mark.parametrize("command", ["render", "validate"])
def test_a_conflict_is_refused_with_both_places(net: Any, bqnctl: Any, decide: Any, first: str, command: str) -> None:
    ip = first.split(":", maxsplit=1)[0]
    before = {path: path.read_bytes() for path in net.folder.glob("desired/**/*.yml")}
    file = decide(
        one=f"reason: x, match: {{ip: {ip}}}, set: {{blocked: true}}",
        two="reason: x, match: {ip: 0.0.0.0/0}, set: {blocked: false}",
    )
    ran = bqnctl(command)
    assert ran.code == 1
    assert f"{file}:4:" in ran.err
    assert f"{file}:3:" in ran.err
    assert f"disagree about the blocked of {ip}" in ran.err
    assert {path: path.read_bytes() for path in net.folder.glob("desired/**/*.yml")} == before


@pytest.mark.parametrize("command", ["render", "validate"])
@pytest.mark.parametrize("ip", ["0.0.0.0/0", "203.0.113.9"])
def test_an_unknown_policy_is_refused_whether_it_matches_or_not(
    bqnctl: Any, decide: Any, first: str, command: str, ip: str
) -> None:
    assert first
    file = decide(vip=f"reason: x, match: {{ip: {ip}}}, set: {{policy: Nowhere}}")
    ran = bqnctl(command)
    assert ran.code == 1
    assert f"{file}:3:" in ran.err
    assert "'Nowhere'" in ran.err


def test_unused_and_expired_ones_are_reported(bqnctl: Any, decide: Any, first: str) -> None:
    assert first
    file = decide(
        nobody="reason: x, match: {ip: 203.0.113.9}, set: {blocked: true}",
        past='reason: x, until: "2020-01-01", match: {ip: 0.0.0.0/0}, set: {policy: Gone}',
    )
    rendered, validated = bqnctl("render"), bqnctl("validate")
    assert (rendered.code, validated.code) == (0, 0)
    for said in (rendered.err, validated.out):
        assert f"warning: {file}:3:3: override nobody matches nobody" in said
        assert f"warning: {file}:4:3: override past expired after 2020-01-01" in said


def test_an_absent_one_leaves_the_bqn_and_stands_in_rejected(net: Any, bqnctl: Any, decide: Any, first: str) -> None:
    ip = first.split(":", maxsplit=1)[0]
    decide(gone=f"reason: x, match: {{ip: {ip}}}, set: {{absent: true}}")
    assert bqnctl("render").code == 0
    assert "absent by override gone" in (net.folder / "desired/splynx/rejected.yml").read_text()
    validated = bqnctl("validate")
    assert (validated.code, "gone" in validated.out) == (0, False)
    assert bqnctl("apply", "--yes").code == 0
    assert ip not in {item["subscriberIp"] for item in net.bqn["bqn"].store.items(Kind.SUBSCRIBER)}


def test_an_override_that_blocks_everybody_is_stopped_by_the_guard(bqnctl: Any, decide: Any, first: str) -> None:
    assert first
    decide(stop="reason: x, match: {ip: 0.0.0.0/0}, set: {blocked: true}")
    ran = bqnctl("render")
    assert ran.code == 3
    assert "max_block_percent" in ran.err
