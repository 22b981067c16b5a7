"""The lists of UISP's two applications: the CRM's in pages, the NMS's in one large answer each.

All are bare JSON arrays that announce no length (facts: UISP, 3 and 4). A row names only what is used, so that
the many members of a device are skipped while they are decoded.
"""

from collections.abc import Callable
from typing import Any, Generic

from msgspec import Struct

from generator.billing.body import BodyError, NotAListError, Row, Rows, decode_rows, message_in
from generator.billing.http import Answer, HttpReader, PageError, Params, StatusError
from generator.billing.paging import Page, read_pages
from generator.billing.text import shown, text
from generator.errors import SourceError

CRM_BASES = ("/crm/api/v1.0/", "/api/v1.0/")
"""Where the CRM is, and where it is in some releases (facts: UISP, 3)."""
NMS_BASE = "/nms/api/v2.1/"
LIMIT = 1000
_NOT_FOUND = 404

_KEY_FIX = "check `api_key`: in UISP, Settings → Users → API tokens"


class PlanRow(Struct, gc=False, rename="camel"):
    """A service plan; speeds in Mbit/s, which may be fractions or null (facts: UISP, 5)."""

    id: Any = None
    name: Any = None
    service_plan_type: Any = None
    download_speed: Any = None
    upload_speed: Any = None


class ClientRow(Struct, gc=False, rename="camel"):
    """A client: a person, a company, or a lead that is neither yet (facts: UISP, 5)."""

    id: Any = None
    user_ident: Any = None
    is_lead: Any = None
    first_name: Any = None
    last_name: Any = None
    company_name: Any = None
    username: Any = None


class ServiceRow(Struct, gc=False, rename="camel"):
    """A sold service; it joins the NMS by `unms_client_site_id` (facts: UISP, 5)."""

    id: Any = None
    client_id: Any = None
    status: Any = None
    name: Any = None
    service_plan_id: Any = None
    service_plan_name: Any = None
    service_plan_type: Any = None
    download_speed: Any = None
    upload_speed: Any = None
    unms_client_site_id: Any = None
    traffic_shaping_override_enabled: Any = None
    download_speed_override: Any = None
    upload_speed_override: Any = None


class DeviceRow(Struct, rename="camel"):
    """A device of the network (facts: UISP, 6)."""

    identification: Any = None
    ip_address: Any = None
    attributes: Any = None


class SiteRow(Struct, rename="camel"):
    """A site: a tower, or the place of a client (facts: UISP, 6)."""

    id: Any = None
    identification: Any = None
    description: Any = None
    ucrm: Any = None


class Listing(Struct, Generic[Row], frozen=True, kw_only=True):
    """One list: what its rows are, where it is, and how rows that came before are known."""

    noun: str
    path: str
    row: type[Row]
    key: Callable[[Row], str]
    params: Params = ()


def _id(row: Any) -> str:
    identification = getattr(row, "identification", None)
    own = identification.get("id") if isinstance(identification, dict) else None
    return text(getattr(row, "id", None)) or text(own)


PLANS = Listing(noun="service plan", path="service-plans", row=PlanRow, key=repr)
"""Of two plans with one id the second is reported, not dropped: only whole rows that repeat are the same."""
CLIENTS = Listing(
    noun="client", path="clients", row=ClientRow, key=_id,
    params=(("order", "client.id"), ("direction", "ASC")),
)  # fmt: skip
SERVICES = Listing(noun="service", path="clients/services", row=ServiceRow, key=_id)
DEVICES = Listing(noun="device", path="devices", row=DeviceRow, key=_id)
SITES = Listing(noun="site", path="sites", row=SiteRow, key=_id)


def is_on(value: Any) -> bool:
    """Whether a JSON flag is set: `true`, or what stands for it."""
    return value is True or text(value).casefold() in {"1", "true"}


class Crm:
    """The lists of the CRM, under the path that this release of UISP has it at."""

    def __init__(self, reader: HttpReader) -> None:
        self._reader = reader
        self._base = CRM_BASES[0]

    def find(self, listing: Listing[Row]) -> Rows[Row]:
        """The first list that is read, whole; raises as `read` does. It settles where the CRM is."""
        return self._settled(lambda: self.read(listing))

    def read(self, listing: Listing[Row]) -> Rows[Row]:
        """A list, whole; raises `StatusError` when it is refused, `SourceError` when it cannot be used."""
        pages = _Pages(self._reader, listing, self._base)
        return read_pages(
            pages.fetch, key=listing.key, noun=listing.noun, where=self._reader.where(self._base + listing.path)
        )

    def sample(self, listing: Listing[Row]) -> tuple[Row, ...]:
        """At most one row of a list; raises as `read` does."""

        def look() -> Rows[Row]:
            return _rows(self._reader, listing, self._base, (("limit", "1"), ("offset", "0")))

        return self._settled(look).rows[:1]

    def _settled(self, ask: Callable[[], Rows[Row]]) -> Rows[Row]:
        """What `ask` says under the first path where there is a CRM; the first refusal, where there is none."""
        refusals: list[SourceError] = []
        for base in dict.fromkeys((self._base, *CRM_BASES)):
            self._base = base
            try:
                return ask()
            except StatusError as error:
                if error.status != _NOT_FOUND:
                    raise
                refusals.append(error)
            except PageError as error:
                refusals.append(error)
        raise refusals[0]


class _Pages(Generic[Row]):
    """The pages of one CRM list, until one is empty.

    Neither a greatest `limit` nor a length is documented (facts: UISP, 10). So a short page is not yet the end:
    the server may have cut it; the next one must be empty. A page longer than asked for is the whole list, of a
    server that ignores `limit`; and so is a short one that comes again.
    """

    def __init__(self, reader: HttpReader, listing: Listing[Row], base: str) -> None:
        self._reader, self._listing, self._base = reader, listing, base
        self._known: set[str] = set()
        self._short = False

    def fetch(self, number: int, offset: int) -> Page[Row]:
        """One page, as `read_pages` wants it."""
        if number == 1:
            self._known, self._short = set(), False
        rows = _rows(self._reader, self._listing, self._base, (("limit", str(LIMIT)), ("offset", str(offset))))
        keys = {self._listing.key(row) for row in rows.rows}
        if self._short and keys <= self._known:
            return Page(rows=Rows(rows=()), total=None, last=True)
        self._known |= keys
        self._short = rows.total < LIMIT
        return Page(rows=rows, total=None, last=not rows.total or rows.total > LIMIT)


def read_nms(reader: HttpReader, listing: Listing[Row], params: Params = ()) -> Rows[Row]:
    """A list of the NMS, whole, in one answer; raises as `Crm.read` does."""
    return _rows(reader, listing, NMS_BASE, params)


def _rows(reader: HttpReader, listing: Listing[Row], base: str, params: Params) -> Rows[Row]:
    answer = reader.get(
        base + listing.path, params=(*params, *listing.params), fixes=_fixes(listing, base), private=True
    )
    try:
        return decode_rows(answer.body, listing.row)
    except NotAListError as error:
        message = reader.shown(message_in(error.value))
        raise _broken(answer, f"{error}: {message}" if message else str(error)) from None
    except BodyError as error:
        raise _broken(answer, f"the answer {error}") from None


def _fixes(listing: Listing[Row], base: str) -> dict[int, str]:
    application = "NMS" if base == NMS_BASE else "CRM"
    key_type = "" if base == NMS_BASE else " (an App key of the CRM needs the type Read)"
    return {
        401: f"{_KEY_FIX}; the key must be valid for the {application} as well, and UISP must know it",
        403: f"let the user of `api_key` view {listing.noun}s in the {application}{key_type}",
        404: f"check `host` and `port`, and that UISP runs with its {application} enabled",
        503: f"the {application} of UISP is down or restarting: see that it is up, then run again",
    }


def _broken(answer: Answer, what: str) -> SourceError:
    return SourceError(
        what,
        where=answer.where,
        fix="check that `host` and `port` are those of UISP; if they are, run again: the answer is cut or broken",
    )


def example(listing: Listing[Any], rows: tuple[Any, ...]) -> str:
    """What the first of `rows` is, for `bqnctl doctor`."""
    return f"for example {listing.noun} {shown(_id(rows[0]))}" if rows else "an empty list"
