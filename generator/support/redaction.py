"""Files of the inventory without their secrets: what is known to be harmless stays, all else is hidden.

The lines stay where they are, because errors name them; comments go, because nobody knows what they say.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

import yaml
from msgspec import Struct

from generator.inventory.shape import BILLING, BQN, known_systems, shape_of
from generator.inventory.templating import CREDENTIALS
from generator.inventory.vault import MARK

HIDDEN = "<hidden>"
_SECRET = re.compile(r"credential|pass|secret|token|key|private|auth|community|vault|user|login", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{\s*(?:lookup\(\s*(['\"])(?:env|file)\1\s*,\s*(['\"])[\w./ -]*\2\s*\)|[A-Za-z_]\w*)\s*\}\}")
"""Templates that name a variable or a file and hold nothing themselves."""

_OF_YAML = "tag:yaml.org,2002:"
_HARMLESS = frozenset({f"{_OF_YAML}bool", f"{_OF_YAML}null"})
_IN_URL = re.compile(r"(?<=://)[^/@\s]+(?=@)")
_COMMENT = re.compile(r"#[^\n]*")
_KEY_OF_LINE = re.compile(r"(\s*(?:- )?[\w.\-]+:)(?:\s|$)")


class Redacted(Struct, frozen=True):
    """A file fit to be shown, and the secrets that stood in it, to be looked for elsewhere."""

    text: str
    secrets: frozenset[str] = frozenset()


class _Text(Struct, frozen=True):
    """One scalar of a file: where it starts, whether it is shown, whether it is a credential's."""

    start: int
    text: str
    shown: bool
    secret: bool = False


def redacted(text: str) -> Redacted:
    """`text`, a YAML or JSON file of the inventory, without secrets; also where it is broken."""
    if text.startswith(MARK):
        return Redacted("(encrypted with Ansible Vault)\n")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        tokens = list(yaml.scan(text, Loader=yaml.SafeLoader))
        texts = {each.start: each for each in _texts(node)}
    except (yaml.YAMLError, RecursionError):
        return _broken(text)
    shown = {start for start, each in texts.items() if each.shown}
    return Redacted(_laid_out(text, tokens, shown), frozenset(each.text for each in texts.values() if each.secret))


def _texts(node: Any, *, setting: bool = False, secret: bool = False) -> Iterator[_Text]:
    """The scalars below `node`, inside of a known `setting` or not, inside of a credential (`secret`) or not."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = str(key.value)
            yield _Text(key.start_mark.index, name, shown=isinstance(key, yaml.ScalarNode))
            credential = name == CREDENTIALS or (name not in _settings() and bool(_SECRET.search(name)))
            yield from _texts(value, setting=setting or name in _settings(), secret=secret or credential)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _texts(value, setting=setting, secret=secret)
    elif node is not None:
        value, kind = str(node.value), str(node.tag)
        template = bool(_TEMPLATE.fullmatch(value.strip()))
        harmless = kind in _HARMLESS or (setting and kind.startswith(_OF_YAML))
        yield _Text(
            node.start_mark.index, value, shown=template or (harmless and not secret), secret=secret and not template
        )


def _laid_out(text: str, tokens: Sequence[Any], shown: Collection[int]) -> str:
    """The tokens on their lines; what stands between them and is no blank is a comment."""
    out: list[str] = []
    at = 0
    for token in tokens:
        start, end = token.start_mark.index, token.end_mark.index
        written = text[start:end]
        out.append(_COMMENT.sub("", text[at:start]))
        if isinstance(token, yaml.ScalarToken) and start not in shown:
            # What follows a block of text on the next line must stay there.
            out.append(HIDDEN + "\n" * written.count("\n"))
        else:
            out.append(written)
        at = end
    out.append(_COMMENT.sub("", text[at:]))
    return _IN_URL.sub(HIDDEN, "\n".join(line.rstrip() for line in "".join(out).split("\n")))


def _broken(text: str) -> Redacted:
    """A file that is no YAML: the keys at the starts of its lines, and nothing else."""
    lines = []
    for line in text.split("\n"):
        found = _KEY_OF_LINE.match(line)
        rest = line[found.end() :].strip() if found else line.strip()
        lines.append((found[1] if found else "") + (f" {HIDDEN}" if rest else ""))
    return Redacted("\n".join(lines))


@cache
def _settings() -> Collection[str]:
    """The names of all settings of all kinds of host that are no credentials."""
    shapes = [shape_of(BQN), shape_of(BILLING), *(shape_of(BILLING, system) for system in known_systems())]
    return frozenset(name for shape in shapes for name in shape.rules if name != CREDENTIALS) | {"ansible_host"}
