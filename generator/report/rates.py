"""Rates as people say them: 50000 kbps is 50M."""

_STEPS = ((1_000_000, "G"), (1_000, "M"))


def human_rate(rate: object) -> str:
    """A rate in kbps as short text (`1.5M`, `800k`); other words (`unlimited`) stay."""
    if isinstance(rate, bool) or not isinstance(rate, int):
        return str(rate)
    for size, letter in _STEPS:
        if rate >= size:
            return f"{rate / size:.3f}".rstrip("0").rstrip(".") + letter
    return f"{rate}k" if rate else "0"
