"""Text from outside made fit for a terminal: nothing in it can move the cursor, recolour or reorder."""

import re
import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN = re.compile("[^\n -~]")
"""Outside of texts there is nothing in JSON but ASCII."""
_REMEDY = "\n  → "
"""What stands before the remedy in the text of an error (`BqnctlError`)."""


def printable(text: str) -> str:
    """`text` with control, format (bidi) and separator characters written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in text)


def one_line(text: str) -> str:
    """`text` with its lines joined, for a log of one line an event."""
    return " ".join(text.split())


def printable_json(text: str) -> str:
    """JSON that means the same, with what `printable` would escape in JSON's own way."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSEEN.sub(_json_escaped, text)


def _json_escaped(found: re.Match[str]) -> str:
    if unicodedata.category(found[0]) not in _UNSAFE_CATEGORIES:
        return found[0]
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def printable_error(text: str) -> str:
    """An error's text as `printable` makes it, with its remedy on a line of its own.

    No other line break is kept: what an error quotes must not pass for a line of ours.
    """
    return _REMEDY.join(printable(part) for part in text.split(_REMEDY))


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
