"""What outlives a run: when each host was last good, counts since the beginning, what webhooks were told.

Kept as JSON in the user's state folder, under a name made of the inventory's path, with a lock beside it: two
syncs of one inventory never run at the same time. Losing the file loses history, nothing else.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from generator.documents.files import write_atomically
from generator.errors import BqnctlError
from generator.operate.account import ApplianceAccount, RunAccount, SourceAccount, Status
from generator.reconcile.lock import BusyError, held, state_folder

_log = logging.getLogger(__name__)


class SourceMemory(Struct, frozen=True, kw_only=True):
    """One billing source: when it was last read whole, what became of it last (waiting: not tried yet), what it has."""

    last_success_s: float = 0.0
    status: Status = Status.WAITING
    objects: Mapping[str, int] = {}


class ApplianceMemory(Struct, frozen=True, kw_only=True):
    """One BQN: when a sync last left it whole; writes and drift since the beginning; what differs now."""

    last_success_s: float = 0.0
    status: Status = Status.WAITING
    changes: Mapping[str, Mapping[str, int]] = {}
    drift: Mapping[str, int] = {}
    pending: Mapping[str, int] = {}
    digests: Mapping[str, str] = {}


class Memory(Struct, frozen=True, kw_only=True):
    """All of it for one inventory; times in seconds since 1970.

    `told` is what each webhook was told of and when, by the name of the trouble.
    """

    inventory: str
    interval_s: float = 0.0
    runs: Mapping[str, int] = {}
    missed: int = 0
    last_end_s: float = 0.0
    last_exit: int = 0
    last_seconds: Mapping[str, float] = {}
    settings_good: bool = True
    sources: Mapping[str, SourceMemory] = {}
    appliances: Mapping[str, ApplianceMemory] = {}
    webhook_failures: Mapping[str, int] = {}
    told: Mapping[str, Mapping[str, float]] = {}

    def knowing(self, sources: Iterable[str], appliances: Iterable[str], webhooks: Iterable[str]) -> "Memory":
        """With exactly these hosts and webhooks: new ones begin at nothing, others are forgotten."""
        hooks = list(webhooks)
        return replace(
            self,
            sources={name: self.sources.get(name, SourceMemory()) for name in sources},
            appliances={name: self.appliances.get(name, ApplianceMemory()) for name in appliances},
            webhook_failures={name: self.webhook_failures.get(name, 0) for name in hooks},
            told={name: self.told.get(name, {}) for name in hooks},
        )

    def after(self, account: RunAccount) -> "Memory":
        """With what a run brought."""
        now = account.ended_s
        sources = {each.name: _source(self.sources.get(each.name), each, now) for each in account.sources}
        appliances = {each.name: _appliance(self.appliances.get(each.name), each, now) for each in account.appliances}
        return replace(
            self,
            runs=_sum(self.runs, {str(account.result): 1}),
            last_end_s=now,
            last_exit=int(account.exit_code),
            last_seconds={**account.seconds, "total": now - account.started_s},
            settings_good=account.settings_error is None,
            sources={**self.sources, **sources},
            appliances={**self.appliances, **appliances},
        )


def _source(old: SourceMemory | None, account: SourceAccount, now_s: float) -> SourceMemory:
    old = old or SourceMemory()
    if account.status is Status.WAITING:
        return old
    if account.status is Status.OK:
        return SourceMemory(last_success_s=now_s, status=Status.OK, objects=account.objects)
    return replace(old, status=account.status)


def _appliance(old: ApplianceMemory | None, account: ApplianceAccount, now_s: float) -> ApplianceMemory:
    old = old or ApplianceMemory()
    if account.status is Status.WAITING:
        return old
    kinds = old.changes.keys() | account.done.keys()
    return ApplianceMemory(
        last_success_s=now_s if account.status is Status.OK else old.last_success_s,
        status=account.status,
        changes={kind: _sum(old.changes.get(kind, {}), account.done.get(kind, {})) for kind in sorted(kinds)},
        drift=_sum(old.drift, account.drift or {}),
        pending=account.pending,
        digests=account.digests,
    )


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted(one.keys() | other.keys())}


class MemoryFile:
    """Where the memory of the inventory in `folder` is kept."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        whole = folder.resolve()
        name = f"{whole.name}-{hashlib.sha256(str(whole).encode()).hexdigest()[:12]}"
        self._inventory, self._environ = whole.name, environ
        self._place = state_folder(environ) / "sync"
        self.file = self._place / f"{name}.json"
        self._lock = self._place / f"{name}.lock"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only sync of this inventory meanwhile; raises `BusySyncError` where another one runs."""
        with ExitStack() as stack:
            try:
                stack.enter_context(held(self._lock, self._environ))
            except BusyError as error:
                raise BusySyncError(
                    f"another sync of this inventory is running: {error}",
                    where=self._inventory, fix="wait for it to end, or stop the service that runs it",
                ) from None  # fmt: skip
            except OSError as error:
                raise self._unusable(error) from error
            yield

    def load(self) -> Memory:
        """What is remembered; nothing, and a warning, where the file cannot be understood."""
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Memory)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.MsgspecError) as error:
            _log.warning("%s cannot be read, its history begins anew: %s", self.file, error)
        return Memory(inventory=self._inventory)

    def save(self, memory: Memory) -> None:
        """Keep `memory`; raises `BqnctlError` when the disk refuses."""
        try:
            write_atomically(self.file, msgspec.json.encode(memory), mode=0o600)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> BqnctlError:
        return BqnctlError(
            f"the state folder cannot be written: {error.strerror}",
            where=str(self._place), fix="set XDG_STATE_HOME to a folder that may be written",
        )  # fmt: skip


class BusySyncError(BqnctlError):
    """Another sync of the same inventory is running; this one did nothing."""
