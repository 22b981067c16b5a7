"""When a request is tried again, and after how long; for reads of billing systems and all of a BQN."""

import random
from email.utils import parsedate_to_datetime

from msgspec import Struct

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Worth trying again: a BQN answers 500 under load and recovers in half a second (facts, section 1)."""


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often and how patiently: exponential back-off with full jitter, times in seconds."""

    attempts: int = 5
    first_delay_s: float = 0.5
    longest_delay_s: float = 30.0

    def delay_s(self, attempt: int, retry_after_s: float | None = None) -> float:
        """How long to wait after the `attempt`-th failure (from 1); at least what the server asked for."""
        ceiling = min(self.longest_delay_s, self.first_delay_s * 2.0 ** (attempt - 1))
        jittered = ceiling / 2 + random.uniform(0, ceiling / 2)  # noqa: S311 - spreads load, hides nothing
        asked = min(retry_after_s or 0.0, self.longest_delay_s)
        return max(jittered, asked)


DEFAULT_RETRY = RetryPolicy()


def retry_after_s(header: str | None, *, now_s: float) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as an HTTP date; None if unreadable."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 8:  # noqa: PLR2004 - a wait of months is no wait
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
