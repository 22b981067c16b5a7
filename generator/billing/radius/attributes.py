"""Which RADIUS attribute says a subscriber's rates: BQN's order of priority, the first that is valid wins.

`Mikrotik-Rate-Limit` before the pairs of Ascend, WISPr and Huawei, all those before a name, which is a policy
that the operator made on the BQN (facts: BQN RADIUS, 5; RADIUS systems, 3.3).
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from generator.billing.radius.rates import RateError, Rates, from_bps, parse_rate_limit

ORDER = (
    "Mikrotik-Rate-Limit",
    "Ascend-Data-Rate",
    "WISPr-Bandwidth-Max-Down",
    "Huawei-Output-Average-Rate",
    "Mikrotik-Address-List",
    "Filter-Id",
)
"""The attributes that rates may come from; the first of a pair stands for both of it."""

_NAMES = frozenset({"Mikrotik-Address-List", "Filter-Id"})
_PAIRS = {
    "WISPr-Bandwidth-Max-Down": "WISPr-Bandwidth-Max-Up",
    "Huawei-Output-Average-Rate": "Huawei-Input-Average-Rate",
}
_DATA, _XMIT = "Ascend-Data-Rate", "Ascend-Xmit-Rate"
_MAX_BPS = 0xFFFFFFFF

Values = Mapping[str, Sequence[str]]
"""The values of a subscriber's attributes as texts, by the attribute's name."""


class Chosen(Struct, frozen=True, kw_only=True):
    """What the attributes give: rates, or the name of a static policy, or nothing; `complaints` say what is wrong."""

    rates: Rates | None = None
    static: str | None = None
    attribute: str | None = None
    complaints: tuple[str, ...] = ()


def choose(values: Values, *, order: Sequence[str] = ORDER, swapped: bool = False) -> Chosen:
    """What `values` give by `order`: an attribute that cannot be read is complained of, and the next one asked."""
    complaints: list[str] = []
    for attribute in order:
        try:
            found = _read(attribute, values, swapped=swapped)
        except RateError as error:
            complaints.append(f"{attribute}: {error}")
            continue
        if found is None:
            continue
        if isinstance(found, Rates):
            odd = [f"{attribute}: {found.odd}"] if found.odd else []
            return Chosen(rates=found, attribute=attribute, complaints=(*complaints, *odd))
        return Chosen(static=found, attribute=attribute, complaints=tuple(complaints))
    return Chosen(complaints=tuple(complaints))


def known_attributes() -> frozenset[str]:
    """Every attribute that `choose` looks at."""
    return frozenset({*ORDER, *_PAIRS.values(), _XMIT})


def _read(attribute: str, values: Values, *, swapped: bool) -> Rates | str | None:
    given = [text for text in values.get(attribute, ()) if text.strip()]
    if attribute in _NAMES:
        return given[0].strip() if given else None
    if attribute == _DATA:
        return _ascend(values, swapped=swapped)
    if attribute in _PAIRS:
        return _pair(attribute, values, swapped=swapped)
    present = values.get(attribute)
    if not present:
        return None
    return parse_rate_limit(present[0], swapped=swapped)


def _ascend(values: Values, *, swapped: bool) -> Rates | None:
    """With Xmit-Rate, Data-Rate is the upload; alone it is both; twice, download first (facts: 3.5)."""
    data = list(_numbers(_DATA, values))
    xmit = list(_numbers(_XMIT, values))
    if not data and not xmit:
        return None
    if data and xmit:
        download, upload = xmit[0], data[0]
    elif len(data) > 1:
        download, upload = data[0], data[1]
    else:
        download = upload = (data or xmit)[0]
    return _directed(download, upload, name=_DATA, swapped=swapped)


def _pair(attribute: str, values: Values, *, swapped: bool) -> Rates | None:
    download, upload = list(_numbers(attribute, values)), list(_numbers(_PAIRS[attribute], values))
    if not download and not upload:
        return None
    return _directed(
        download[0] if download else 0, upload[0] if upload else 0, name=attribute, swapped=swapped
    )  # fmt: skip


def _directed(download: int, upload: int, *, name: str, swapped: bool) -> Rates:
    if swapped:
        download, upload = upload, download
    return from_bps(download, upload, name=name)


def _numbers(attribute: str, values: Values) -> Iterator[int]:
    for text in values.get(attribute, ()):
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(_MAX_BPS)):
            raise RateError(f"{digits[:40]!r} is not a number of bit/s")
        yield int(digits)
