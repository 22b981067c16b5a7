"""Wrong passwords slow down whoever tries them, and one address cannot take every turn."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_FAILURES = 10.0
_REFILL_S = 6.0
_MAX_ADDRESSES = 100_000


class Failures:
    """How many wrong passwords each address may still try: ten at once, then one every six seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long an address must wait before another attempt; 0 when it need not."""
        left = self._now(address)
        return 0.0 if left >= 1 else (1 - left) * _REFILL_S

    def failed(self, address: str) -> None:
        """Note a wrong password."""
        self._left[address] = (max(0.0, self._now(address) - 1), self._clock())
        self._left.move_to_end(address)
        if len(self._left) > _MAX_ADDRESSES:
            self._left.popitem(last=False)

    def _now(self, address: str) -> float:
        left, at_s = self._left.get(address, (_FAILURES, 0.0))
        return min(_FAILURES, left + (self._clock() - at_s) / _REFILL_S)


class Turns:
    """At most `each` requests of one address are worked on at once; its others wait in their order.

    So whoever floods waits for himself, and the next request of anybody else has its turn at once.
    """

    def __init__(self, each: int) -> None:
        self._each = each
        self._running: dict[str, int] = {}
        self._waiting: dict[str, OrderedDict[asyncio.Future[None], None]] = {}

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Hold one turn of an address."""
        if self._running.get(address, 0) >= self._each:
            await self._wait(address)
        else:
            self._running[address] = self._running.get(address, 0) + 1
        try:
            yield
        finally:
            self._pass_on(address)

    def waiting(self, address: str) -> int:
        """How many requests of an address wait."""
        return len(self._waiting.get(address, ()))

    async def _wait(self, address: str) -> None:
        mine = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(address, OrderedDict())
        queue[mine] = None
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on(address)  # the turn came in the same moment: it goes to the next
            else:
                queue.pop(mine, None)
            raise

    def _pass_on(self, address: str) -> None:
        queue = self._waiting.get(address)
        while queue:
            after, _ = queue.popitem(last=False)
            if not after.done():
                after.set_result(None)
                return
        self._waiting.pop(address, None)
        self._running[address] -= 1
        if not self._running[address]:
            del self._running[address]
