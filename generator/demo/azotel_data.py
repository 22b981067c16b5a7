"""Sample data of an Azotel SIMPLer: made up, the same for the same seed, with the names that real ISPs have."""

import random
from typing import ClassVar

from generator.demo.sample import PLANS, SITES, Lists, RowDict, address, person

_FIRST_CUSTOMER, _FIRST_EQUIPMENT = 1001, 301
_APS_A_SITE = 3
_BLOCKED_EVERY, _TWO_ADDRESSES_EVERY, _TWO_CPES_EVERY = 25, 20, 30


class AzotelData(Lists):
    """The lists of a SIMPLer as its answers have them: every value a text.

    `customers`, `cpes` and `sites` may be changed by hand; `touch()` afterwards tells the emulator.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("customers", "cpes", "sites")
    customers: list[RowDict]
    cpes: list[RowDict]
    sites: list[RowDict]


def sample(customers: int, seed: int) -> AzotelData:
    """A SIMPLer with so many customers; some are suspended, some have two addresses or two CPEs."""
    chance = random.Random(seed)  # noqa: S311 - sample data, the same for the same seed
    data = AzotelData()
    data.sites += [_site(at, name) for at, name in enumerate(SITES)]
    addresses = 0
    for at in range(1, customers + 1):
        count = 2 if at % _TWO_ADDRESSES_EVERY == 0 else 1
        mine = [address(addresses + offset) for offset in range(count)]
        addresses += count
        number = str(_FIRST_CUSTOMER + at - 1)
        data.customers.append(_customer(number, chance, addresses=mine, paying=at % _BLOCKED_EVERY != 0))
        aps = chance.sample(chance.choice(data.sites)["equipment"], 2 if at % _TWO_CPES_EVERY == 0 else 1)
        data.cpes += [{"customerid": number, "parent": ap["equipid"]} for ap in aps]
    return data


def _site(number: int, name: str) -> RowDict:
    first = _FIRST_EQUIPMENT + number * _APS_A_SITE
    return {
        "sitename": name,
        "equipment": [
            {"equipid": str(first + at), "nickname": f"{name} AP {at + 1}"} for at in range(_APS_A_SITE)
        ],
    }  # fmt: skip


def _customer(number: str, chance: random.Random, *, addresses: list[str], paying: bool) -> RowDict:
    given, family = person(chance)
    name, download, upload = chance.choice(PLANS)
    return {
        "customerid": number, "name": f"{given} {family}", "nickname": f"c{number}",
        "status": "current" if paying else "post",
        "bucket": {"name": name, "uploadrate": str(upload), "downloadrate": str(download)},
        "ipaddresses": [{"ip": each} for each in addresses],
    }  # fmt: skip
