"""How many requests an appliance gets at once: fewer when it complains, more again when it recovers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_RECOVERY_STREAK = 32
_HALVE_AT_MOST_EVERY_S = 0.5


class Pacing:
    """A gate of at most `ceiling` requests at once, halved on overload and widened by one on success.

    A BQN answers 500 under load and is fine again about half a second later (facts: BQN REST API, 1).
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._limit = ceiling
        self._running = 0
        self._streak = 0
        self._halved_at = 0.0
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """How many requests may run at once now."""
        return self._limit

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one place for the length of a request."""
        with self._changed:
            self._changed.wait_for(lambda: self._running < self._limit)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def overloaded(self) -> bool:
        """Note an answer that complains of load; True when the limit went down because of it."""
        with self._changed:
            self._streak = 0
            now = time.monotonic()
            if self._limit == 1 or now - self._halved_at < _HALVE_AT_MOST_EVERY_S:
                return False
            self._limit = max(1, self._limit // 2)
            self._halved_at = now
            return True

    def succeeded(self) -> None:
        """Note an answer that is well; after a streak of them one more request may run."""
        if self._limit == self._ceiling:
            return
        with self._changed:
            self._streak += 1
            if self._streak >= _RECOVERY_STREAK and self._limit < self._ceiling:
                self._limit += 1
                self._streak = 0
                self._changed.notify()
