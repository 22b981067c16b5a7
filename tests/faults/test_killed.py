"""Killed after any write: the journal is readable and knows every write, and the next run converges."""

import json
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

_AT_ONCE = 3
_STALLED = 3600


def hold_after(bqn: Any, count: int) -> None:
    """Let `count` writes through and answer none of those that follow."""
    bqn.reset({}, {"kind": "stall", "method": "WRITE", "first": count + 1, "seconds": _STALLED})


def kill_after(site: Any, bqn: Any, count: int) -> dict[str, Any]:
    """Kill an apply once `count` writes were answered; what the appliance had got and has then."""
    hold_after(bqn, count)
    process = site.start("apply", "--yes")
    bqn.wait_for_writes(count)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    return {"count": count, "writes": bqn.writes(), "state": bqn.state()}


@pytest.mark.parametrize("first", [1, 11, 21, 31])
def test_killed_after_the_kth_write(make_site: Any, more_bqns: Any, bqn: Any, states: Any, first: int) -> None:
    simulators = more_bqns(_AT_ONCE)
    ports = [each.port for each in simulators]
    counts = range(first, first + 10)
    sites = {count: make_site(ports[count % _AT_ONCE], f"killed-{count}") for count in counts}
    for each in sites.values():
        each.want(states.sixty)

    def one_simulator(number: int) -> dict[int, dict[str, Any]]:
        mine = [count for count in counts if count % _AT_ONCE == number]
        return {count: kill_after(sites[count], simulators[number], count) for count in mine}

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        left = {count: each for found in pool.map(one_simulator, range(_AT_ONCE)) for count, each in found.items()}
    for count in counts:
        check_after_a_kill(sites[count], bqn, left[count], states)


def check_after_a_kill(site: Any, bqn: Any, left: dict[str, Any], states: Any) -> None:
    count = left["count"]
    assert len(left["writes"]) == count
    records = site.journals()[-1]
    intents = [record for record in records if record["event"] == "intent"]
    assert set(states.sent(left["writes"])) <= set(states.planned(intents))
    assert len(intents) <= count + 4, "no more was begun than connections allow"
    results = [record for record in records if record["event"] == "result"]
    assert {record["write"] for record in results} <= {record["write"] for record in intents}
    assert all(record["ok"] for record in results)
    runs = site.run("runs")
    assert runs.code == 0
    assert "killed" in runs.out
    assert f"{len(results)} done" in runs.out
    bqn.reset(left["state"])
    site.bqn["port"] = bqn.port
    applied = site.run("apply", "--yes")
    assert applied.code == 0, applied
    assert len(bqn.writes()) == 60 - count, "what was done is not done again"
    assert site.run("plan", "--detailed-exitcode").code == 0
    assert states.shown(bqn.state()) == states.expected(states.sixty)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_what_is_under_way_and_begins_nothing(
    site: Any, bqn: Any, states: Any, number: signal.Signals
) -> None:
    site.want(states.sixty)
    site.bqn["timeout"] = 20
    bqn.reset({}, {"kind": "latency", "method": "WRITE", "first": 18, "seconds": 2})
    process = site.start("apply", "--yes")
    bqn.wait_for_writes(17)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "the run was interrupted" in out
    assert "Traceback" not in err
    done = len(bqn.writes())
    assert 17 <= done <= 17 + 4
    assert f"{done} done, {60 - done} not tried" in out
    records = site.journals()[-1]
    assert sum(record["event"] == "result" and record["ok"] for record in records) == done
    assert sum(record["event"] == "intent" for record in records) == done
    assert records[-1] == {"event": "end", "exit_code": 4}
    bqn.fail()
    assert site.run("apply", "--yes").code == 0
    assert len(bqn.writes()) == 60 - done
    assert states.shown(bqn.state()) == states.expected(states.sixty)


def test_a_signal_ends_a_wait_for_another_attempt(site: Any, bqn: Any, states: Any) -> None:
    site.want(states.sixty)
    bqn.reset({}, {"kind": "status", "status": 503, "retry_after": 25, "method": "WRITE", "first": 5})
    process = site.start("apply", "--yes")
    bqn.wait_for_writes(5)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 4, err
    assert "interrupted" in out
    bqn.fail()
    assert site.run("apply", "--yes").code == 0


def test_a_journal_that_cannot_be_written_stops_the_writes(site: Any, bqn: Any, states: Any) -> None:
    site.want(states.sixty)

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, resource.RLIM_INFINITY))

    bqn.reset({})
    process = site.start("apply", "--yes", preexec_fn=small_files)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 4, (process.returncode, out, err)
    assert "Traceback" not in err
    assert "journal cannot be written" in out
    assert "not tried" in out
    [file] = site.journal.glob("*.jsonl")
    lines = [line for line in file.read_bytes().split(b"\n") if line]
    intents = [record for record in map(whole, lines) if record.get("event") == "intent"]
    writes = states.sent(bqn.writes())
    assert 0 < len(writes) < 60
    assert set(writes) <= set(states.planned(intents)), "nothing is sent whose intent is not journaled"
    assert site.run("runs").code == 0
    assert site.run("apply", "--yes").code == 0
    assert states.shown(bqn.state()) == states.expected(states.sixty)


def whole(line: bytes) -> dict[str, Any]:
    """A journal's record; empty for a line that was cut."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return found
