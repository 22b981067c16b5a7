"""Faults on demand: what a simulated BQN does wrong, to which requests, and when."""

import fnmatch
import random
from collections.abc import Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from generator.errors import UsageError


class FaultKind(StrEnum):
    """What goes wrong with a request."""

    STATUS = "status"
    """Answered with `status` (and `retry_after`) instead of being done."""
    STATUS_AFTER = "status-after"
    """Done, and answered with `status` all the same."""
    RESET = "reset"
    """The connection is cut before the request is done."""
    RESET_AFTER = "reset-after"
    """The request is done, and the connection cut before the answer."""
    STALL = "stall"
    """No answer for `seconds`, then the connection is cut; the request is not done."""
    LATENCY = "latency"
    """Done after `seconds`, plus up to `jitter` more."""
    TRUNCATE = "truncate"
    """The answer's body ends in the middle of what Content-Length promised."""
    CUT_JSON = "cut-json"
    """The answer's body is half of its JSON, with a Content-Length that fits."""
    HTML = "html"
    """A login page with status 200 instead of JSON; the request is not done."""
    REBOOT = "reboot"
    """Everything dynamic is lost, then the request is done."""


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault and the requests it strikes: from the `first`-th match on, every `every`-th, at most `times`.

    `method` is a name, `*`, or `WRITE` for POST, PUT and DELETE; `path` is a glob on the path under /api/v1,
    percent-decoded. `above_parallel` strikes only while more requests than that are under way.
    """

    kind: FaultKind
    method: str = "*"
    path: str = "*"
    first: int = 1
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    above_parallel: int = 0
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0
    jitter: float = 0.0


class Faults:
    """The faults of a simulator and how often each has matched so far."""

    def __init__(self, faults: Sequence[Fault] = (), *, seed: int = 1) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible faults, not secrets
        self.set(faults)

    def set(self, faults: Sequence[Fault]) -> None:
        """Replace all faults, and begin to count anew."""
        self._faults = tuple(faults)
        self._matched = [0] * len(self._faults)
        self._struck = [0] * len(self._faults)

    def strike(self, method: str, path: str, *, parallel: int) -> list[Fault]:
        """The faults that this request meets, in their order."""
        met = [
            number
            for number, fault in enumerate(self._faults)
            if _matches(fault, method, path) and (not fault.above_parallel or parallel > fault.above_parallel)
        ]
        return [self._faults[number] for number in met if self._strikes(number)]

    def _strikes(self, number: int) -> bool:
        fault = self._faults[number]
        self._matched[number] += 1
        count = self._matched[number] - fault.first
        due = count >= 0 and count % fault.every == 0
        if not due or (fault.times is not None and self._struck[number] >= fault.times):
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        self._struck[number] += 1
        return True

    def uniform(self, most: float) -> float:
        """A number from 0 to `most`, reproducible by the seed."""
        return self._random.uniform(0, most)


def _matches(fault: Fault, method: str, path: str) -> bool:
    if fault.method == "WRITE":
        if method not in ("POST", "PUT", "DELETE"):
            return False
    elif fault.method not in ("*", method):
        return False
    return fnmatch.fnmatchcase(path, fault.path)


def parse_fault(text: str) -> Fault:
    """A fault from `kind:name=value,name=value`, as --fault takes it; raises `UsageError`."""
    kind, _, rest = text.partition(":")
    fields: dict[str, str] = {"kind": kind}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        fields[name] = value
    try:
        return msgspec.convert(fields, Fault, strict=False)
    except msgspec.ValidationError as error:
        kinds = ", ".join(known.value for known in FaultKind)
        raise UsageError(
            f"--fault {text!r}: {error}",
            fix=f"KIND:NAME=VALUE,… with KIND one of {kinds}; e.g. status:status=503,every=5",
        ) from error
