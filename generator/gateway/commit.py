"""Group commit: what arrives while the disk is busy goes to it together, in one transaction."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from generator.gateway.keep import Keeper, Row, StoreError

_log = logging.getLogger(__name__)
_RETRY_S = 1.0


class GroupCommit:
    """Brings rows to a `Keeper` from one event loop.

    A commit that fails fails everything that waits for it; then `reload` is called until it succeeds, so that
    what is in memory is again what is on disk, and until then nothing is taken.
    """

    def __init__(self, keeper: Keeper, *, reload: Callable[[], None]) -> None:
        self._keeper, self._reload = keeper, reload
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._pending: dict[tuple[str, str], Row] = {}
        self._gathering: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.failed: StoreError | None = None
        self.commits = self.rows = self.failures = 0
        self.last_commit_s = 0.0

    def note(self, kind: str, name: str, body: bytes | None, *, by: str) -> None:
        """Have an object kept as `body`, or removed; of several states that wait the last is written."""
        if self.failed is not None:
            return  # memory is loaded anew from the disk before anything else is taken
        self._pending[kind, name] = Row(kind=kind, name=name, body=body, by=by[:200], at_s=time.time())
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().create_future()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def settled(self) -> None:
        """Return when all that was noted so far is on disk; raises `StoreError` when it is not."""
        waited = self._gathering or self._writing
        if waited is not None:
            await asyncio.shield(waited)
        if self.failed is not None:
            raise self.failed

    def when_settled(self, then: Callable[[bool], None]) -> None:
        """Call `then` when all that was noted so far is on disk (True) or will not be (False)."""
        waited = self._gathering or self._writing
        if waited is None:
            then(self.failed is None)
        else:
            waited.add_done_callback(lambda done: then(done.exception() is None))

    async def close(self) -> None:
        """Write what is still waiting, and stop."""
        with contextlib.suppress(StoreError):
            await self.settled()
        if self._task is not None and self.failed is not None:
            self._task.cancel()
        self._pool.shutdown(wait=True)

    async def _run(self) -> None:
        while self._gathering is not None:
            rows, done = list(self._pending.values()), self._gathering
            self._pending, self._gathering, self._writing = {}, None, done
            try:
                await asyncio.get_running_loop().run_in_executor(self._pool, self._keeper.commit, rows)
            except StoreError as error:
                await self._recover(error, done)
            else:
                self.commits, self.rows, self.last_commit_s = self.commits + 1, self.rows + len(rows), time.time()
                done.set_result(None)
            self._writing = None

    async def _recover(self, error: StoreError, failed: "asyncio.Future[None]") -> None:
        """Fail everybody who waits, then go back to what the disk has."""
        self.failed, self.failures = error, self.failures + 1
        _log.error("%s", error)
        waiting = [failed, *([self._gathering] if self._gathering is not None else [])]
        self._pending, self._gathering, self._writing = {}, None, None
        for each in waiting:
            each.set_exception(error)
            each.exception()  # seen: not everybody waits for it
        while self.failed is not None:
            try:
                self._reload()
            except StoreError as again:
                self.failed = again
                await asyncio.sleep(_RETRY_S)
            else:
                self.failed = None
                _log.warning("the store is there again; memory is what the disk has")
