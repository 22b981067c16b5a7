"""Saved plans: one error for all that is none, the same bytes again for what is one, and every report can show it.

Input: the file. A plan is checked in as JSON, and anyone who may edit the repository may edit it.
"""

import copy
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from generator.errors import BqnctlError
from generator.reconcile.plan import Plan
from generator.reconcile.planfile import decode_plan, encode_plan
from generator.report.html import plan_html
from generator.report.markdown import MARKER, plan_markdown
from generator.report.text import plan_text
from generator.report.wording import MAX_COMMENT_BYTES
from tests.fuzz.oracle import must
from tests.hostile.outputs import Page, dangerous, outside_fences
from tests.hostile.values import TEXTS

_WHERE = "plan.json"
_REPEATED, _DROPPED = 0.1, 0.1
_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    1e300,
    "",
    [],
    {},
    [None],
    {"rate": "unlimited"},
    "unlimited",
    "blocked",
    "policy",
)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Another plan made of `data`: a value in it, found by chance, becomes another, goes, or stands twice.

    Bytes changed blindly are hardly ever JSON; those that are none already are left to libFuzzer.
    """
    chance = random.Random(seed)
    try:
        root = json.loads(data)
    except (ValueError, RecursionError):
        return data[:max_size]
    places = list(_places(root))
    for _ in range(chance.randint(1, 3)):
        if not places:
            break
        holder, key = chance.choice(places)
        if isinstance(holder, list) and chance.random() < _REPEATED:
            holder.append(copy.deepcopy(holder[0]) if holder else None)
        elif isinstance(holder, dict) and chance.random() < _DROPPED:
            holder.pop(key, None)
        else:
            other, at = chance.choice(places)
            mine = other[at] if isinstance(other, list) and at < len(other) else None
            holder[key] = copy.deepcopy(chance.choice([*_ODD, *TEXTS.values(), mine]))
            places = list(_places(root))
    return json.dumps(root, ensure_ascii=False).encode("utf-8", "replace")[:max_size]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every collection in `value` with each of its keys or indexes."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield value, key
        yield from _places(each)


def check(data: bytes) -> None:
    """One file read, written again, and shown in every format."""
    try:
        plan = decode_plan(data, where=_WHERE)
    except BqnctlError as error:
        must(error.where == _WHERE and bool(error.fix), "a refusal says where, and what to do", error)
        return
    must(_keys_stand_once(data), "a key stands once", data)
    encoded = encode_plan(plan)
    again = decode_plan(encoded, where=_WHERE)
    must(encode_plan(again) == encoded, "read and written, a plan is the same bytes", encoded)
    _shown(plan)


def _keys_stand_once(data: bytes) -> bool:
    """Whether no object of the file has a key twice, of which readers take now the first, now the last."""
    once = True

    def noted(pairs: list[tuple[str, object]]) -> dict[str, object]:
        nonlocal once
        once = once and len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    json.loads(data.decode("utf-8"), object_pairs_hook=noted)
    return once


def _shown(plan: Plan) -> None:
    for verbose in (False, True):
        text = plan_text(plan, verbose=verbose)
        must(not dangerous(text), "nothing in the text moves a terminal", dangerous(text), text)
    markdown = plan_markdown(plan)
    must(len(markdown.encode()) <= MAX_COMMENT_BYTES, "Markdown keeps its budget", len(markdown))
    must(markdown.startswith(f"{MARKER}\n") and markdown.count(MARKER) >= 1, "it begins with its marker", markdown)
    must(not dangerous(markdown), "nothing in the Markdown misleads", dangerous(markdown), markdown)
    must(re.search(r"(?<!\\)[<@]", _without_ours(outside_fences(markdown))) is None, "no HTML, no mention", markdown)
    _page(plan)


def _without_ours(markdown: str) -> str:
    return re.sub(r"<!-- bqnctl plan -->|</?details(?: open)?>|</?summary>|<code>[^<@]*</code>", "", markdown)


def _page(plan: Plan) -> None:
    page = Page(plan_html(plan))
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    must(scripts == [{"type": "application/json", "id": "data"}, {}], "the page has its own scripts", scripts)
    data = "".join(text for text in page.text_of("script")[:1])
    names = [each["name"] for each in json.loads(data)["appliances"]]
    must(len(names) == len(plan.appliances), "every appliance is in the page", names)
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "h1", "p", "main", "noscript", "script"}
    must({tag for tag, _ in page.elements} <= allowed, "the page has its own elements", page.elements)
