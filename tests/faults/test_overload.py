"""An appliance that complains of load gets less at once, and everything is done all the same."""

import re
from typing import Any

import pytest


@pytest.mark.parametrize("above", [1, 2, 4])
def test_500_above_so_many_at_once_is_adapted_to(site: Any, bqn: Any, states: Any, above: int) -> None:
    site.want(states.sixty)
    site.bqn |= {"timeout": 1, "max_connections": 8}
    bqn.fail(
        {"kind": "status", "status": 500, "above_parallel": above},
        {"kind": "latency", "seconds": 0.005},
    )
    applied = site.run("apply", "--yes", "-vv")
    assert applied.code == 0, applied
    assert "complains of load" in applied.err
    writes = bqn.writes()
    refused = [seen for seen in writes if seen["status"] == 500]
    assert refused
    assert len(writes) - len(refused) == 60
    assert states.shown(bqn.state()) == states.expected(states.sixty)
    assert site.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("connections", [1, 4])
def test_after_401_at_most_the_requests_under_way_are_seen(site: Any, bqn: Any, states: Any, connections: int) -> None:
    site.want(states.sixty)
    site.bqn["max_connections"] = connections
    bqn.fail({"kind": "status", "status": 401, "first": 20})
    applied = site.run("apply", "--yes")
    assert applied.code == 4, applied
    assert "password is wrong" in applied.out
    denied = [seen for seen in bqn.requests() if seen["status"] == 401]
    assert 1 <= len(denied) <= connections
    bqn.fail()
    assert site.run("apply", "--yes").code == 0
    assert states.shown(bqn.state()) == states.expected(states.sixty)


def test_a_dead_appliance_is_left_alone_after_a_while(site: Any, bqn: Any, states: Any) -> None:
    site.want(states.sixty)
    site.bqn["timeout"] = 0.5
    bqn.fail({"kind": "reset", "method": "WRITE", "path": "/subscribers/*"})
    applied = site.run("apply", "--yes")
    assert applied.code == 4, applied
    failed = re.search(r"(\d+) failed, (\d+) not tried", applied.out)
    assert failed is not None
    assert 20 <= int(failed[1]) <= 20 + 4
    assert int(failed[2]) > 0
    assert len(bqn.writes()) <= 6 + 5 * int(failed[1])
    bqn.fail()
    assert site.run("apply", "--yes").code == 0
    assert states.shown(bqn.state()) == states.expected(states.sixty)
