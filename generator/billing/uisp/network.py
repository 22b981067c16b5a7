"""UISP's NMS: which addresses a client site has, and which access point and tower it hangs on.

Facts: UISP, 6 and 7. Everything is joined through dictionaries: a large network has a hundred thousand rows.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from generator.billing.body import Rows
from generator.billing.text import shown, text
from generator.billing.uisp.lists import DeviceRow, SiteRow, is_on
from generator.model import GroupRecord

ROLES = frozenset({"station", "wireless", "router"})
"""The roles of devices whose address is a customer's (facts: UISP, 7)."""

_NO_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - an address to refuse, not one to bind
_LINK_LOCAL = ("fe8", "fe9", "fea", "feb", "169.254.")
_LINK_LOCAL_ONLY = "no address: its client site has link-local addresses only"
_NOTHING: Mapping[str, Any] = {}


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """A client site: its addresses and groups; `problem` says why it has no address."""

    addresses: tuple[str, ...]
    groups: tuple[GroupRecord, ...]
    problem: str


class _Device(Struct, frozen=True, kw_only=True, gc=False):
    address: str
    access_point: str
    tower: Mapping[str, Any]


class Network:
    """All devices and sites, by the id of the client site."""

    def __init__(self, devices: Rows[DeviceRow], sites: Rows[SiteRow], *, groups: bool) -> None:
        self._groups = groups
        self._sites = {_site_id(row): row for row in sites.rows if _site_id(row)}
        self._devices: dict[str, list[_Device]] = {}
        for row in devices.rows:
            self._add(row)

    @property
    def lacks_a_list(self) -> bool:
        """Whether the NMS named no site, or no device of a customer, at all."""
        return not self._sites or not self._devices

    def place(self, site_id: str) -> Place:
        """What is known of the client site `site_id`, be it nothing."""
        site, devices = self._sites.get(site_id), self._devices.get(site_id, [])
        written = (*(device.address for device in devices), *_site_addresses(site))
        bare = dict.fromkeys(address.partition("/")[0].strip() for address in written)
        known = tuple(address for address in bare if address not in _NO_ADDRESS)
        # Every device has a link-local address; it is nobody's, and a line for each would drown the rest.
        addresses = tuple(address for address in known if not address.lower().startswith(_LINK_LOCAL))
        return Place(
            addresses=addresses,
            groups=tuple(self._groups_of(site, devices)) if self._groups else (),
            problem="" if addresses else _LINK_LOCAL_ONLY if known else _problem(site_id, site, devices),
        )

    def is_lead(self, site_id: str) -> bool:
        """Whether the NMS says that the site is a lead's: for clients that the CRM does not list."""
        site = self._sites.get(site_id)
        return site is not None and is_on(_object(_object(site.ucrm).get("client")).get("isLead"))

    def _add(self, row: DeviceRow) -> None:
        identification = _object(row.identification)
        site = _object(identification.get("site"))
        site_id = text(site.get("id"))
        if site_id and text(identification.get("role")).casefold() in ROLES:
            access_point = _object(_object(row.attributes).get("apDevice"))
            found = _Device(
                address=text(row.ip_address),
                access_point=text(access_point.get("name")),
                tower=_object(site.get("parent")),
            )
            self._devices.setdefault(site_id, []).append(found)

    def _groups_of(self, site: SiteRow | None, devices: list[_Device]) -> Iterator[GroupRecord]:
        """An `L1` for each access point, and the `L2` of the tower, which the site and its devices both name."""
        for name in dict.fromkeys(device.access_point for device in devices):
            if name:
                yield GroupRecord(level="L1", name=name, type="access-point")
        own = _object(_object(site.identification).get("parent")) if site else _NOTHING
        towers = (self._name(parent) for parent in (own, *(device.tower for device in devices)))
        tower = next((name for name in towers if name), "")
        if tower:
            yield GroupRecord(level="L2", name=tower, type="tower")

    def _name(self, parent: Mapping[str, Any]) -> str:
        """The name of a parent site, by its id where only that is given (facts: UISP, 8)."""
        listed = self._sites.get(text(parent.get("id")))
        return text(parent.get("name")) or (text(_object(listed.identification).get("name")) if listed else "")


def _site_id(row: SiteRow) -> str:
    return text(row.id) or text(_object(row.identification).get("id"))


def _status(site: SiteRow) -> str:
    return text(_object(site.identification).get("status")).casefold()


def _site_addresses(site: SiteRow | None) -> tuple[str, ...]:
    """The addresses written down for an active site."""
    return _written(site) if site is not None and _status(site) == "active" else ()


def _written(site: SiteRow) -> tuple[str, ...]:
    addresses = _object(site.description).get("ipAddresses")
    if isinstance(addresses, dict):
        addresses = list(addresses.values())
    found = map(text, addresses if isinstance(addresses, list) else [addresses])
    return tuple(address for address in found if address)


def _problem(site_id: str, site: SiteRow | None, devices: list[_Device]) -> str:
    if site is None and not devices:
        return f"no address: its client site {shown(site_id)} is not in the NMS"
    if site is not None and _written(site):
        status = shown(_status(site), limit=40) or "of no known status"
        return f"no address: its client site is {status}, and a site's own addresses count while it is active"
    return "no address: its client site has no device or address in the NMS"


def _object(value: Any) -> Mapping[str, Any]:
    """A JSON object, or the only one in a list; all else is none."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else _NOTHING
