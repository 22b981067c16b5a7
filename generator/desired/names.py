"""Text from a billing system made clean, and names as a BQN wants them (facts: BQN REST API, 9 and 12.16)."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

MAX_TEXT_BYTES = 128
"""A name or an id is cut to this many bytes of UTF-8, on whole characters."""

SHORT_NAME_BYTES = 63
"""Up to this length a name is known to be safe on a BQN; the true limit is not documented."""

RESERVED_NAMES = frozenset({".", "..", "all-subscribers"})

MAX_NAME = 300
"""Characters in a name, as in the schemas of the desired state."""

_UNWRITABLE = re.compile("[\x00-\x1f\x7f]")
_BLANK = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_DIGITS = re.compile("[0-9]+")


def clean_text(text: str, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """`text` without what does not print or misleads the eye: for every string of a billing system.

    Control characters, bidirectional controls, lone surrogates and NUL go; every kind of blank becomes a
    space; the rest is NFC, stripped, and cut to `max_bytes` of UTF-8 on whole characters. Idempotent.
    """
    if text.isascii() and text.isprintable():
        return text.strip()[:max_bytes].rstrip()
    plain = _INVISIBLE.sub("", _BLANK.sub(" ", text))
    plain = unicodedata.normalize("NFC", plain).strip()
    return plain.encode()[:max_bytes].decode(errors="ignore").rstrip()


def object_name(text: str) -> str:
    """`text` as the name of a policy or group: clean, and each blank a `_`."""
    return clean_text(text).replace(" ", "_")


def name_problem(name: str) -> str | None:
    """Why `name` cannot be the name of a policy or group on a BQN; `None` when it can."""
    if not name:
        return "its name is empty"
    return f"the name {name!r} is reserved" if name in RESERVED_NAMES else None


def is_writable(name: str) -> bool:
    """Whether the files of the desired state may have `name` for a policy or group: what their schemas say."""
    return 0 < len(name) <= MAX_NAME and name not in {".", ".."} and _UNWRITABLE.search(name) is None


def natural_key(text: str) -> str:
    """A sort key by which "session 9" comes before "session 10"."""
    return _DIGITS.sub(lambda digits: digits[0].zfill(20), text)


class Wanted(Struct, frozen=True, gc=False):
    """Something that wants a name: who, the name it would like, and what sets it apart from its equals."""

    who: str
    base: str
    suffix: str


def unique_names(wanted: Iterable[Wanted], *, reserved: frozenset[str] = frozenset()) -> dict[str, str | None]:
    """A name for each `who` of `wanted`, no two alike and none in `reserved`, whatever their order.

    Who shares a name, or wants a reserved one, gets `-<suffix>`, all of them: nobody's name depends on who
    came first. That is repeated while names collide ("Home" with id 17 beside a plan called "Home-17").
    `None` where even that does not set two apart.
    """
    each = {one.who: one for one in wanted}
    names = {who: one.base for who, one in each.items()}
    for _ in range(len(names) + 1):
        clashing = _clashing(names, reserved)
        if not clashing:
            return dict(names)
        names.update({who: f"{names[who]}-{each[who].suffix}" for who in clashing})
    clashing = _clashing(names, reserved)
    return {who: None if who in clashing else name for who, name in names.items()}


def _clashing(names: dict[str, str], reserved: frozenset[str]) -> set[str]:
    count = Counter(names.values())
    return {who for who, name in names.items() if count[name] > 1 or name in reserved}
