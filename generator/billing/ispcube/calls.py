"""Calls of ISPCube's own API: four headers and a token on each, the token got once for a run.

Facts: systems that push, 4.1 and 4.4. Cloud installations meter requests, so each one is counted.
"""

import re
from collections.abc import Mapping
from typing import Any

from generator.billing.body import BodyError, decode_json, message_in
from generator.billing.http import Answer, HttpReader, Params, StatusError
from generator.billing.secrets import for_headers, required
from generator.errors import SourceError
from generator.inventory.settings import BillingHost

TOKEN_PATH = "/api/sanctum/token"  # noqa: S105 - a path, no token
_TOKEN = re.compile(r"[A-Za-z0-9|._~+/=-]{1,4096}")
_UNAUTHORIZED = 401
_ACCOUNT = "`api_key`, `client_id`, `username` and `password`"
_NOT_THERE = "check `host` and `port`: ISPCube's own address, such as company.ispcube.com and 443"
_LOGIN_FIX = f"check {_ACCOUNT}: ISPCube's support gives key and client id, the user is one of ISPCube's own"
_METERED = "ISPCube meters the requests of cloud installations: run less often, or ask ISPCube for a larger allowance"
_FIXES: Mapping[int, str] = {
    400: f"ISPCube names the header that it misses: check {_ACCOUNT}",
    401: _LOGIN_FIX,
    403: "in ISPCube, give the user of `username` the permission to see customers, connections, plans and nodes",
    404: _NOT_THERE,
    405: _NOT_THERE,
    429: _METERED,
}
_LOGIN_FIXES: Mapping[int, str] = {**_FIXES, 403: _LOGIN_FIX, 422: _LOGIN_FIX}


class Calls:
    """Asks the API of one ISPCube with the account of `host`.

    When the token is refused later on, another is got, once: more would only lock the user out.
    """

    def __init__(self, reader: HttpReader, host: BillingHost) -> None:
        api_key, client_id, username = for_headers(host, "ISPCube", "api_key", "client_id", "username")
        self._reader = reader
        self._headers = {
            "api-key": api_key, "client-id": client_id, "login-type": "api", "username": username,
            "Content-Type": "application/json",
        }  # fmt: skip
        self._account = {"username": username, "password": required(host, "password")[0]}
        self._token = ""
        self._renewed = False

    def log_in(self) -> None:
        """Get a token; raises `SourceError`."""
        answer = self._reader.post(
            TOKEN_PATH, self._account, headers=self._headers, fixes=_LOGIN_FIXES, private=True
        )  # fmt: skip
        self._token = self._token_in(answer)
        self._reader.keep_secret(self._token)

    def get(self, path: str, params: Params = ()) -> Answer:
        """The answer at `path`; raises `StatusError` or `SourceError`."""
        if not self._token:
            self.log_in()
        try:
            return self._ask(path, params)
        except StatusError as error:
            if error.status != _UNAUTHORIZED or self._renewed:
                raise
        self._renewed = True
        self.log_in()
        return self._ask(path, params)

    def broken(self, answer: Answer, what: str, value: Any = None) -> SourceError:
        """The error of an answer that is not what was asked for, with the message in `value` if it has one."""
        message = self._reader.shown(message_in(value)) if isinstance(value, dict) else ""
        fix = "check `host` and `port`; if they are right, run again: the answer is cut or broken"
        return SourceError(f"{what}{f': {message}' if message else ''}", where=answer.where, fix=fix)

    def where(self, path: str) -> str:
        """How messages name a path of this host."""
        return self._reader.where(path)

    def _ask(self, path: str, params: Params) -> Answer:
        headers = {**self._headers, "Authorization": f"Bearer {self._token}"}
        return self._reader.get(path, params=params, headers=headers, fixes=_FIXES, private=True)

    def _token_in(self, answer: Answer) -> str:
        """The token of an answer in any of the shapes that were seen; the plain text of one is no JSON."""
        plain = answer.body.strip().decode("latin-1")
        if _TOKEN.fullmatch(plain) and "|" in plain:
            return plain
        try:
            value = decode_json(answer.body)
        except BodyError as error:
            raise SourceError(f"the answer {error}", where=answer.where, fix=_NOT_THERE) from None
        token = _unwrapped(value)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            message = self._reader.shown(message_in(value)) if isinstance(value, dict) else ""
            what = f"the answer has no token{f': {message}' if message else ''}"
            raise SourceError(what, where=answer.where, fix=_LOGIN_FIX)
        return token


def _unwrapped(value: Any) -> Any:
    """What stands for the token: the value itself, its `token`, or either of them in its `data`."""
    inner = value.get("data", value) if isinstance(value, dict) and "token" not in value else value
    return inner.get("token") if isinstance(inner, dict) else inner
