"""The nearest known name to one that is unknown, for the "did you mean" of every error."""

import difflib
from collections.abc import Iterable

_SAME_NAME = 0.84
"""From this ratio on, two names are taken for the same one with a typo."""


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """What to tell a person who wrote `name`: the nearest of `known`, else all of them if they are few."""
    names = list(dict.fromkeys(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    if not names:
        return None
    return f"known: {', '.join(names)}" if len(names) <= 20 else None  # noqa: PLR2004 - a line's worth


def typo_of(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` is most likely a slip of; None when it is a name of its own.

    Letters swapped, left out or doubled, other case and dashes for underscores count as slips; another
    number at the end does not (bqn-1 and bqn-2 are two names).
    """
    best, best_ratio = None, 0.0
    plain = _plain(name)
    for candidate in known:
        other = _plain(candidate)
        if plain.rstrip("0123456789") == other.rstrip("0123456789") and plain != other:
            continue
        if plain == other or (len(plain) >= 4 and sorted(plain) == sorted(other)):  # noqa: PLR2004 - short words swap by chance
            return candidate
        ratio = difflib.SequenceMatcher(None, plain, other).ratio()
        if ratio >= _SAME_NAME and ratio > best_ratio:
            best, best_ratio = candidate, ratio
    return best


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
