"""What every output keeps to, whatever stands in a name: judged by what reads it, not by how it was made."""

import re
import unicodedata
from html.parser import HTMLParser

_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_FENCE = re.compile(r"(`{3,})(?:diff)?")


def dangerous(text: str) -> list[str]:
    """The characters that a terminal or an eye could be misled by; the line feed ends lines and is not one."""
    return sorted({repr(each) for each in text if each != "\n" and unicodedata.category(each) in _DANGEROUS})


def outside_fences(text: str) -> str:
    """The Markdown that is rendered: everything but fenced code; raises `ValueError` for a fence left open."""
    kept, fence = [], None
    for line in text.split("\n"):
        opening = _FENCE.fullmatch(line)
        if fence is None and opening:
            fence = opening[1]
        elif fence is not None and line == fence:
            fence = None
        elif fence is None:
            kept.append(line)
    if fence is not None:
        message = "a fence is left open"
        raise ValueError(message)
    return "\n".join(kept)


class Page(HTMLParser):
    """An HTML page as a browser's parser divides it: elements with attributes, and the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.comments: list[str] = []
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open, data))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def text_of(self, tag: str) -> list[str]:
        """The texts that stand in elements of this name."""
        return [text for each, text in self.texts if each == tag]
