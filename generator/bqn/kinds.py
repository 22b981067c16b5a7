"""The three kinds of object on a BQN, and the REST paths they live under (facts: BQN REST API, 3)."""

from enum import StrEnum
from urllib.parse import quote

API_ROOT = "/api/v1"


class Kind(StrEnum):
    """A kind of object; the value is the word that commands and reports use."""

    POLICY = "policy"
    SUBSCRIBER = "subscriber"
    GROUP = "group"

    @property
    def plural(self) -> str:
        """The word for several of them."""
        return "policies" if self is Kind.POLICY else f"{self.value}s"


_COLLECTIONS = {
    Kind.POLICY: f"{API_ROOT}/policies/rate",
    Kind.SUBSCRIBER: f"{API_ROOT}/subscribers",
    Kind.GROUP: f"{API_ROOT}/subscriberGroups",
}


def collection_path(kind: Kind) -> str:
    """The path of all objects of a kind; no trailing slash, which a BQN refuses since R4.14."""
    return _COLLECTIONS[kind]


def object_path(kind: Kind, key: str) -> str:
    """The path of one object: every byte of the key that is not unreserved is encoded, `/` too."""
    return f"{_COLLECTIONS[kind]}/{quote(key, safe='')}"
