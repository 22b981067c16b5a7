"""`--only KIND[:KEY]`: a run narrowed to some objects, with the policies those objects need."""

import fnmatch

from msgspec import Struct

from generator.bqn.kinds import Kind
from generator.documents.nearest import typo_of
from generator.errors import UsageError
from generator.reconcile.diff import Diff
from generator.reconcile.plan import Action, Change


class Only(Struct, frozen=True):
    """Which objects a run is about; empty: all. Keys may be globs."""

    texts: tuple[str, ...] = ()

    def narrow(self, diff: Diff) -> Diff:
        """The part of a diff that is asked for, and the policies it cannot do without."""
        if not self.texts:
            return diff
        rules = [_parse(text) for text in self.texts]
        chosen = [change for change in diff.changes if _chosen(change, rules)]
        chosen_ids = {id(change) for change in chosen}
        needed = {change.after.get("policy") for change in chosen if change.after is not None}
        changes = tuple(
            change
            for change in diff.changes
            if id(change) in chosen_ids
            or (change.kind is Kind.POLICY and change.action is not Action.DELETE and change.key in needed)
        )
        keys = {change.key for change in changes if change.kind is Kind.SUBSCRIBER}
        return Diff(
            changes=changes,
            totals=diff.totals,
            untouched=diff.untouched,
            newly_blocked=tuple(ip for ip in diff.newly_blocked if ip in keys),
        )


def parse_only(texts: tuple[str, ...]) -> Only:
    """The `--only` options of a command line; raises `UsageError` for a kind that does not exist."""
    for text in texts:
        _parse(text)
    return Only(texts)


def _parse(text: str) -> tuple[Kind, str]:
    word, _, key = text.partition(":")
    for kind in Kind:
        if word in (kind.value, kind.plural):
            return kind, key or "*"
    nearest = typo_of(word, [kind.value for kind in Kind])
    meant = f"did you mean {nearest}?" if nearest else "KIND[:KEY] with KIND policy, subscriber or group"
    raise UsageError(f"--only {text!r} names no kind", fix=f"{meant} For example: --only subscriber:10.0.0.7")


def _chosen(change: Change, rules: list[tuple[Kind, str]]) -> bool:
    return any(
        change.kind is kind and (change.key == pattern or fnmatch.fnmatchcase(change.key, pattern))
        for kind, pattern in rules
    )
