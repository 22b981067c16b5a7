"""The pace, on a clock of its own: no request begins before the server can have forgotten an earlier one."""

import threading
import time
from itertools import pairwise

import pytest

from generator.net.pace import Pace


class Clock:
    """Time that passes by sleeping and by being told so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def starts(clock: Clock, pace: Pace, requests: int, travel_s: float) -> list[tuple[float, float]]:
    """When each request began and ended, if each takes `travel_s`."""
    times = []
    for _ in range(requests):
        with pace.turn():
            began = clock.now_s
            clock.sleep(travel_s)
        times.append((began, clock.now_s))
    return times


@pytest.mark.parametrize("travel_s", [0.0, 0.05, 0.4, 1.5])
def test_wherever_requests_linger_no_second_sees_more_than_three(
    monkeypatch: pytest.MonkeyPatch, travel_s: float
) -> None:
    times = starts(Clock(monkeypatch), Pace(3), 20, travel_s)
    for (_, ended), (began, _) in zip(times, times[3:], strict=False):
        assert began - ended >= 1.0 or travel_s >= 1.0
    # However early or late a server counts them, between begin and end, it counts no four in a second.
    for first, fourth in zip(times, times[3:], strict=False):
        assert fourth[0] - first[1] >= 1.0


def test_less_than_one_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    times = starts(Clock(monkeypatch), Pace(0.25), 3, 0.0)
    assert [later - earlier for (earlier, _), (later, _) in pairwise(times)] == [4.0, 4.0]


def test_without_a_limit_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    assert starts(clock, Pace(None), 3, 0.0)[-1][1] == 1000.0


def test_a_request_that_fails_gives_its_place_back() -> None:
    pace = Pace(1000)
    for _ in range(2000):
        with pytest.raises(KeyError), pace.turn():
            raise KeyError


def test_threads_share_the_places() -> None:
    pace, running, most, lock = Pace(2), 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with pace.turn():
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 2
