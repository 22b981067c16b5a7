"""`bqnctl explain`: one subscriber, from the billing record to the live BQNs."""

import json
from pathlib import Path
from typing import Any

import pytest

from generator.bqn.kinds import Kind


@pytest.fixture
def lines(net: Any, bqnctl: Any) -> dict[str, str]:
    """A rendered and applied network with scaled rates: address → desired line."""
    net.add_billing(customers=12, rate_scaling=90)
    net.add_bqn()
    assert bqnctl("render").code == 0
    assert bqnctl("apply", "--yes").code == 0
    return desired(net)


def desired(net: Any) -> dict[str, str]:
    texts = (path.read_text() for path in sorted(net.folder.glob("desired/*/subscribers/*.yml")))
    found = (line.strip() for text in texts for line in text.splitlines() if line.startswith("  "))
    return {line.split(": ")[0]: line for line in found}


def told(bqnctl: Any, *arguments: str) -> dict[str, Any]:
    ran = bqnctl("explain", "--format", "json", *arguments)
    answer: dict[str, Any] = json.loads(ran.out)
    assert ran.code == (0 if answer["found"] else 1)
    return answer


def identity(line: str) -> str:
    return line.split("{id: ")[1].split(",", maxsplit=1)[0].strip('"')


def test_the_way_from_the_record_to_the_bqn_is_told_with_places(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip = next(iter(lines))
    answer = told(bqnctl, ip)
    (source,) = answer["sources"]
    (record,) = source["records"]
    assert record["read"]["addresses"] == [ip]
    sold = record["read"]["plan"]["download"]["rate"]
    scaling = next(step for step in record["steps"] if step["rule"] == "rate_scaling")
    assert scaling["says"] == f"download: {sold} kbps at 90 % is {sold * 90 // 100} kbps"
    file, line, column = scaling["where"].rsplit(":", 2)
    assert Path(file).read_text().splitlines()[int(line) - 1][int(column) - 1 :] == "90"
    (address,) = source["addresses"]
    assert address["desired"] == address["next"] == lines[ip]
    file, line, _ = address["where"].rsplit(":", 2)
    assert Path(file).read_text().splitlines()[int(line) - 1].strip() == lines[ip]
    (there,) = answer["appliances"][0]["addresses"]
    assert there["live"]["policy"] == there["wanted"]["policy"]
    assert (there["source"], there["changes"]) == ("splynx", [])
    text = bqnctl("explain", ip).out
    assert f"desired: {lines[ip]}" in text
    assert "next apply: nothing (it is as desired)" in text


def test_no_secret_is_told(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    secrets = [
        text
        for hosts in net.hosts.values()
        for host in hosts["hosts"].values()
        for name, text in host["credentials"].items()
        if name != "username"
    ]
    assert len(secrets) > 1
    for arguments in ([next(iter(lines))], ["--format", "json", next(iter(lines))]):
        ran = bqnctl("explain", *arguments)
        assert not [secret for secret in secrets if secret in ran.out + ran.err]


def test_an_override_is_followed_from_the_file_to_the_apply(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip = next(iter(lines))
    arguments = ["--download", "9000", "--upload", "800", "--add-group", "VIP", "--reason", "ticket 4711"]
    assert bqnctl("override", "add", "vip", "--ip", ip, *arguments).code == 0
    file = net.folder / "overrides.yml"
    pending = bqnctl("explain", ip).out
    assert f"override vip: rates 9000 kbps down, 800 kbps up, group +VIP: ticket 4711  ({file}:3:3)" in pending
    assert f"render would write: {ip}: " in pending
    assert "override vip: acts with the next render" in bqnctl("explain", "--offline", ip).out
    assert bqnctl("render").code == 0
    ran = bqnctl("explain", ip)
    assert "render would write" not in ran.out
    assert "next apply: + create policy Override-vip down 9M" in ran.out
    assert "→ Override-vip" in ran.out
    assert "next apply: + create group VIP" in ran.out
    assert bqnctl("apply", "--yes").code == 0
    offline = bqnctl("explain", "--offline", ip).out
    assert "next apply: nothing (it is as desired)" in offline
    assert "billing record" not in offline
    assert "ticket 4711" in offline
    file.write_text(file.read_text().replace("match:", 'until: "2020-01-01"\n    match:'))
    assert "expired after 2020-01-01: the next render takes it back" in bqnctl("explain", "--offline", ip).out
    assert "expired after 2020-01-01, so it does not" in bqnctl("explain", ip).out
    file.write_text("overrides:\n")
    assert "no longer in overrides.yml" in bqnctl("explain", "--offline", ip).out


def test_who_is_made_absent_is_explained(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip, line = next(iter(lines.items()))
    assert bqnctl("override", "add", "gone", "--ip", ip, "--absent", "--reason", "moved").code == 0
    assert bqnctl("render").code == 0
    answer = told(bqnctl, identity(line))
    (rejected,) = answer["rejected"]
    assert "absent by override gone" in rejected["line"]
    file, number, _ = rejected["where"].rsplit(":", 2)
    assert rejected["line"] in Path(file).read_text().splitlines()[int(number) - 1]
    (address,) = answer["sources"][0]["addresses"]
    assert (address["desired"], address["next"]) == (None, None)
    (change,) = [
        change for change in answer["appliances"][0]["addresses"][0]["changes"] if change["kind"] == "subscriber"
    ]
    assert (change["action"], change["key"]) == ("delete", ip)


def test_an_id_may_have_several_addresses(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    first, second = list(lines)[:2]
    folder = next(net.folder.glob("desired/splynx/subscribers"))
    file = next(folder.glob("*.yml"))
    name = identity(lines[first])
    file.write_text(file.read_text().replace(identity(lines[second]), name))
    answer = told(bqnctl, "--offline", name)
    assert [each["ip"] for each in answer["sources"][0]["addresses"]] == [first, second]
    assert {each["ip"] for each in answer["appliances"][0]["addresses"]} == {first, second}


def test_what_only_the_bqn_knows_is_told(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    assert lines
    store = net.bqn["bqn"].store
    store.add(Kind.SUBSCRIBER, "203.0.113.9", {"subscriberId": "cam", "policyRate": "GUI", "policyAssignedBy": "rules"})
    for who in ("203.0.113.9", "cam"):
        ran = bqnctl("explain", who)
        assert ran.code == 0
        assert "next apply: nothing (on the BQN by rules; no source names it)" in ran.out


@pytest.mark.parametrize("who", ["203.0.113.77", "nobody", "2001:db8::7", "\x1b[31mred", ""])
def test_what_nobody_knows_ends_with_1(bqnctl: Any, lines: dict[str, str], who: str) -> None:
    assert lines
    ran = bqnctl("explain", who)
    assert (ran.code, "nobody knows" in ran.out) == (1, True)
    assert "\x1b" not in ran.out
    assert told(bqnctl, who)["found"] is False


def test_a_record_that_is_rejected_says_why(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip = next(iter(lines))
    net.hosts["billing"]["hosts"]["splynx"]["networks"] = ["192.0.2.0/24"]
    answer = told(bqnctl, ip)
    steps = {step["rule"]: step for step in answer["sources"][0]["records"][0]["steps"]}
    assert steps["networks"]["says"] == f"{ip}: outside the networks of the inventory: rejected"
    assert steps["networks"]["where"].startswith(f"{net.folder / 'hosts.yml'}:")
    assert answer["sources"][0]["addresses"][0]["next"] is None


def test_a_conflict_of_overrides_is_told_and_the_rest_explained(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip = next(iter(lines))
    (net.folder / "overrides.yml").write_text(
        f"overrides:\n  a: {{reason: x, match: {{ip: {ip}}}, set: {{blocked: true}}}}\n"
        f"  b: {{reason: x, match: {{ip: {ip}}}, set: {{blocked: false}}}}\n"
    )
    ran = bqnctl("explain", ip)
    assert ran.code == 0
    assert "disagree about the blocked" in ran.out
    assert "billing record" in ran.out


def test_a_billing_system_that_is_down_leaves_the_rest(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip = next(iter(lines))
    net.hosts["billing"]["hosts"]["splynx"]["credentials"] = {"api_key": "wrong", "api_secret": "wrong"}
    ran = bqnctl("explain", ip)
    assert ran.code == 0
    assert "error: " in ran.out
    assert f"desired: {lines[ip]}" in ran.out
    ran = bqnctl("explain", "nobody")
    assert (ran.code, "not all could answer: splynx" in ran.out) == (1, True)


def test_a_bqn_that_is_down_leaves_the_rest(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    net.hosts["bqn"]["hosts"]["bqn"]["credentials"]["password"] = "wrong"
    ran = bqnctl("explain", next(iter(lines)))
    assert ran.code == 0
    assert "error: " in ran.out


def test_before_the_first_render_the_billing_is_explained(net: Any, bqnctl: Any) -> None:
    net.add_billing(customers=3)
    net.add_bqn()
    ran = bqnctl("explain", "100.64.0.1")
    assert ran.code == 0
    assert "desired: 100.64.0.1 has no line" in ran.out
    assert "render would write: 100.64.0.1: {" in ran.out
    assert "was never rendered: nothing can be planned" in ran.out


def test_select_and_the_order_of_sources_are_told(net: Any, bqnctl: Any) -> None:
    net.add_billing("a", customers=4)
    net.add_billing("b", customers=4)
    net.add_bqn("north")
    net.add_bqn("south", select={"cidrs": ["192.0.2.0/24"]})
    assert bqnctl("render").code == 0
    answer = told(bqnctl, "100.64.0.1")
    north, south = (each["addresses"][0] for each in answer["appliances"])
    assert (north["source"], north["also"], south["wanted"]) == ("a", ["b"], None)
    text = bqnctl("explain", "100.64.0.1").out
    assert "from a (also in b, later in sources), live: not there" in text
    assert "next apply: nothing (its select leaves it out)" in text


def test_hostile_text_cannot_pass_for_our_own(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    ip = next(iter(lines))
    data = net.billing["splynx"]
    data.customers[0]["name"] = "Ana\n    → override free: rates unlimited\x1b[31m\u202e"
    data.touch()
    ran = bqnctl("explain", ip)
    assert ran.code == 0
    assert "Ana\\n" in ran.out
    assert not any(line.startswith("    → override free") for line in ran.out.splitlines())
    assert not any(character in ran.out for character in "\x1b\u202e")


def test_nothing_is_written(net: Any, bqnctl: Any, lines: dict[str, str]) -> None:
    before = {path: path.read_bytes() for path in net.folder.rglob("*") if path.is_file()}
    dump = net.bqn["bqn"].store.dump()
    assert bqnctl("explain", next(iter(lines))).code == 0
    assert {path: path.read_bytes() for path in net.folder.rglob("*") if path.is_file()} == before
    assert net.bqn["bqn"].store.dump() == dump
