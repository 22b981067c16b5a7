"""The gate in front of an appliance: never more than its limit, narrower on complaints, wider again after."""

import threading

from generator.bqn.pacing import Pacing


def test_never_more_than_the_limit_run_at_once() -> None:
    pacing, running, most, lock = Pacing(3), 0, 0, threading.Lock()
    gate = threading.Barrier(3)

    def work(first: bool) -> None:  # noqa: FBT001 - a thread's argument
        nonlocal running, most
        with pacing.slot():
            with lock:
                running += 1
                most = max(most, running)
            if first:
                gate.wait(timeout=10)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work, args=(number < 3,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert most == 3


def test_complaints_halve_it_and_a_streak_of_successes_widens_it() -> None:
    pacing = Pacing(8)
    assert pacing.overloaded()
    assert pacing.limit == 4
    assert not pacing.overloaded()  # the same burst of complaints counts once
    assert pacing.limit == 4
    for _ in range(4 * 32):
        pacing.succeeded()
    assert pacing.limit == 8
    pacing.succeeded()
    assert pacing.limit == 8


def test_one_is_the_least() -> None:
    pacing = Pacing(1)
    assert not pacing.overloaded()
    assert pacing.limit == 1
