"""Names by pattern, as the inventory's `ignore`, `managed_groups` and the like have them."""

import fnmatch
from collections.abc import Iterable


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether `name` matches one of `patterns`, where * and ? stand for other characters; case counts."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
