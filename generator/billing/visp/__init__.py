"""The Visp connector: customers with their services and, for groups, the CPEs (facts: Visp).

A token is got with the four credentials, then all customers come in one GraphQL answer, all CPEs in another
that is read at the same time. Services with equal speeds share a plan, for Visp's plans have no names here.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.http import HttpReader
from generator.billing.text import shown, text
from generator.billing.visp.groups import groups_of
from generator.billing.visp.lists import CPE, HIBERNATED, Api, CpeRow, CustomerRow, customers_query, ids_query
from generator.billing.visp.services import services_of
from generator.billing.visp.tokens import Tokens
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.model import BillingAnswer, GroupRecord, Rejected
from generator.net.probe import Probe, tried
from generator.net.retry import DEFAULT_RETRY, RetryPolicy

_NO_GROUPS: Mapping[str, tuple[GroupRecord, ...]] = {}


class _Cpes(Struct, frozen=True):
    """The CPEs, or why they could not be read."""

    rows: Rows[CpeRow] | None = None
    problem: str = ""


def read(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> BillingAnswer:
    """All that the Visp of `host` says, whole: services are its service instances, plans their speeds.

    Raises `SourceError` when the customers cannot be read whole. CPEs that cannot be read leave the groups as
    they were, with a warning.
    """
    with HttpReader(host, headers={}, retry=retry) as reader:
        customers, cpes = _lists(Api(reader, Tokens(reader, host)), groups=host.subscriber_groups)
    groups = groups_of(cpes.rows) if cpes and cpes.rows else _NO_GROUPS
    found = services_of(customers, groups, host)
    return BillingAnswer(
        plans=found.plans,
        services=found.services,
        rejected=(*found.rejected, *_odd_cpes(cpes)),
        unread_groups=frozenset({"L1"} if cpes and cpes.problem else ()),
        warnings=(*([cpes.problem] if cpes and cpes.problem else []), *found.warnings),
    )


def probe(host: BillingHost, *, retry: RetryPolicy = DEFAULT_RETRY) -> Iterator[Probe]:
    """The token, then each list that this host's options read; without a token nothing else is tried."""
    with HttpReader(host, headers={}, retry=retry) as reader:
        tokens = Tokens(reader, host)
        token = tried("API token: client id, client secret, user name, password", lambda: _token(tokens))
        yield token
        if token.problem:
            return
        api = Api(reader, tokens)
        yield tried("customers", lambda: _customer(api))
        yield tried("packages and services of customers", lambda: _hibernated(api))
        if host.subscriber_groups:
            yield tried(f"CPEs with their access points ({CPE})", lambda: _cpe(api), needed=False)


def _lists(api: Api, *, groups: bool) -> tuple[Rows[CustomerRow], _Cpes | None]:
    if not groups:
        return api.customers(customers_query()), None
    with ThreadPoolExecutor(max_workers=1) as threads:
        cpes = threads.submit(_cpes, api)
        return api.customers(customers_query()), cpes.result()


def _cpes(api: Api) -> _Cpes:
    """The CPEs; they serve groups only, so that no failure of theirs costs the customers (facts: Visp, 9)."""
    try:
        return _Cpes(api.cpes())
    except SourceError as error:
        return _Cpes(
            problem=f"the list of CPEs ({CPE}) cannot be read ({error.what}): L1 groups stay as they were; in Visp, "
            "let the user of `credentials` see equipment, or set `subscriber_groups: false`"
        )


def _odd_cpes(cpes: _Cpes | None) -> tuple[Rejected, ...]:
    positions = cpes.rows.not_objects if cpes and cpes.rows else ()
    return tuple(Rejected(record=f"CPE at position {position}", reason="not a JSON object") for position in positions)


def _token(tokens: Tokens) -> str:
    tokens.current()
    return "a token was given"


def _customer(api: Api) -> str:
    rows = api.customers(ids_query()).rows
    return f"{len(rows)}, for example customer {shown(text(rows[0].customer_id))}" if rows else "an empty list"


def _hibernated(api: Api) -> str:
    """The whole query, of the accounts that are few everywhere."""
    count = len(api.customers(customers_query(HIBERNATED)).rows)
    return f"every field can be read; {count} customers are hibernated"


def _cpe(api: Api) -> str:
    rows = api.cpes().rows
    return f"{len(rows)}, for example of customer {shown(text(rows[0].customer_id))}" if rows else "an empty list"
