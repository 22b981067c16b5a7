"""Names and addresses of subscribers made unreadable, the same ones alike, with a key that no one keeps."""

import hashlib
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface
from typing import Any

_KEPT_BITS = {4: 8, 6: 16}
"""The start of an address stays: it says whether it is private, shared or public."""

_WORDS_IN_A_NAME = 5
_SHORTEST = 3
_LONGEST_TEXT = 4_000
_EDGES = "\"'`.,;:!?()[]{}<>=→"
_ADDRESS = re.compile(
    r"(?:(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)"
    r"|(?<![0-9A-Za-z.:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?!\w))(?:/\d{1,3})?"
)
_PERSONAL = re.compile(
    r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"  # an address of mail
    r"|(?<![\w:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:-])"  # of a network card
)
_QUOTED = re.compile(r"(?<!\w)(['\"])((?:(?!\1)[^\n])+)\1(?!\w)")


class Pseudonyms:
    """Stands for the names and addresses of one bundle; without a key everything stays as it is.

    `plain` are names and addresses of the operator's own equipment, which are not hidden. `learn` tells the names
    that free text is searched for.
    """

    def __init__(self, key: bytes | None, plain: Collection[str] = ()) -> None:
        self._key = key
        self._plain = frozenset(plain)
        self._known: set[str] = set()
        self._mapped = lru_cache(maxsize=1 << 18)(self._flip)

    @property
    def hides(self) -> bool:
        """Whether anybody is hidden at all."""
        return self._key is not None

    def learn(self, name: str | None) -> None:
        """Hide `name` in free text from now on; one of less than three letters is too common for that."""
        if self._key is not None and name and len(name) >= _SHORTEST and name not in self._plain:
            self._known |= {name, name.replace(" ", "_")}

    def name(self, name: str) -> str:
        """What stands for a name or an id."""
        if self._key is None or not name or name in self._plain:
            return name
        # On a BQN a name's blanks are underscores: the same person there and here.
        written = name.replace(" ", "_").encode("utf-8", "surrogatepass")
        return f"n-{self._digest(written)[:5].hex()}"

    def group(self, name: str) -> str:
        """What stands for a group: only one of a single subscriber (DS-) is hidden."""
        return f"DS-{self.name(name[3:])}" if name.startswith("DS-") else name

    def key(self, key: str) -> str:
        """What stands for the key of an object: an address, or the name of a policy or group."""
        return self.address(key) if _is_address(key) else self.group(key)

    def address(self, text: str) -> str:
        """What stands for an address or prefix, or for a text that is none: prefixes shared before are shared after."""
        if self._key is None or text in self._plain:
            return text
        try:
            interface = ip_interface(text)
        except ValueError:
            return self.name(text)
        return self._other(interface.ip, interface.network.prefixlen) + (
            f"/{text.split('/')[1]}" if "/" in text else ""
        )

    def text(self, text: str) -> str:
        """Free text with addresses, known names, and whatever stands in quotes hidden."""
        if self._key is None:
            return text
        return "\n".join(self._line(line[:_LONGEST_TEXT]) for line in text.split("\n"))

    def addresses(self, text: str) -> str:
        """Text of our own with the addresses in it hidden (IP, mail, MAC), and nothing else."""
        text = _PERSONAL.sub(lambda found: self.name(found[0]), text)
        return _ADDRESS.sub(lambda found: self._found(found[0]), text)

    def _found(self, text: str) -> str:
        """What stands for something that looks like an address, maybe with the colon of a sentence behind it."""
        bare = text if _is_address(text) else text.removesuffix(":")
        return text.replace(bare, self.address(bare), 1) if _is_address(bare) else text

    def _line(self, line: str) -> str:
        line = _QUOTED.sub(lambda found: f"{found[1]}{self.name(found[2])}{found[1]}", line)
        return "".join(self._words(self.addresses(line)))

    def _words(self, line: str) -> Iterator[str]:
        """The line, with every run of words that is a known name replaced."""
        parts = re.split(r"(\s+)", line)
        at = 0
        while at < len(parts):
            for count in range(2 * _WORDS_IN_A_NAME - 1, 0, -2):
                run = "".join(parts[at : at + count])
                bare = run.strip(_EDGES)
                if bare in self._known:
                    yield run.replace(bare, self.name(bare), 1)
                    at += count
                    break
            else:
                yield parts[at]
                at += 1

    def _other(self, ip: IPv4Address | IPv6Address, length: int) -> str:
        if ip.is_loopback or ip.is_unspecified or ip.is_multicast or ip.is_link_local:
            return str(ip)
        bits, number = ip.max_prefixlen, int(ip)
        kept = _KEPT_BITS[ip.version]
        made = number >> (bits - kept)
        for at in range(kept, bits):
            bit = (number >> (bits - 1 - at)) & 1
            made = made << 1 | (bit ^ self._mapped(ip.version, at, number >> (bits - at)))
        hidden: Any = type(ip)((made >> (bits - length)) << (bits - length))
        return str(hidden)

    def _flip(self, version: int, at: int, prefix: int) -> int:
        return self._digest(b"%d/%d/%d" % (version, at, prefix))[0] & 1

    def _digest(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, key=self._key or b"", digest_size=16).digest()


def _is_address(text: str) -> bool:
    try:
        ip_address(text.split("/", maxsplit=1)[0])
    except ValueError:
        return False
    return True
