"""A notice as the JSON that a webhook takes: the whole account for programs, or one text for Slack and its like.

Errors may quote what a billing system said: control characters are escaped, text is cut, and for chat it stands in
a code block, where neither markup nor mentions work.
"""

import datetime as dt
import socket
from collections.abc import Iterator
from typing import Any

from generator.operate.account import ApplianceAccount, RunAccount, SourceAccount
from generator.operate.notices import Notice
from generator.operate.settings import Topic, Webhook
from generator.report.safe import one_line, printable

_VERSION = 1
_ERROR_LETTERS = 500
_LINES = 20
_HEADLINES = {
    Topic.FAILED: "sync failed",
    Topic.REFUSED: "sync refused by a guard",
    Topic.RECOVERED: "sync is well again",
    Topic.CHANGED: "sync wrote changes",
}


def payload(webhook: Webhook, notice: Notice, *, inventory: str) -> dict[str, Any]:
    """What to post to `webhook`."""
    if webhook.format == "slack":
        return slack_payload(_headline(notice, inventory), list(_lines(notice)))
    return _whole(notice, inventory)


def slack_payload(headline: str, lines: list[str]) -> dict[str, Any]:
    """A chat message: `headline` in our own words, `lines` in a code block."""
    shown = [_plain(line) for line in lines[:_LINES]]
    if len(lines) > _LINES:
        shown.append(f"… and {len(lines) - _LINES} more")
    body = "\n".join(shown)
    return {"text": _escaped(_plain(headline)) + (f"\n```\n{_escaped(body)}\n```" if body else "")}


def trial_payload(webhook: Webhook, *, inventory: str) -> dict[str, Any]:
    """What `bqnctl notify` posts, to see whether it arrives."""
    headline = f"bqnctl {inventory}: this is a test, nothing happened"
    if webhook.format == "slack":
        return slack_payload(headline, [])
    return {**_head(inventory, dt.datetime.now(dt.UTC)), "event": "test", "events": ["test"], "text": headline}


def _headline(notice: Notice, inventory: str) -> str:
    return f"bqnctl {inventory}: " + ", ".join(_HEADLINES[topic] for topic in notice.topics)


def _lines(notice: Notice) -> Iterator[str]:
    for trouble in notice.troubles:
        yield f"{trouble.who}: {trouble.topic}: {trouble.error}"
    for who in notice.recovered:
        yield f"{who}: well again"
    if Topic.CHANGED in notice.topics:
        yield from (f"{each.name}: {_changes(each)}" for each in notice.account.appliances if each.changes)


def _changes(appliance: ApplianceAccount) -> str:
    written = ((count, kind, action) for kind, actions in appliance.done.items() for action, count in actions.items())
    return ", ".join(f"{count} {kind} {action}" for count, kind, action in written)


def _head(inventory: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "inventory": inventory,
        "machine": socket.gethostname(),
        "time": now.isoformat(timespec="seconds"),
    }


def _whole(notice: Notice, inventory: str) -> dict[str, Any]:
    account = notice.account
    lines = [_plain(line) for line in _lines(notice)]
    return {
        **_head(inventory, dt.datetime.fromtimestamp(account.ended_s, dt.UTC)),
        "event": str(notice.topics[0]),
        "events": [str(topic) for topic in notice.topics],
        "text": "\n".join([_headline(notice, inventory), *lines]),
        **_run(account),
        "recovered": list(notice.recovered),
        "sources": [_source(each) for each in account.sources],
        "appliances": [_appliance(each) for each in account.appliances],
    }


def _run(account: RunAccount) -> dict[str, Any]:
    error = account.error or account.settings_error
    return {
        "run": account.run,
        "result": str(account.result),
        "exit_code": int(account.exit_code),
        "seconds": round(account.ended_s - account.started_s, 3),
        "error": None if error is None else _plain(error),
    }


def _source(source: SourceAccount) -> dict[str, Any]:
    return {**_host(source), "changed": source.changed, "objects": dict(source.objects)}


def _appliance(appliance: ApplianceAccount) -> dict[str, Any]:
    return {
        **_host(appliance),
        "changes": {kind: dict(actions) for kind, actions in appliance.done.items()},
        "pending": dict(appliance.pending),
        "drift": None if appliance.drift is None else dict(appliance.drift),
    }


def _host(host: SourceAccount | ApplianceAccount) -> dict[str, Any]:
    return {"name": host.name, "status": str(host.status), "error": None if host.error is None else _plain(host.error)}


def _plain(text: str) -> str:
    """`text` on one line, without control characters, cut."""
    whole = printable(one_line(text))
    return whole if len(whole) <= _ERROR_LETTERS else f"{whole[: _ERROR_LETTERS - 1]}…"


def _escaped(text: str) -> str:
    """What Slack asks for, and nothing that ends a code block."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "'")
