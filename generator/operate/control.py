"""How a run is ended from outside: at once while it only reads, after the requests under way while it writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class EndedError(Exception):
    """The run was asked to end before it wrote what it was about to write."""


class Control:
    """Shared by a run, in its own thread, and by whoever hears the signals. `stop` ends the run."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._lock = threading.Lock()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Files or appliances are written meanwhile; raises `EndedError` when nothing may be begun any more."""
        with self._lock:
            if self.stop.is_set():
                raise EndedError
            yield

    @property
    def settled(self) -> bool:
        """Whether nothing is being written; once `stop` is set, nothing will be."""
        return not self._lock.locked()
