"""Keeping subscribers that a source of live sessions does not list just now: offline is not gone."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from generator.model import DesiredState, Group, Policy, Subscriber

_FORM = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z")


def write_time(moment: datetime) -> str:
    """`moment`, an aware time, in UTC to the minute, as `absent.yml` has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def read_time(text: str) -> datetime:
    """The time that `write_time` wrote; raises `ValueError` for any other text."""
    if not _FORM.fullmatch(text):
        raise ValueError(f"{text!r} is not a time like 2024-01-31T23:59Z")
    return datetime.fromisoformat(text)


class Kept(Struct, frozen=True, kw_only=True):
    """Subscribers kept though not listed, since when, and the old policies and groups they need."""

    subscribers: Mapping[str, Subscriber]
    absent: Mapping[str, str]
    policies: Mapping[str, Policy]
    groups: Mapping[str, Group]


NOBODY = Kept(subscribers={}, absent={}, policies={}, groups={})


def keep_absent(
    previous: DesiredState | None,
    *,
    claimed: frozenset[str],
    unread: frozenset[str] = frozenset(),
    policies: Mapping[str, Policy],
    keep_s: int,
    now: datetime,
) -> Kept:
    """Who of `previous` is neither in `claimed` nor missed for `keep_s` seconds or longer.

    Who has an `unread` address is there, only not readable just now: kept however long, and not as absent.

    They keep their policy: under its new name if its id has one now, or as it was as long as somebody absent
    has it. They keep their groups, less the ranges that somebody claims now.
    """
    if previous is None or (keep_s <= 0 and not unread):
        return NOBODY
    followed = _Followed(previous, policies)
    stamp, oldest = write_time(now), now - timedelta(seconds=keep_s)
    subscribers: dict[str, Subscriber] = {}
    absent: dict[str, str] = {}
    groups: dict[str, Group] = {}
    for ip, subscriber in previous.subscribers.items():
        if ip in claimed:
            continue
        if ip not in unread:
            since = previous.absent.get(ip, stamp)
            if keep_s <= 0 or (since != stamp and read_time(since) <= oldest):
                continue
            absent[ip] = since
        subscribers[ip] = replace(subscriber, policy=followed.name(subscriber.policy))
        for name in subscriber.groups:
            if name in previous.groups and name not in groups:
                groups[name] = _kept_group(previous.groups[name], followed, claimed)
    return Kept(subscribers=subscribers, absent=absent, policies=followed.old, groups=groups)


def _kept_group(group: Group, followed: "_Followed", claimed: frozenset[str]) -> Group:
    ranges = tuple(text for text in group.ranges if text not in claimed)
    return replace(group, policy=followed.name(group.policy), ranges=ranges)


class _Followed:
    """Where the policies of a former state went."""

    def __init__(self, previous: DesiredState, policies: Mapping[str, Policy]) -> None:
        self._previous, self._policies = previous, policies
        self._by_id = {policy.id: name for name, policy in policies.items() if policy.id is not None}
        self.old: dict[str, Policy] = {}

    def name(self, old_name: str | None) -> str | None:
        """What the policy `old_name` is called now; what is gone is kept in `old` under its own name."""
        if old_name is None:
            return None
        policy = self._previous.policies.get(old_name)
        if policy is not None and policy.id in self._by_id:
            return self._by_id[policy.id]
        if policy is not None and old_name not in self._policies:
            self.old[old_name] = policy
        return old_name
