"""One fault at a time: no wrong write, the promised exit code, the object named, and the next run converges."""

import re
from typing import Any

import pytest

COLLECTIONS = ("/policies/rate", "/subscribers", "/subscriberGroups")


def fault(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, **fields}


# Faults that pass, on the way of any write, and of any read: the run does all it planned.
PASSING = {
    "500 now and then": [fault("status", method="WRITE", every=3)],
    "500 on a read": [fault("status", method="GET", every=2)],
    "503 with Retry-After": [fault("status", status=503, retry_after=1, times=2)],
    "429 with Retry-After": [fault("status", status=429, retry_after=1, method="WRITE", times=2)],
    "408": [fault("status", status=408, method="WRITE", times=3)],
    "reset before": [fault("reset", every=4)],
    "reset after": [fault("reset-after", every=4)],
    "done and answered 500": [fault("status-after", method="WRITE", every=4)],
    "a POST done and answered 500": [fault("status-after", method="POST", times=3)],
    "a DELETE done and cut": [fault("reset-after", method="DELETE", times=2)],
    "stall": [fault("stall", seconds=3, method="WRITE", times=3)],
    "stall on a read": [fault("stall", seconds=3, method="GET", times=1)],
    "truncated": [fault("truncate", every=3)],
    "slow": [fault("latency", seconds=0.02, jitter=0.05)],
    "several": [fault("status", every=5), fault("reset", every=7), fault("reset-after", every=6)],
}


class Work:
    """A saved plan of creates, changes and deletes of every kind, and the proof that it can be finished."""

    def __init__(self, site: Any, bqn: Any, states: Any) -> None:
        self.site, self.bqn, self.states = site, bqn, states
        site.bqn["timeout"] = 1
        site.want(states.after)
        self.file, changes = site.plan()
        self.requests = states.planned(changes)
        assert {(c["kind"], c["action"]) for c in changes} == {
            (kind, action) for kind in ("policy", "subscriber", "group") for action in ("create", "update", "delete")
        }
        bqn.fail()

    def apply(self) -> Any:
        """Apply the plan; whatever comes of it, nothing else than the plan's requests was sent."""
        applied = self.site.run("apply", str(self.file))
        assert set(self.states.sent(self.bqn.writes())) <= set(self.requests)
        assert "Traceback" not in applied.out + applied.err
        return applied

    def assert_finished(self) -> None:
        assert self.states.shown(self.bqn.state()) == self.states.expected(self.states.after)

    def converge(self) -> None:
        """A run without faults finishes the work and leaves nothing to plan."""
        self.bqn.fail()
        applied = self.site.run("apply", "--yes")
        assert applied.code == 0, applied
        again = self.site.run("plan", "--detailed-exitcode")
        assert again.code == 0, again
        self.assert_finished()


@pytest.fixture
def work(site: Any, bqn: Any, in_use: Any, states: Any) -> Work:
    return Work(site, bqn, states)


@pytest.mark.parametrize("name", PASSING)
def test_a_passing_fault_is_outlived(bqn: Any, work: Work, states: Any, name: str) -> None:
    bqn.fail(*PASSING[name])
    applied = work.apply()
    assert applied.code == 0, applied
    assert set(states.sent(bqn.writes())) == set(work.requests)
    work.assert_finished()
    work.converge()


# name: faults, exit code, texts of the outcome, and the objects not done (None: a great many).
LASTING: dict[str, tuple[list[dict[str, Any]], int, list[str], set[str] | None]] = {
    "500 on one subscriber": (
        [fault("status", path="/subscribers/10.0.0.5", method="WRITE")], 4, ["answered 500"],
        {"update subscriber 10.0.0.5", "delete policy Old/1"},
    ),
    "400 on one policy": (
        [fault("status", status=400, path="/policies/rate/New/1", method="WRITE")], 4,
        ["failed: create policy New/1: answered 400", "its policy New/1 was not written"],
        {"create policy New/1", "delete policy Old/1", *(f"update subscriber 10.0.0.{n}" for n in (3, 4, 5, 6))},
    ),
    "409 on a group": (
        [fault("status", status=409, path="/subscriberGroups/L1-B")], 4, ["answered 409"], {"create group L1-B"},
    ),
    "a delete that fails": (
        [fault("status", status=500, path="/subscribers/10.0.0.1", method="DELETE")], 4,
        ["not tried: delete policy Old/1: somebody still has it"],
        {"delete subscriber 10.0.0.1", "delete policy Old/1"},
    ),
    "done, and never an answer": (
        [fault("reset-after", path="/subscribers/10.0.0.13", method="POST")], 4, ["the connection ended"],
        {"create subscriber 10.0.0.13"},
    ),
    "done, and always 500": (
        [fault("status-after", path="/policies/rate/Fast", method="POST")], 4, ["answered 500"],
        {"create policy Fast", "create group L1-B"},
    ),
    "never answered": (
        [fault("stall", seconds=60, path="/subscriberGroups/L2-Z", method="DELETE")], 4, ["did not answer in time"],
        {"delete group L2-Z"},
    ),
    "a login page for one write": (
        [fault("html", path="/subscribers/10.0.0.13", method="POST")], 4, ["200", "Please log in"],
        {"create subscriber 10.0.0.13"},
    ),
    "a login page for every write": ([fault("html", method="WRITE")], 1, ["policy Fast", "200"], None),
    "a redirect to a login page": (
        [fault("status", status=302, method="WRITE")], 1, ["policy Fast", "answered 302"], None,
    ),
    "every write 500": ([fault("status", method="WRITE")], 1, ["policy Fast", "answered 500"], None),
    "every write 403": ([fault("status", status=403, method="WRITE")], 1, ["403", "left alone"], None),
}  # fmt: skip


@pytest.mark.parametrize("name", LASTING)
def test_a_lasting_fault_is_told_and_fails_only_what_depends_on_it(site: Any, bqn: Any, work: Work, name: str) -> None:
    site.bqn["timeout"] = 0.5
    faults, code, texts, undone = LASTING[name]
    bqn.fail(*faults)
    applied = work.apply()
    assert applied.code == code, applied
    for text in texts:
        assert text in applied.out, applied
    if undone is not None:
        told = re.findall(r"^  (?:failed|not tried): (\w+ \w+ [^:]+):", applied.out, re.MULTILINE)
        assert sorted(told) == sorted(undone), "a failed write fails what depends on it and nothing else"
    work.converge()


def test_the_same_plan_again_finishes_what_a_fault_left(bqn: Any, work: Work, states: Any) -> None:
    bqn.fail(fault("status", status=400, path="/subscribers/10.0.0.3", method="PUT"))
    assert work.apply().code == 4
    done = [seen for seen in bqn.writes() if seen["status"] in (200, 201)]
    bqn.fail()
    again = work.apply()
    assert again.code == 0, again
    rest = states.sent(bqn.writes())
    assert sorted(rest + states.sent(done)) == work.requests


@pytest.mark.parametrize("path", COLLECTIONS)
@pytest.mark.parametrize("kind", ["status", "status 403", "reset", "cut-json", "html", "truncate"])
def test_a_collection_that_cannot_be_read_stops_before_the_first_write(
    site: Any, bqn: Any, work: Work, kind: str, path: str
) -> None:
    site.bqn["timeout"] = 0.5
    word, _, status = kind.partition(" ")
    bqn.fail(fault(word, path=path, method="GET", **({"status": int(status)} if status else {})))
    for command in (["plan", "--detailed-exitcode"], ["apply", str(work.file)]):
        ran = site.run(*command)
        assert ran.code == 1, ran
        assert f"/api/v1{path}" in ran.out + ran.err, ran
        assert "Traceback" not in ran.out + ran.err
    assert bqn.writes() == []
    if path == COLLECTIONS[0]:
        work.converge()


@pytest.mark.parametrize("answered", [1, 2, 4, 8])
def test_401_in_mid_run_stops_at_once(bqn: Any, work: Work, answered: int) -> None:
    bqn.fail(fault("status", status=401, method="WRITE", first=answered + 1))
    applied = work.apply()
    assert applied.code == 4, applied
    assert "401" in applied.out
    assert "not tried" in applied.out
    writes = bqn.writes()
    assert len([seen for seen in writes if seen["status"] == 401]) <= 4, "one for each connection at most"
    work.converge()


def test_a_wrong_password_is_asked_once(site: Any, bqn: Any, states: Any) -> None:
    site.want(states.after)
    site.bqn["credentials"] = {"username": "demo", "password": "not-this-one"}
    for command in (["plan"], ["apply", "--yes"]):
        ran = site.run(*command)
        assert ran.code == 1
        assert "password is wrong" in ran.out
        assert "not-this-one" not in ran.out + ran.err
    assert [seen["status"] for seen in bqn.requests()] == [401, 401]


def test_another_certificate_than_the_pinned_one_gets_no_request(
    site: Any, bqn: Any, work: Work, certificate: Any
) -> None:
    bqn.fail()
    right = site.bqn["tls"]
    site.bqn["tls"] = {"fingerprint_sha256": "ab" * 32}
    for command in (["plan"], ["apply", "--yes"], ["apply", str(work.file)]):
        ran = site.run(*command)
        assert ran.code == 1, ran
        assert "not the pinned one" in ran.out
        assert certificate.fingerprint_sha256 in ran.out
    assert bqn.requests() == []
    site.bqn["tls"] = right
    work.converge()
