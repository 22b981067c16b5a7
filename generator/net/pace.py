"""At most so many requests in any one second, as the server counts them."""

import math
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Lets through at most `per_second` requests in any one second; `None`: as many as come.

    A server counts requests when they arrive, which is some time between sending and answering. So a place
    is free again one second after the *end* of its request: however long requests travel, the server never
    sees more than allowed. Safe for several threads.
    """

    def __init__(self, per_second: float | None) -> None:
        self._places: queue.SimpleQueue[float] | None = None
        if per_second:
            places = max(1, math.floor(per_second))
            self._window_s = places / per_second
            self._places = queue.SimpleQueue()
            for _ in range(places):
                self._places.put(-math.inf)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place, and hold it for the length of a request."""
        if self._places is None:
            yield
            return
        free_at_s = self._places.get()
        time.sleep(max(0.0, free_at_s - time.monotonic()))
        try:
            yield
        finally:
            self._places.put(time.monotonic() + self._window_s)
