"""The journal: whole lines, readable after a cut, private."""

import datetime as dt
import json
from pathlib import Path

import pytest

from generator.bqn.kinds import Kind
from generator.errors import UsageError
from generator.reconcile.history import list_runs, read_run
from generator.reconcile.journal import Journal, new_run_id
from generator.reconcile.plan import Action, Change

CHANGE = Change(
    kind=Kind.SUBSCRIBER, key="10.0.0.1", action=Action.UPDATE, method="PUT",
    before={"policy": "A"}, after={"policy": "B"}, body={"policyRate": "B"},
)  # fmt: skip


def write_three(folder: Path) -> Path:
    with Journal(folder, "run-1") as journal:
        journal.record("run", run="run-1", inventory="i")
        journal.result(journal.intent("bqn", CHANGE), ok=True, status=200)
        journal.result(journal.intent("bqn", CHANGE), ok=False, status=400, error="no")
        journal.intent("bqn", CHANGE)
    return journal.file


def test_each_record_is_one_json_line_and_the_file_is_private(tmp_path: Path) -> None:
    file = write_three(tmp_path)
    events = [json.loads(line)["event"] for line in file.read_text().splitlines()]
    assert events == ["run", "intent", "result", "intent", "result", "intent"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_killed_run_is_read_as_far_as_it_got(tmp_path: Path) -> None:
    file = write_three(tmp_path)
    with file.open("ab") as stream:
        stream.write(b'{"event":"result","write":3,"o')
    record = read_run(tmp_path, "run-1")
    assert [write.ok for write in record.writes] == [True, False, None]
    assert record.exit_code is None
    assert record.cut
    assert len(list(record.done())) == 2


@pytest.mark.parametrize(("status", "done"), [(None, 1), (500, 1), (503, 1), (400, 0), (401, 0), (409, 0), (302, 0)])
def test_a_failed_write_may_have_been_done_unless_it_was_refused(tmp_path: Path, status: int | None, done: int) -> None:
    with Journal(tmp_path, "run-1") as journal:
        journal.result(journal.intent("bqn", CHANGE), ok=False, status=status, error="no")
    assert len(list(read_run(tmp_path, "run-1").done())) == done


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    for second in (2, 1):
        run = new_run_id(dt.datetime(2026, 1, 1, 0, 0, second, tzinfo=dt.UTC))
        Journal(tmp_path, run).record("end", exit_code=0)
    assert [record.run[:15] for record in list_runs(tmp_path)] == ["20260101T000001", "20260101T000002"]


@pytest.mark.parametrize("run", ["none", "../secret", ""])
def test_an_unknown_run_names_the_known_ones(tmp_path: Path, run: str) -> None:
    write_three(tmp_path)
    with pytest.raises(UsageError, match="no run is called") as caught:
        read_run(tmp_path, run)
    assert "run-1" in str(caught.value)
