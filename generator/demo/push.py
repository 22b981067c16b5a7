"""A billing system that pushes: its customers sent to a BQN, or to what it believes is one, request by request."""

from typing import Any

from generator.bqn.client import BqnClient
from generator.bqn.kinds import Kind
from generator.bqn.server.store import KEY_FIELDS
from generator.demo.pushed import PushedData
from generator.errors import BqnctlError


def push_all(client: BqnClient, data: PushedData) -> int:
    """Everything as a first push brings it: policies, subscribers, groups; how many requests that took."""
    count = 0
    for kind in Kind:
        rows: list[dict[str, Any]] = getattr(data, kind.plural)
        for row in rows:
            fields = {name: value for name, value in row.items() if name != KEY_FIELDS[kind]}
            send(client, "POST", kind, str(row[KEY_FIELDS[kind]]), fields)
            count += 1
    return count


def send(client: BqnClient, method: str, kind: Kind, key: str, body: dict[str, Any] | None = None) -> None:
    """One request; raises `BqnctlError` when it is refused."""
    answer = client.write(method, kind, key, body)
    if not answer.ok:
        raise BqnctlError(f"{method} of {kind.value} {key} was refused: {answer.status} {answer.preview()}")
