"""What every fuzz target says when its promise does not hold, told apart from all that the code may raise."""


class BrokenPromiseError(AssertionError):
    """An oracle did not hold: what came out is not what was promised. The text says both sides."""


def must(holds: bool, what: str, *seen: object) -> None:  # noqa: FBT001 - reads as a sentence at the call
    """Raise `BrokenPromiseError` unless `holds`; `seen` are the values that do not fit."""
    if not holds:
        raise BrokenPromiseError("\n".join([what, *(repr(each)[:2000] for each in seen)]))
