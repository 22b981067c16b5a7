"""Calls of Powercode's REST API: one URL, an action and its fields, and a status code in every answer.

Facts: Powercode REST, 2 to 4 and 6. Names of members differ in case from action to action, so they are read in
lower case; PHP makes an object of a list with gaps, so an object's values stand for a list.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any

from generator.billing.body import BodyError, NotAnObjectError, decode_json, members, message_in
from generator.billing.http import Answer, HttpReader
from generator.billing.secrets import required
from generator.billing.text import text
from generator.errors import SourceError
from generator.inventory.settings import BillingHost
from generator.net.retry import RetryPolicy

_log = logging.getLogger(__name__)

_PATH = "/api/1/index.php"
_THROTTLED = ("limit", "too many")
_PAUSE_S = 1.0
KEY_FIX = (
    "in Powercode, Config → System Configuration → API: check the key, and that it belongs to the address that "
    "Powercode sees of this machine; its API log shows the refused call"
)


class CallError(SourceError):
    """An action that Powercode refused with a status code other than 0; `message` is its own, safe to show."""

    def __init__(self, what: str, *, message: str, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what, where=where, fix=fix)
        self.message = message


class Caller:
    """Calls actions with the key of the host, and tries those again that came too fast."""

    def __init__(self, reader: HttpReader, host: BillingHost, retry: RetryPolicy) -> None:
        self._reader, self._host, self._retry = reader, host, retry
        (self._key,) = required(host, "api_key")

    def call(self, action: str, **fields: str) -> dict[str, Any]:
        """The members of a successful answer, names in lower case.

        Raises `CallError` for a refusal by status code, `StatusError` or `SourceError` for any other failure.
        """
        attempt = 1
        while True:
            try:
                return self._once(action, fields)
            except CallError as error:
                throttled = any(word in error.message.lower() for word in _THROTTLED)
                if not throttled or attempt >= self._retry.attempts:
                    raise
            delay_s = self._retry.delay_s(attempt, _PAUSE_S)
            attempt += 1
            _log.info("%s: too fast, waiting %.1f s, attempt %d", self._host.name, delay_s, attempt)
            time.sleep(delay_s)

    def _once(self, action: str, fields: Mapping[str, str]) -> dict[str, Any]:
        answer = self._post({"apiKey": self._key, "action": action, **fields})
        try:
            found = {name.lower(): raw for name, raw in members(answer.body).items()}
            decoded = {name: lowered(decode_json(raw)) for name, raw in found.items()}
        except NotAnObjectError as error:
            raise self._not_as_asked(answer, str(error), message_in(error.value)) from None
        except BodyError as error:
            raise self._not_as_asked(answer, f"the answer {error}", "") from None
        self._check(answer, action, decoded)
        return decoded

    def _post(self, fields: Mapping[str, str]) -> Answer:
        fixes = {401: KEY_FIX, 403: KEY_FIX}
        if self._host.mode == "json":
            return self._reader.post(_PATH, fields, fixes=fixes, private=True)
        return self._reader.post_form(_PATH, tuple(fields.items()), fixes=fixes, private=True)

    def _check(self, answer: Answer, action: str, decoded: Mapping[str, Any]) -> None:
        code, message = text(decoded.get("statuscode")), self._reader.shown(text(decoded.get("message")))
        if code == "0":
            return
        if not code:
            raise self._not_as_asked(answer, "the answer has no statusCode", message)
        raise CallError(
            f"{action} was refused with statusCode {self._reader.shown(code)}: {message or 'no reason given'}",
            message=message, where=answer.where, fix=KEY_FIX,
        )  # fmt: skip

    def _not_as_asked(self, answer: Answer, what: str, message: str) -> SourceError:
        shown = self._reader.shown(message)
        return SourceError(
            f"{what}: {shown}" if shown else what, where=answer.where,
            fix="check `host` and `port` (Powercode's API answers at 444), then `mode: json` or `form`",
        )  # fmt: skip


def lowered(value: Any) -> Any:
    """`value` with the names of all members in lower case."""
    if isinstance(value, dict):
        return {str(name).lower(): lowered(inner) for name, inner in value.items()}
    return [lowered(inner) for inner in value] if isinstance(value, list) else value


def as_list(value: Any) -> list[Any] | None:
    """A list, or the values of an object that stands for one; `None` for anything else."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [] if value is None else None
