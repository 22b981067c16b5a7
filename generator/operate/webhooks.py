"""Posts to webhooks: verified TLS, time-outs, few attempts; a failure is told and never spoils the sync."""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import urllib3
from msgspec import Struct
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from generator import __version__
from generator.net.retry import RETRIED_STATUSES, RetryPolicy
from generator.net.tls import ssl_context
from generator.operate.account import RunAccount
from generator.operate.events import Event, tell
from generator.operate.notices import notice_for
from generator.operate.payloads import payload
from generator.operate.settings import Webhook

RETRY = RetryPolicy(attempts=3, first_delay_s=1.0, longest_delay_s=5.0)
_OK = range(200, 300)
# An error's own text may have the address in it, which is a secret.
_REASONS = (
    (NameResolutionError, "its name does not resolve"),
    (NewConnectionError, "nothing listens there, or the way is barred"),
    (ConnectTimeoutError, "it does not answer in time"),
    (ReadTimeoutError, "it does not answer in time"),
    (SSLError, "its certificate is not the right one"),
)


class Delivered(Struct, frozen=True, kw_only=True):
    """What came of telling the webhooks: what each knows now, and who took nothing."""

    told: Mapping[str, Mapping[str, float]]
    failed: tuple[str, ...]


def notify(
    webhooks: Sequence[Webhook],
    account: RunAccount,
    told: Mapping[str, Mapping[str, float]],
    *,
    inventory: str,
    stop: threading.Event,
    retry: RetryPolicy = RETRY,
) -> Delivered:
    """Tell each webhook what is new to it; a message that does not arrive is told again after the next run."""
    notices = {hook.name: notice_for(hook, account, told.get(hook.name, {})) for hook in webhooks}

    def one(hook: Webhook) -> str | None:
        notice, _ = notices[hook.name]
        if notice is None:
            return None
        return post(hook, payload(hook, notice, inventory=inventory), stop=stop, retry=retry)

    with ThreadPoolExecutor(max_workers=max(1, len(webhooks))) as pool:
        reasons = dict(zip(notices, pool.map(one, webhooks), strict=True))
    for name, reason in reasons.items():
        notice = notices[name][0]
        if reason is not None:
            tell(Event.WEBHOOK_FAILED, f"webhook {name}: {reason}", level=logging.WARNING, webhook=name, error=reason)
        elif notice is not None:
            tell(Event.WEBHOOK_SENT, f"webhook {name}: told", webhook=name, events=list(map(str, notice.topics)))
    return Delivered(
        told={name: told.get(name, {}) if reasons[name] else knows for name, (_, knows) in notices.items()},
        failed=tuple(name for name, reason in reasons.items() if reason),
    )


def post(webhook: Webhook, body: Mapping[str, Any], *, stop: threading.Event, retry: RetryPolicy = RETRY) -> str | None:
    """Post `body`; None when it was taken, else why not. `stop` ends waiting for another attempt."""
    reason = None
    with _pool(webhook) as pool:
        for attempt in range(1, retry.attempts + 1):
            status, reason = _attempt(pool, webhook, body)
            last = attempt == retry.attempts or (status is not None and status not in RETRIED_STATUSES)
            if reason is None or last or stop.wait(retry.delay_s(attempt)):
                break
    return reason


def _pool(webhook: Webhook) -> urllib3.PoolManager:
    tls = webhook.tls
    return urllib3.PoolManager(
        retries=False,
        timeout=urllib3.Timeout(connect=webhook.timeout_s, read=webhook.timeout_s),
        ssl_context=ssl_context(tls),
        assert_fingerprint=tls.fingerprint_sha256 if tls.pinned else None,
        assert_hostname=None if tls.verify and not tls.pinned else False,
    )


def _attempt(pool: urllib3.PoolManager, webhook: Webhook, body: Mapping[str, Any]) -> tuple[int | None, str | None]:
    """The status, None without an answer; and why it was not taken, None when it was."""
    headers = {"Content-Type": "application/json", "User-Agent": f"bqnctl/{__version__}"}
    try:
        answer = pool.request(
            "POST", webhook.url.reveal(), body=msgspec.json.encode(body), headers=headers, redirect=False,
            preload_content=False,
        )  # fmt: skip
    except (HTTPError, OSError, ValueError) as error:
        return None, next((why for kind, why in _REASONS if isinstance(error, kind)), type(error).__name__)
    status = answer.status
    answer.close()
    return status, None if status in _OK else f"it answered {status}"
