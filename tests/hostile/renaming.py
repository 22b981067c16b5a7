"""Puts the hostile texts where an emulated system has names: the same name becomes the same text everywhere."""

from collections.abc import Mapping
from typing import Any

from tests.hostile.values import CARRIED, TEXTS

FIELDS = frozenset({
    # REST API of a BQN, as the gateway keeps it
    "policyName", "policyRate", "policyId", "subscriberId", "subscriberGroupName", "subscriberGroups",
    # billing systems
    "CompanyName", "Discription", "companyName", "description", "displayName", "email", "firstName", "first_name",
    "hostname", "label", "lastName", "last_name", "login", "name", "nickname", "node_name", "nombre", "package_name",
    "pppoe_username", "servicePlanName", "service_name", "servicio", "sitename", "title", "user", "userIdent",
    "username", "username_real", "usuario",
})  # fmt: skip
"""The fields that hold what people called something."""

_COLUMN_CHARS = 240
_KEPT = frozenset({"Active", "Inactive", "Suspended", "Delinquent", "Lead"})
"""Names that are a status."""


class Renaming:
    """One system's names, and the text that each became.

    `carried` are texts that UTF-8 can carry, all that a gateway takes; in columns of a database they are cut.
    """

    def __init__(self, start: int, *, carried: bool, in_columns: bool) -> None:
        texts = CARRIED if carried or in_columns else TEXTS
        self._texts = [text[:_COLUMN_CHARS] if in_columns else text for text in texts.values()]
        self._next = start
        self.names: dict[str, str] = {}

    def of(self, value: Any, field: str = "") -> Any:
        """`value`, lists and objects through and through, with every name another."""
        if isinstance(value, Mapping):
            return {key: self.of(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, field) for inner in value]
        if field in FIELDS and isinstance(value, str) and value and value not in _KEPT:
            return self._name(value)
        return value

    def _name(self, old: str) -> str:
        if old not in self.names:
            text = self._texts[self._next % len(self._texts)]
            # A number keeps apart what comes to the same when it is cleaned; at either end, by turns.
            self.names[old] = f"{text} {self._next}" if self._next % 2 else f"{text}-{self._next}"
            self._next += 1
        return self.names[old]
