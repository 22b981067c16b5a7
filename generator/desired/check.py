"""What no schema can say about a desired state: references, collisions of names, limits of a BQN."""

from collections.abc import Iterable, Iterator

from generator.bqn.wire import bqn_name
from generator.desired.groups import MAX_GROUPS
from generator.desired.tree import LoadedTree
from generator.errors import Problem
from generator.model import Limit


def reference_problems(tree: LoadedTree) -> list[Problem]:
    """Everything in `tree` that refers to nothing, collides on a BQN, or asks for what a BQN cannot do.

    Each problem has its place and what would put it right; empty when all is well.
    """
    return [
        *_subscribers(tree),
        *_groups(tree),
        *_policies(tree),
        *_collisions(tree, "policies", tree.state.policies),
        *_collisions(tree, "groups", tree.state.groups),
        *_absent(tree),
    ]


def _subscribers(tree: LoadedTree) -> Iterator[Problem]:
    state = tree.state
    for ip, subscriber in state.subscribers.items():
        if subscriber.policy is not None and subscriber.policy not in state.policies:
            yield tree.problem(
                f"the policy {subscriber.policy!r} is not in policies.yml", "subscribers", ip, field="policy",
                fix="correct the name, or add the policy",
            )  # fmt: skip
        for name in subscriber.groups:
            if name not in state.groups:
                yield tree.problem(
                    f"the group {name!r} is not in groups.yml", "subscribers", ip, field="groups",
                    fix=f"correct the name, or add to groups.yml: {name}: {{}}",
                )  # fmt: skip
        if len(subscriber.groups) > MAX_GROUPS:
            yield tree.problem(
                f"{len(subscriber.groups)} groups on one address; a BQN has {MAX_GROUPS}", "subscribers", ip,
                field="groups", fix=f"keep {MAX_GROUPS} of them",
            )  # fmt: skip


def _groups(tree: LoadedTree) -> Iterator[Problem]:
    for name, group in tree.state.groups.items():
        if group.policy is not None and group.policy not in tree.state.policies:
            yield tree.problem(
                f"the policy {group.policy!r} is not in policies.yml", "groups", name, field="policy",
                fix="correct the name, or add the policy",
            )  # fmt: skip


def _policies(tree: LoadedTree) -> Iterator[Problem]:
    for name, policy in tree.state.policies.items():
        for direction, limit in (("download", policy.download), ("upload", policy.upload)):
            if _burst_is_no_burst(limit):
                rate = "unlimited" if limit.rate is None else limit.rate
                yield tree.problem(
                    f"{direction}: the burst_rate {limit.burst_rate} is not above the rate {rate}",
                    "policies", name, field=direction, fix="raise burst_rate above rate, or remove the burst",
                )  # fmt: skip


def _burst_is_no_burst(limit: Limit) -> bool:
    return limit.burst_rate is not None and (limit.rate is None or limit.burst_rate <= limit.rate)


def _collisions(tree: LoadedTree, kind: str, names: Iterable[str]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(bqn_name(name), name)
        if other != name:
            yield tree.problem(
                f"{name!r} and {other!r} are one name on a BQN, which has _ for a blank", kind, name,
                fix="rename one of them",
            )  # fmt: skip


def _absent(tree: LoadedTree) -> Iterator[Problem]:
    rejected = {each.ip for each in tree.state.rejected}
    for ip in tree.state.absent:
        if ip not in tree.state.subscribers:
            yield tree.problem(
                f"{ip} is kept as absent, but is no subscriber", "absent", ip,
                fix="remove the line, or restore the subscriber",
            )  # fmt: skip
        elif ip in rejected:
            yield tree.problem(
                f"{ip} is kept as absent, but rejected.yml has a record that claims it", "absent", ip,
                fix="run bqnctl render",
            )  # fmt: skip
