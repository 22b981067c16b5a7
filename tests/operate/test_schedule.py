"""When runs begin, exactly: no test sleeps, the clock and the chance are given."""

import pytest

from generator.operate.schedule import BackOff, Schedule


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def latest(low: float, high: float) -> float:
    return high


def test_the_first_run_begins_at_once_and_slots_do_not_drift() -> None:
    clock = Clock()
    schedule = Schedule(60, clock=clock)
    begun = []
    for _ in range(1000):
        clock.now_s += schedule.wait_s()
        begun.append(clock.now_s)
        clock.now_s += 7.3  # how long a run takes is no part of when the next begins
        schedule.advance()
    assert begun == [1000.0 + 60 * number for number in range(1000)]


def test_jitter_is_of_one_slot_and_does_not_add_up() -> None:
    clock = Clock()
    schedule = Schedule(60, jitter_s=5, clock=clock, uniform=latest)
    begun = []
    for _ in range(4):
        clock.now_s += schedule.wait_s()
        begun.append(clock.now_s - 1000)
        schedule.advance()
    assert begun == [0, 65, 125, 185]


def test_jitter_is_never_longer_than_the_interval() -> None:
    schedule = Schedule(10, jitter_s=600, clock=Clock(), uniform=latest)
    schedule.advance()
    assert schedule.wait_s() == 20


def test_slots_that_pass_while_a_run_lasts_are_left_out_and_counted() -> None:
    clock = Clock()
    schedule = Schedule(60, clock=clock)
    clock.now_s += 200
    schedule.advance()
    assert schedule.wait_s() == 40
    assert schedule.missed == 3
    clock.now_s += 40 + 60  # a run that ends exactly on a slot has missed it
    schedule.advance()
    assert schedule.wait_s() == 60
    assert schedule.missed == 1


def test_a_late_wake_up_runs_at_once() -> None:
    clock = Clock()
    schedule = Schedule(60, clock=clock)
    schedule.advance()
    clock.now_s += 75
    assert schedule.wait_s() == 0


def tried(back_off: BackOff, runs: int, *, fails: bool = True) -> list[int]:
    """The numbers of the runs that tried the host, which fails or not each time."""
    found = []
    for number in range(runs):
        if "bqn" not in back_off.take():
            found.append(number)
            back_off.note(failed=["bqn"] if fails else [], good=[] if fails else ["bqn"])
    return found


def test_a_failing_host_is_tried_less_often_up_to_the_cap() -> None:
    assert tried(BackOff(60, longest_s=480), 40) == [0, 1, 3, 7, 15, 23, 31, 39]


def test_a_cap_below_the_interval_means_each_run() -> None:
    assert tried(BackOff(900, longest_s=60), 5) == [0, 1, 2, 3, 4]


def test_a_host_that_fails_for_years_is_still_tried() -> None:
    assert len(tried(BackOff(1, longest_s=4), 4000)) >= 1000


@pytest.mark.parametrize("how", ["success", "forget"])
def test_after_a_success_or_a_reload_it_is_tried_in_each_run(how: str) -> None:
    back_off = BackOff(60, longest_s=3600)
    assert tried(back_off, 20) == [0, 1, 3, 7, 15]
    if how == "forget":
        back_off.forget()
    else:
        back_off.note(failed=[], good=["bqn"])
    assert tried(back_off, 3, fails=False) == [0, 1, 2]
    assert tried(back_off, 4) == [0, 1, 3]


def test_one_failing_host_holds_back_no_other() -> None:
    back_off = BackOff(60, longest_s=3600)
    for _ in range(2):
        assert back_off.take() == frozenset()
        back_off.note(failed=["bad"], good=["good"])
    assert back_off.take() == {"bad"}
