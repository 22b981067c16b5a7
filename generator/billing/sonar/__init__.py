"""The Sonar connector: data services, assigned addresses with their accounts and, for groups, their devices.

Reads the GraphQL API of Sonar v2 with a personal access token (facts: Sonar). The services come first, alone:
they are few and show at once whether host, TLS and token are right; the long lists follow side by side.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from generator.billing.body import Rows, not_objects
from generator.billing.graphql import QueryRefusedError
from generator.billing.http import HttpReader
from generator.billing.secrets import required
from generator.billing.sonar.lists import (
    ASSIGNMENTS,
    ASSIGNMENTS_OF_FIELD_DATA,
    HISTORIES,
    SERVICES,
    AssignmentRow,
    HistoryRow,
    Listing,
    ServiceRow,
    first_row,
    is_not_permitted,
    read_list,
)
from generator.billing.sonar.parents import NO_PARENTS, parents_of
from generator.billing.sonar.plans import plans_of
from generator.billing.sonar.services import services_of
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, Rejected
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_PARALLEL_LISTS = 2
_Seen = TypeVar("_Seen")


class _Lists(Struct, frozen=True, kw_only=True):
    """The lists as read; no `assignments`: not wanted or, with a `refusal`, not permitted."""

    services: Rows[ServiceRow]
    histories: Rows[HistoryRow]
    assignments: Rows[AssignmentRow] | None
    refusal: str | None


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Sonar of `host` says, whole: plans are its data services, services its assigned addresses.

    Raises `SourceError` when a list that is needed cannot be read whole.
    """
    with HttpReader(host, headers=_authorization(host), retry=retry) as reader:
        lists = _read_lists(reader, host)
    return _answer(lists, host)


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """Every list that this host's options read, tried one by one with a page of one row."""
    with HttpReader(host, headers=_authorization(host), retry=retry) as reader:
        yield tried(f"read {SERVICES.permission}", partial(first_row, reader, SERVICES))
        yield tried(f"read {HISTORIES.permission}", partial(first_row, reader, HISTORIES))
        if host.subscriber_groups:
            yield tried(f"read {ASSIGNMENTS.permission}", partial(_devices, partial(first_row, reader)), needed=False)


def _authorization(host: BillingHost) -> dict[str, str]:
    return {"Authorization": f"Bearer {required(host, 'api_key')[0]}"}


def _read_lists(reader: HttpReader, host: BillingHost) -> _Lists:
    services = read_list(reader, SERVICES)
    with ThreadPoolExecutor(max_workers=_PARALLEL_LISTS) as threads:
        histories = threads.submit(read_list, reader, HISTORIES)
        assignments: Future[tuple[Rows[AssignmentRow] | None, str | None]] | None = None
        if host.subscriber_groups:
            assignments = threads.submit(_assignments, reader)
        read_histories = histories.result()
        devices, refusal = assignments.result() if assignments else (None, None)
    return _Lists(services=services, histories=read_histories, assignments=devices, refusal=refusal)


def _assignments(reader: HttpReader) -> tuple[Rows[AssignmentRow] | None, str | None]:
    """The list that serves groups only, or a warning when the token may not read it."""
    try:
        return _devices(partial(read_list, reader)), None
    except SourceError as error:
        if not is_not_permitted(error):
            raise
        return None, (
            f"the token may not read {ASSIGNMENTS.root} ({error.what}): L1 groups stay as they were; in Sonar, let "
            f"the role of its user read {ASSIGNMENTS.permission}, or set `subscriber_groups: false`"
        )


def _devices(look: Callable[[Listing[AssignmentRow]], _Seen]) -> _Seen:
    """What `look` makes of the list of devices, in the form that this Sonar knows."""
    try:
        return look(ASSIGNMENTS)
    except QueryRefusedError as error:
        if not is_not_permitted(error):
            raise
        return look(ASSIGNMENTS_OF_FIELD_DATA)


def _answer(lists: _Lists, host: BillingHost) -> BillingAnswer:
    plans = plans_of(lists.services)
    parents = parents_of(lists.assignments) if lists.assignments else NO_PARENTS
    found = services_of(lists.histories, parents, host)
    return BillingAnswer(
        plans=plans.plans,
        services=found.services,
        rejected=(*plans.rejected, *_not_objects(lists), *found.rejected),
        unread=found.unread,
        unread_groups=frozenset({"L1"}) if lists.refusal else frozenset(),
        warnings=(*([lists.refusal] if lists.refusal else []), *found.warnings),
    )


def _not_objects(lists: _Lists) -> Iterator[Rejected]:
    read: tuple[tuple[str, Rows[Any] | None], ...] = (
        (SERVICES.noun, lists.services), (HISTORIES.noun, lists.histories), (ASSIGNMENTS.noun, lists.assignments),
    )  # fmt: skip
    for noun, rows in read:
        yield from not_objects(noun, rows) if rows is not None else ()
