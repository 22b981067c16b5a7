"""SIMPLer's buckets as plans: each customer carries a copy of its own (facts: Azotel, 4, 6 and 7)."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from generator.billing.azotel.values import as_list
from generator.billing.numbers import NumberError, named
from generator.billing.text import shown, text
from generator.inventory.settings import BillingHost
from generator.model import Limit, PlanRecord

_ID_FIELDS = ("id", "bucketid", "bucket_id")
"""Where an id may stand, if there is one: no public text shows a whole bucket."""
_NO_ID = frozenset({"", "0"})
_MOST_LINES = 20
"""So many buckets are reported one by one, and the rest together."""


class Bucket(Struct, frozen=True, kw_only=True):
    """What one copy of a bucket says. Two copies that are equal are one bucket.

    Rates are kbps, 0 where there is none. `problem` says why it cannot be a plan.
    """

    id: str
    name: str
    download: int = 0
    upload: int = 0
    problem: str | None = None


class Plans(Struct, frozen=True, kw_only=True):
    """The plans of all buckets, the plan id of each bucket, and what the operator should know."""

    plans: tuple[PlanRecord, ...]
    id_of: Mapping[Bucket, str]
    warnings: tuple[str, ...]


def bucket_of(value: Any) -> Bucket | None:
    """The bucket in the field `bucket` of a customer; `None` where there is none."""
    copies = as_list(value)
    if not copies:
        return None
    first = copies[0]
    if len(copies) > 1:
        return Bucket(id="", name=_name(first), problem=f"the customer has {len(copies)} buckets, not one")
    if not isinstance(first, dict):
        return Bucket(id="", name=_name(first), problem=f"the bucket is {shown(first, limit=40)!r}, no object")
    bucket_id = next((found for field in _ID_FIELDS if (found := text(first.get(field))) not in _NO_ID), "")
    try:
        download, upload = (named(field, first.get(field)) or 0 for field in ("downloadrate", "uploadrate"))
    except NumberError as error:
        return Bucket(id=bucket_id, name=_name(first), problem=str(error))
    if not (bucket_id or _name(first) or download or upload):
        return None
    return Bucket(id=bucket_id, name=_name(first), download=download, upload=upload)


def _name(copy: Any) -> str:
    return text(copy.get("name")) if isinstance(copy, dict) else text(copy)


def plans_of(buckets: Iterable[Bucket], host: BillingHost) -> Plans:
    """Every different bucket as a plan of its own, so that nobody gets another's limits."""
    different = sorted(dict.fromkeys(buckets), key=_order)
    id_of = _ids(different)
    return Plans(
        plans=tuple(_plan(bucket, plan_id) for bucket, plan_id in id_of.items()),
        id_of=id_of,
        warnings=tuple(
            line
            for lines in (_without_rates(different, host), _same_names(different, host), _same_ids(different))
            for line in _first_lines(list(lines))
        ),
    )


def _order(bucket: Bucket) -> tuple[str, str, int, int]:
    return bucket.name, bucket.id, bucket.download, bucket.upload


def _ids(buckets: Sequence[Bucket]) -> dict[Bucket, str]:
    """A plan id for each bucket: that of SIMPLer where it sends one, else made from what the bucket says.

    Where copies of one id differ, each has both, whatever their order.
    """
    usable = Counter(bucket.id for bucket in buckets if bucket.id and not bucket.problem)
    return {
        bucket: f"azotel:{bucket.id}" if usable[bucket.id] == 1 and not bucket.problem else _made_id(bucket)
        for bucket in buckets
    }


def _made_id(bucket: Bucket) -> str:
    said = msgspec.json.encode([bucket.name, bucket.download, bucket.upload, bucket.problem])
    short = hashlib.blake2b(said, digest_size=5).hexdigest()
    return f"azotel:{bucket.id}-{short}" if bucket.id else f"azotel:{short}"


def _plan(bucket: Bucket, plan_id: str) -> PlanRecord:
    if bucket.problem:
        return PlanRecord(id=plan_id, name=bucket.name, problem=bucket.problem)
    return PlanRecord(
        id=plan_id, name=bucket.name,
        download=Limit(rate=bucket.download), upload=Limit(rate=bucket.upload),
    )  # fmt: skip


def _without_rates(buckets: Sequence[Bucket], host: BillingHost) -> Iterator[str]:
    """A line for each bucket that lacks a rate; with `zero_rate: reject` it is rejected anyway."""
    meaning = {"unlimited": "no limit", "block": "no traffic at all"}.get(host.zero_rate)
    for bucket in buckets:
        rates = {"downloadrate": bucket.download, "uploadrate": bucket.upload}
        missing = [field for field, rate in rates.items() if not rate]
        if meaning and missing and not bucket.problem and bucket.name not in host.plan_rates:
            fields = " and ".join(missing)
            yield f"bucket {shown(bucket.name)!r} has no {fields}: {meaning} there (zero_rate: {host.zero_rate})"


def _same_names(buckets: Sequence[Bucket], host: BillingHost) -> Iterator[str]:
    """A line for each name of several buckets; names made otherwise tell them apart already."""
    if host.policy_names != "service":
        return
    names = Counter(bucket.name for bucket in buckets if bucket.name and not bucket.problem)
    for name, count in names.items():
        if count > 1:
            yield (
                f"{count} buckets are called {shown(name)!r}: each is a policy of its own, with its id in the name; "
                "give them different names in SIMPLer"
            )


def _same_ids(buckets: Sequence[Bucket]) -> Iterator[str]:
    ids = Counter(bucket.id for bucket in buckets if bucket.id and not bucket.problem)
    for bucket_id, count in ids.items():
        if count > 1:
            yield f"bucket {shown(bucket_id)} came with {count} different names or rates: each is a policy of its own"


def _first_lines(lines: list[str]) -> Iterator[str]:
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES} more like: {lines[_MOST_LINES]}"
