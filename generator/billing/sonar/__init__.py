"""The Sonar connector: v2's GraphQL, addresses with their accounts, data services, parents for groups."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from generator.billing.body import Rows, not_objects
from generator.billing.graphql import QueryRefusedError
from generator.billing.http import HttpReader, StatusError
from generator.billing.secrets import required
from generator.billing.sonar.lists import (
    HISTORIES,
    PARENTS,
    PARENTS_OF_FIELD_DATA,
    SERVICES,
    AssignmentRow,
    Listing,
    Source,
)
from generator.billing.sonar.services import Services, parents_of, plans_of
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_log = logging.getLogger(__name__)

_PARALLEL_LISTS = 2
_NOT_PERMITTED = frozenset({401, 403})


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Sonar of `host` says, whole: data services as plans, assigned addresses as services.

    Raises `SourceError` when addresses or services cannot be read whole.
    """
    with HttpReader(host, headers={"Authorization": f"Bearer {required(host, 'api_key')[0]}"}, retry=retry) as reader:
        source = Source(reader, host, retry)
        plans = source.read(SERVICES)  # first, alone: few, and they show at once whether the token is right
        with ThreadPoolExecutor(max_workers=_PARALLEL_LISTS) as threads:
            parents = threads.submit(_parents, source, host)
            histories = source.read(HISTORIES)
            rows, refusal = parents.result()
    services = Services(parents_of(rows) if rows else {}, host)
    for row in histories.rows:
        services.add(row)
    _log.info("%s: assignments that are no customers': %s", host.name, dict(services.skipped()) or "none")
    return BillingAnswer(
        plans=plans_of(plans),
        services=services.records,
        rejected=(*services.rejected, *not_objects(SERVICES.noun, plans), *not_objects(HISTORIES.noun, histories)),
        unread_groups=frozenset({"L1"} if refusal else ()),
        warnings=(*([refusal] if refusal else ()), *services.warnings()),
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The token and each query, by its first row."""
    with HttpReader(host, headers={"Authorization": f"Bearer {required(host, 'api_key')[0]}"}, retry=retry) as reader:
        source = Source(reader, host, retry)
        needed: list[Listing[Any]] = [SERVICES, HISTORIES]
        for listing in needed:
            yield tried(f"query {listing.field}", partial(source.first, listing))
        if host.subscriber_groups:
            yield tried(f"query {PARENTS.field}", partial(_first_parent, source), needed=False)


def _first_parent(source: Source) -> str:
    try:
        return source.first(PARENTS)
    except QueryRefusedError:
        return source.first(PARENTS_OF_FIELD_DATA)


def _parents(source: Source, host: BillingHost) -> tuple[Rows[AssignmentRow] | None, str | None]:
    """The devices of addresses, which serve groups only, or a warning when they may not be read."""
    if not host.subscriber_groups:
        return None, None
    for listing in (PARENTS, PARENTS_OF_FIELD_DATA):
        try:
            return source.read(listing), None
        except QueryRefusedError as error:
            refused = error.what
        except StatusError as error:
            if error.status not in _NOT_PERMITTED:
                raise
            refused = error.what
            break
    return None, (
        f"the devices of addresses cannot be read ({refused}): L1 groups stay as they were; let the role of the "
        "token's user read inventory items, or set `subscriber_groups: false`"
    )
