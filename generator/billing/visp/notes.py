"""What the operator should know of many records, as one line for each kind."""

from collections import Counter

_EXAMPLES = 5


class Notes:
    """Counts what was odd, and keeps the first examples of each kind."""

    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], dict[str, None]] = {}

    def add(self, what: str, example: str, *, then: str) -> None:
        """One more of `what` (a plural); `then` says what was done about it."""
        kind = (what, then)
        self._count[kind] += 1
        examples = self._examples.setdefault(kind, {})
        if len(examples) < _EXAMPLES:
            examples[example] = None

    def lines(self) -> tuple[str, ...]:
        """A line for each kind: "speeds with a unit that is not known: 3 ('furlongs'), taken as Mbps"."""
        return tuple(
            f"{what}: {count} ({', '.join(self._examples[what, then])}), {then}"
            for (what, then), count in self._count.items()
        )
