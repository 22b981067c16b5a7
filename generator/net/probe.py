"""What `bqnctl doctor` asks of a host: each thing that must work, tried one by one."""

from collections.abc import Callable

from msgspec import Struct

from generator.errors import BqnctlError


class Probe(Struct, frozen=True, kw_only=True):
    """One thing that a host must allow, and how it went.

    `what` names it as the product does ("Customers → Customers online: view"). `detail` is what was seen, for
    example a sample record; `problem` and `fix` say what is wrong and what to do (`None`: it works). What is
    not `needed` costs only groups, or another option.
    """

    what: str
    detail: str = ""
    problem: str | None = None
    fix: str | None = None
    needed: bool = True


def tried(what: str, look: Callable[[], str], *, needed: bool = True) -> Probe:
    """The probe `what`: `look` does it and says what it saw, or raises a `BqnctlError`."""
    try:
        detail = look()
    except BqnctlError as error:
        return Probe(what=what, problem=error.what, fix=error.fix, needed=needed)
    return Probe(what=what, detail=detail, needed=needed)
