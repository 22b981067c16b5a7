"""Two applies at once: one writes, the other is refused with the owner named, whichever checkout it came from."""

from typing import Any

import pytest


def each_once(writes: list[dict[str, Any]]) -> bool:
    paths = [(seen["method"], seen["path"]) for seen in writes]
    return len(paths) == len(set(paths))


@pytest.mark.parametrize("checkout", ["inventory", "another-checkout"])
def test_the_second_apply_is_refused_while_the_first_writes(
    make_site: Any, bqn: Any, states: Any, checkout: str
) -> None:
    one, other = make_site(bqn.port), make_site(bqn.port, checkout)
    for each in (one, other):
        each.want(states.sixty)
        each.bqn["timeout"] = 30
    bqn.fail({"kind": "latency", "method": "WRITE", "first": 10, "times": 1, "seconds": 4})
    first = one.start("apply", "--yes")
    bqn.wait_for_writes(9)
    second = other.run("apply", "--yes")
    assert first.poll() is None, "the first must still be writing"
    assert second.code == 1
    assert "another run is writing to it" in second.out
    assert f"pid {first.pid}" in second.out
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, (out, err)
    writes = bqn.writes()
    assert len(writes) == 60
    assert each_once(writes)
    assert other.run("apply", "--yes").code == 0
    assert len(bqn.writes()) == 60


def test_two_at_the_same_moment_never_write_an_object_twice(make_site: Any, bqn: Any, states: Any) -> None:
    sites = [make_site(bqn.port, name) for name in ("one", "other")]
    for each in sites:
        each.want(states.sixty)
    bqn.fail({"kind": "latency", "seconds": 0.01})
    processes = [each.start("apply", "--yes") for each in sites]
    ended = [(process.communicate(timeout=60), process.returncode) for process in processes]
    codes = sorted(code for _, code in ended)
    assert codes in ([0, 0], [0, 1]), ended
    writes = bqn.writes()
    assert len(writes) == 60
    assert each_once(writes)
    assert states.shown(bqn.state()) == states.expected(states.sixty)


def test_another_appliance_is_not_locked(make_site: Any, bqn: Any, more_bqns: Any, states: Any) -> None:
    [second] = more_bqns(1)
    one, other = make_site(bqn.port, "one"), make_site(second.port, "other")
    for each in (one, other):
        each.want(states.before)
        each.bqn["timeout"] = 30
    bqn.fail({"kind": "latency", "method": "WRITE", "first": 3, "times": 1, "seconds": 4})
    first = one.start("apply", "--yes")
    bqn.wait_for_writes(2)
    assert other.run("apply", "--yes").code == 0
    assert first.poll() is None
    first.communicate(timeout=60)
    assert first.returncode == 0
