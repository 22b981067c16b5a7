"""When runs begin: slots that do not drift, jitter, and fewer attempts at hosts that keep failing."""

import math
import random
import time
from collections.abc import Callable, Iterable

_LONGEST_POWER = 30


class Schedule:
    """Slots every `interval_s` seconds from now on; the first run begins at once.

    A slot is counted from the first one, never from the end of a run, so that nothing adds up. Each begins up to
    `jitter_s` late. Slots that pass while a run lasts are left out: runs never overlap and never queue.
    `clock` is monotonic, in seconds; `uniform` gives a number between two.
    """

    def __init__(
        self,
        interval_s: float,
        *,
        jitter_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._interval_s, self._jitter_s = interval_s, min(jitter_s, interval_s)
        self._clock, self._uniform = clock, uniform
        self._first_s = clock()
        self._slot = 0
        self._due_s = self._first_s
        self.missed = 0
        """How many slots were left out at the last `advance`."""

    def wait_s(self) -> float:
        """Seconds until the next run begins; 0 when it is due."""
        return max(0.0, self._due_s - self._clock())

    def advance(self) -> None:
        """Go to the next slot that has not begun; call it when a run ended."""
        passed = math.floor((self._clock() - self._first_s) / self._interval_s)
        following = max(self._slot, passed) + 1
        self.missed = following - self._slot - 1
        self._slot = following
        self._due_s = self._first_s + following * self._interval_s + self._uniform(0.0, self._jitter_s)


class BackOff:
    """Which hosts a run leaves out, because they failed the last times.

    After the first failure a host is tried in the next run, then in every second, fourth, eighth, but at least
    every `longest_s` seconds; after a success in each run again. Counted in runs, which are `interval_s` apart.
    """

    def __init__(self, interval_s: float, *, longest_s: float) -> None:
        self._most = max(1, int(longest_s // interval_s))
        self._failures: dict[str, int] = {}
        self._left: dict[str, int] = {}

    def take(self) -> frozenset[str]:
        """The hosts that the run about to begin leaves out."""
        waiting = frozenset(name for name, left in self._left.items() if left > 0)
        self._left = {name: left - 1 for name, left in self._left.items() if left > 0}
        return waiting

    def note(self, *, failed: Iterable[str], good: Iterable[str]) -> None:
        """Take account of what became of the hosts that a run tried."""
        for name in good:
            self._failures.pop(name, None)
            self._left.pop(name, None)
        for name in failed:
            count = self._failures[name] = self._failures.get(name, 0) + 1
            every = min(self._most, 2 ** min(count - 1, _LONGEST_POWER))
            self._left[name] = every - 1

    def forget(self) -> None:
        """Try every host in the next run: an operator says that something changed."""
        self._failures.clear()
        self._left.clear()
