"""Host names as hosts.yml writes them: ranges such as `bqn[01:03]`, and a port after a colon."""

import itertools
import re
import string
from ipaddress import ip_address

MAX_HOSTS = 10_000
"""How many hosts one name may stand for."""

_RANGE = re.compile(r"\[([^\[\]]*)\]")
_PORT = re.compile(r"(?P<name>(?:[^:\[\]]|\[[^\]]*\])+|\[[^\[\]]+\]):(?P<port>[0-9]{1,5})")


class RangeError(ValueError):
    """A range that stands for nothing; the text says why, for a problem with its place."""


def expand_host(pattern: str) -> tuple[list[str], int | None]:
    """The host names that `pattern` stands for, and the port it ends with, as Ansible reads them.

    Raises `RangeError` for a range that cannot be counted out, or for more than `MAX_HOSTS` hosts.
    """
    name, port = _split_port(pattern)
    parts = _RANGE.split(name)
    if len(parts) == 1 and not set("[]") & set(name):
        return [name], port
    if any("[" in part or "]" in part for part in parts[::2]):
        raise RangeError(f"the range in {pattern} has no end or no beginning")
    choices = [[part] if index % 2 == 0 else _sequence(part) for index, part in enumerate(parts)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_HOSTS:
        raise RangeError(f"{pattern} stands for {count} hosts, more than {MAX_HOSTS}")
    return ["".join(chosen) for chosen in itertools.product(*choices)], port


def _split_port(pattern: str) -> tuple[str, int | None]:
    match = _PORT.fullmatch(pattern)
    if match is None:
        return pattern, None
    name = match["name"]
    if name.startswith("[") and name.endswith("]") and _is_address(name[1:-1]):
        name = name[1:-1]
    return name, int(match["port"])


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _sequence(text: str) -> list[str]:
    bounds = text.split(":")
    if len(bounds) not in (2, 3) or not bounds[1]:
        raise RangeError(f"[{text}] is not a range: write [FIRST:LAST] or [FIRST:LAST:STEP]")
    first, last, step_text = bounds[0] or "0", bounds[1], bounds[2] if len(bounds) > 2 else "1"  # noqa: PLR2004 - the step
    if not step_text.isdecimal() or int(step_text) == 0:
        raise RangeError(f"the step of [{text}] is not a number from 1")
    found = _letters(first, last, int(step_text)) or _numbers(first, last, int(step_text))
    if not found:
        raise RangeError(f"[{text}] stands for no host: the first must come before the last")
    return found


def _letters(first: str, last: str, step: int) -> list[str]:
    letters = string.ascii_letters
    if len(first) != 1 or len(last) != 1 or first not in letters or last not in letters:
        return []
    return list(letters[letters.index(first) : letters.index(last) + 1 : step])


def _numbers(first: str, last: str, step: int) -> list[str]:
    if not first.isdecimal() or not last.isdecimal():
        raise RangeError(f"[{first}:{last}] is neither two numbers nor two letters")
    if first.startswith("0") and len(first) > 1 and len(first) != len(last):
        raise RangeError(f"[{first}:{last}] has bounds of different lengths: write as many zeros in both")
    width = len(first) if first.startswith("0") else 0
    if len(last) > 9:  # noqa: PLR2004 - far beyond MAX_HOSTS, before it is counted out
        raise RangeError(f"[{first}:{last}] stands for too many hosts")
    numbers = range(int(first), int(last) + 1, step)
    if len(numbers) > MAX_HOSTS:
        raise RangeError(f"[{first}:{last}] stands for {len(numbers)} hosts, more than {MAX_HOSTS}")
    return [str(number).zfill(width) for number in numbers]
