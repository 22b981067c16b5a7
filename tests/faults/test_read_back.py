"""What the appliance made of a write is read again: exit 4, with the object and the likely cause."""

from typing import Any

import pytest

from generator.model import Subscriber


def wanted(states: Any, **more: Any) -> Any:
    lines = {"10.0.0.1": "Home", **more}
    return states.make([states.policy("Home", 50_123), states.policy("Slow", 1_000)], lines)


def test_a_static_policy_that_owns_the_name(site: Any, bqn: Any, states: Any) -> None:
    bqn.reset({}, static_policies=["Slow"])
    site.want(wanted(states))
    for _ in range(2):
        applied = site.run("apply", "--yes")
        assert applied.code == 4, applied
        assert "not as written: policy Slow" in applied.out
        assert "static policy" in applied.out
        assert applied.out.count("not as written") == 1
    bqn.reset(bqn.state())
    assert site.run("apply", "--yes").code == 0


def test_rates_that_the_appliance_rounds(site: Any, bqn: Any, states: Any) -> None:
    bqn.reset({}, rate_step=1000)
    site.want(wanted(states))
    applied = site.run("apply", "--yes")
    assert applied.code == 4, applied
    assert "not as written: policy Home" in applied.out
    assert "50000" in applied.out
    assert "50123" in applied.out
    assert "the appliance changed the values" in applied.out


def test_another_ipv6_prefix_length(site: Any, bqn: Any, states: Any) -> None:
    bqn.reset({}, ipv6_prefix=56)
    ip = "2001:db8:0:17::"
    line = Subscriber(ip=ip, id="six", policy="Home")
    site.want(states.make([states.policy("Home")], {ip: line, "10.0.0.1": "Home"}))
    applied = site.run("apply", "--yes")
    assert applied.code == 4, applied
    assert f"not as written: subscriber {ip}" in applied.out
    assert "ipv6_prefix" in applied.out


@pytest.mark.parametrize("spelling", ["2001:db8:0:17::", "2001:db8:0:17:aaaa::1", "2001:DB8:0000:0017::BEEF"])
def test_host_bits_and_spelling_of_ipv6_make_no_difference(site: Any, bqn: Any, states: Any, spelling: str) -> None:
    """The same subscriber on every run: neither created twice nor deleted."""
    site.want(states.make([states.policy("Home")], {spelling: Subscriber(ip=spelling, id="six", policy="Home")}))
    assert site.run("apply", "--yes").code == 0
    assert [s["subscriberIp"] for s in bqn.state()["subscribers"]] == ["2001:db8:0:17::"]
    bqn.fail()
    assert site.run("plan", "--detailed-exitcode").code == 0
    assert site.run("apply", "--yes").code == 0
    assert bqn.writes() == []


def test_the_live_state_cannot_be_read_again(site: Any, bqn: Any, states: Any) -> None:
    site.want(wanted(states))
    bqn.fail({"kind": "html", "method": "GET", "path": "/subscribers", "first": 3})
    applied = site.run("apply", "--yes")
    assert applied.code == 4, applied
    assert "could not be read back" in applied.out
    bqn.fail()
    assert site.run("apply", "--yes").code == 0


def test_a_reboot_in_mid_run_is_noticed_and_the_next_run_converges(site: Any, bqn: Any, states: Any) -> None:
    site.want(states.sixty)
    bqn.fail({"kind": "reboot", "method": "WRITE", "first": 30, "times": 1})
    applied = site.run("apply", "--yes")
    assert applied.code == 4, applied
    assert "not as written: policy P0" in applied.out
    bqn.fail()
    assert site.run("apply", "--yes").code == 0
    assert states.shown(bqn.state()) == states.expected(states.sixty)


def test_a_dense_appliance_never_shows_a_change_that_is_none(site: Any, bqn: Any, states: Any) -> None:
    for filler in (0, -1):
        bqn.reset({}, dense=True, dense_filler=filler)
        site.want(states.before)
        assert site.run("apply", "--yes").code == 0
        assert site.run("plan", "--detailed-exitcode").code == 0


def test_a_block_policy_that_somebody_changed_is_put_right(site: Any, bqn: Any, states: Any) -> None:
    site.want(states.make([states.policy("Home")], {"10.0.0.1": "Home"}))
    assert site.run("apply", "--yes").code == 0
    state = bqn.state()
    next(p for p in state["policies"] if p["policyName"] == "Billing-Block")["rateLimitDownlink"] = {"rate": 9}
    bqn.reset(state)
    assert site.run("apply", "--yes").code == 0
    assert states.shown(bqn.state())["policies"]["Billing-Block"] == ("block", {"rate": 0}, {"rate": 0})
