"""Counts what is worth one warning, not one per subscriber."""

from generator.desired.names import natural_key


class Tally:
    """How often each thing happened in one build, with an example that does not depend on the order."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, str]] = {}

    def add(self, what: str, example: str) -> None:
        """One more case of `what`, for instance `example`."""
        count, kept = self._seen.get(what, (0, example))
        self._seen[what] = (count + 1, min(kept, example, key=lambda text: (natural_key(text), text)))

    def warnings(self) -> tuple[str, ...]:
        """One text per thing counted: how many, and an example."""
        return tuple(
            f"{what}: {count} (for example {example})" for what, (count, example) in sorted(self._seen.items())
        )
