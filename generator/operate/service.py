"""Runs work in a thread while the signals of a service are heard: once, or on a schedule until told to end.

Reading has no effect outside, so a run that only reads is left at once; one that writes finishes the requests
under way first.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from generator.operate.control import Control
from generator.operate.schedule import Schedule

_T = TypeVar("_T")
_TICK_S = 0.02
_GRACE_S = 2.0
"""How long a run that was asked to end, and writes nothing any more, may take to write its account."""


class LeftError(Exception):
    """Work was asked to end while it read, and was left: its thread may still wait for an answer."""


class Work(Protocol):
    """What a service does, called in one thread at a time."""

    def reload(self) -> None:
        """Read the settings again; never fails."""

    def sync(self, missed: int) -> object:
        """Do one run; never fails. `missed` slots of the schedule passed while the one before it lasted."""


class Service:
    """Hears SIGTERM and SIGINT, which end it, from inside an event loop; on a schedule SIGHUP too, which reloads."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._ending, self._awake = asyncio.Event(), asyncio.Event()
        self._reload = False
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end)

    async def forever(self, work: Work, schedule: Schedule) -> None:
        """Do `work` on `schedule` until a signal ends it; raises `LeftError` where a run had to be left."""
        self._loop.add_signal_handler(signal.SIGHUP, self._ask_to_reload)
        while not self._ending.is_set():
            if self._reload:
                self._reload = False
                await self.once(work.reload)
            elif schedule.wait_s() > 0:
                await self._sleep(schedule.wait_s())
            else:
                await self.once(partial(work.sync, schedule.missed))
                schedule.advance()

    async def once(self, function: Callable[[], _T]) -> _T:
        """What `function` gives, called in a thread; raises `LeftError` when it was asked to end and only read."""
        answer: asyncio.Future[_T] = self._loop.create_future()
        threading.Thread(target=_deliver, args=(function, answer), daemon=True).start()
        ending = asyncio.create_task(self._ending.wait())
        either: set[asyncio.Future[Any]] = {answer, ending}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        while not answer.done() and not self._control.settled:  # noqa: ASYNC110 - a thread's lock has no event
            await asyncio.sleep(_TICK_S)
        if not answer.done():
            await asyncio.wait({answer}, timeout=_GRACE_S)
        if not answer.done():
            raise LeftError
        return answer.result()

    def _end(self) -> None:
        self._control.stop.set()
        self._ending.set()
        self._awake.set()

    def _ask_to_reload(self) -> None:
        self._reload = True
        self._awake.set()

    async def _sleep(self, seconds: float) -> None:
        self._awake.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._awake.wait(), seconds)


def _deliver(function: Callable[[], _T], answer: "asyncio.Future[_T]") -> None:
    """Call `function` and hand over what came of it, unless nobody waits for it any more."""
    deliver: Callable[[], None]
    try:
        deliver = partial(answer.set_result, function())
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        deliver = partial(answer.set_exception, error)
    with contextlib.suppress(RuntimeError):  # the loop has ended
        answer.get_loop().call_soon_threadsafe(deliver)
