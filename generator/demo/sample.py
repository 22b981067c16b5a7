"""What the sample data of every emulator is made of: people as real ISPs have them, sites, addresses, lists."""

import random
from typing import Any, ClassVar

RowDict = dict[str, Any]

GIVEN = (
    "Ana", "José", "Siobhán", "Łukasz", "Nguyễn Thị", "Олена", "François", "Fatma", "Bjørn", "Chloë", "Ngozi",
    "山田", "Zoë", "Mihály", "Δημήτρης", "Aïcha", "Jürgen", "Inés", "Thabo", "Kahu",
)  # fmt: skip
FAMILY = (
    "Pérez", "Núñez", "O'Brien", "Żółkowski", "Hà", "Коваленко", "D'Angelo", "Şahin", "Ødegård", "Lefèvre",
    "Okonkwo", "太郎", "García-López", "Szőke", "Παπαδόπουλος", "N'Diaye", "Müller", "Muñoz", "van der Merwe",
    "Smith",
)  # fmt: skip
LOGINS = ("ana", "jose", "siobhan", "lukasz", "hanguyen", "olena", "francois", "fatma", "bjorn", "chloe")
SITES = (
    "Cerro Alto", "Water Tower", "Église St-Martin", "Mill Hill", "Puerto Viejo", "Höhenweg", "Silo 7",
    "Kopec",
)  # fmt: skip
PLANS: tuple[tuple[str, int, int], ...] = (
    ("Home 50 Mb", 51200, 10240), ("Home 100 Mb", 102400, 20480), ("Hogar Básico 30", 30720, 6144),
    ("Fibra Óptica 300", 307200, 102400), ("Business 500 symmetric", 512000, 512000),
    ("Wireless 20\t", 20480, 4096), ("L'Essentiel 10", 10240, 2048), ("Дім 200", 204800, 51200),
)  # fmt: skip
"""Names with download and upload in kbps."""

_HOSTS_PER_24 = 254
_CGNAT_SECOND_OCTET = 64


class Lists:
    """The lists of an emulated system, as dictionaries shaped as its API shows them.

    A subclass names its lists in `NAMES` and declares one attribute for each. They may be changed by hand
    while the emulator runs; `touch()` afterwards tells it.
    """

    NAMES: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        for name in self.NAMES:
            setattr(self, name, [])
        self.revision = 0

    def touch(self) -> None:
        """Say that the lists have changed."""
        self.revision += 1

    def dump(self) -> dict[str, list[RowDict]]:
        """The lists, for `load` at another time."""
        return {name: getattr(self, name) for name in self.NAMES}

    def load(self, lists: dict[str, list[RowDict]]) -> None:
        """Replace the lists by what `dump` gave; a list that is not in `lists` becomes empty."""
        unknown = sorted(lists.keys() - set(self.NAMES))
        if unknown:
            raise ValueError(f"no list is called {', '.join(unknown)}")
        for name in self.NAMES:
            getattr(self, name)[:] = lists.get(name, [])
        self.touch()


def person(chance: random.Random) -> tuple[str, str]:
    """A given name and a family name."""
    return chance.choice(GIVEN), chance.choice(FAMILY)


def address(number: int) -> str:
    """The `number`-th address of 100.64.0.0/10, without .0 and .255."""
    network, host = divmod(number, _HOSTS_PER_24)
    return f"100.{_CGNAT_SECOND_OCTET + network // 256}.{network % 256}.{host + 1}"


def mac(number: int) -> str:
    """A locally administered MAC address of the `number`-th device."""
    return f"02:11:{number.to_bytes(4).hex(':')}"
