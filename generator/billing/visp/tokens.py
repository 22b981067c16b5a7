"""Visp's API tokens: got with four headers, kept for one run, renewed before they expire (facts: Visp, 3 and 9)."""

import base64
import binascii
import re
import threading
import time
from typing import Any

import msgspec
from msgspec import Struct

from generator.billing.body import BodyError, decode_json, message_in
from generator.billing.http import HttpReader
from generator.billing.numbers import NumberError, whole
from generator.billing.secrets import for_headers
from generator.errors import SourceError
from generator.inventory.settings import BillingHost

PATH = "/token"
_HEADERS = {
    "client_id": "x-visp-client-id",
    "client_secret": "x-visp-client-secret",
    "username": "x-visp-username",
    "password": "x-visp-password",
}
_MARGIN_S = 60
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")
_JWT_PARTS = 3
_REFUSED = (
    "check `client_id`, `client_secret`, `username` and `password`; the user must be an account of that client "
    "that may log in, without multi-factor authentication"
)
_NOT_THERE = "check `host` and `port`: the API of Visp's own cloud is `host: data.visp.net`, `port: 443`"
_FIXES = {400: _REFUSED, 401: _REFUSED, 403: _REFUSED, 404: _NOT_THERE, 405: _NOT_THERE}


class _Token(Struct, frozen=True):
    """A token and when it expires (Unix seconds; `None` is not known: it is used for the whole run)."""

    value: str
    expires_s: int | None

    def is_good(self) -> bool:
        return self.expires_s is None or self.expires_s - time.time() > _MARGIN_S


class Tokens:
    """The token of one run, shared by its threads: one is got when the first query needs it."""

    def __init__(self, reader: HttpReader, host: BillingHost) -> None:
        self._reader = reader
        self._headers = _credentials(host)
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._failure: SourceError | None = None

    def current(self) -> str:
        """The token, a new one when the last is expired or will be within a minute; raises `SourceError`."""
        with self._lock:
            if self._token is None or not self._token.is_good():
                self._token = self._get_once()
            return self._token.value

    def other_than(self, refused: str) -> str:
        """A token other than the `refused` one: what another thread got meanwhile, or a new one."""
        with self._lock:
            if self._token is None or self._token.value == refused:
                self._token = self._get_once()
            return self._token.value

    def _get_once(self) -> _Token:
        """A new token, or the failure of the last attempt: a user may be locked out after a few."""
        if self._failure is not None:
            raise self._failure
        try:
            return self._get()
        except SourceError as error:
            self._failure = error
            raise

    def _get(self) -> _Token:
        answer = self._reader.get(PATH, headers=self._headers, fixes=_FIXES, private=True)
        try:
            body = decode_json(answer.body)
        except BodyError as error:
            raise SourceError(f"the answer {error}", where=answer.where, fix=_NOT_THERE) from None
        value = body.get("token") if isinstance(body, dict) else None
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            message = self._reader.shown(message_in(body))
            raise SourceError(
                f"the answer has no token{f': {message}' if message else ''}", where=answer.where, fix=_REFUSED
            )
        self._reader.keep_secret(value)
        return _Token(value, _expiry(body, value))


def _credentials(host: BillingHost) -> dict[str, str]:
    """The four headers; raises `UsageError` for what is missing or fits in no header."""
    return dict(zip(_HEADERS.values(), for_headers(host, "Visp", *_HEADERS), strict=True))


def _expiry(body: dict[str, Any], token: str) -> int | None:
    """`payload.exp`, else the `exp` inside the token, which is a JWT; `None` where neither can be read."""
    payload = body.get("payload")
    told = _seconds(payload.get("exp")) if isinstance(payload, dict) else None
    return told if told is not None else _seconds(_claims(token).get("exp"))


def _seconds(value: Any) -> int | None:
    try:
        return whole(value)
    except NumberError:
        return None


def _claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: they serve to renew in time, and nothing depends on them."""
    parts = token.split(".")
    if len(parts) != _JWT_PARTS:
        return {}
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
