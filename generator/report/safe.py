"""Text from outside made fit for a terminal: nothing in it can move the cursor, recolour or reorder."""

import unicodedata

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str) -> str:
    """`text` with control, format (bidi) and separator characters written as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _UNSAFE_CATEGORIES else char for char in text)


def one_line(text: str) -> str:
    """`text` with its lines joined, for a log of one line an event."""
    return " ".join(text.split())


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
