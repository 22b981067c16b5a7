"""The body of an answer: JSON decoded strictly, lists of rows, and what an error may show of it."""

import base64
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from generator.billing.text import SHOWN_CHARS, shown
from generator.documents.ready import ready
from generator.inventory.secret import Secret
from generator.model import Rejected

Row = TypeVar("Row", bound=Struct)

_SCANNED_BYTES = 65536
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"  # a half of one
    r"|\\.",
    re.DOTALL,
)
_HALF_PAIR_CHARS = 6
_ERROR_KEYS = ("message", "error_description", "detail", "error", "errors", "title")
_ERROR_DEPTH = 4


class BodyError(ValueError):
    """A body that is not the JSON that was asked for; the text says how it is wrong."""


class Rows(Struct, Generic[Row], frozen=True, kw_only=True):
    """A list as the billing system sent it: its objects, and the places (from 1) of what is no object."""

    rows: tuple[Row, ...]
    not_objects: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        """How many elements the list had."""
        return len(self.rows) + len(self.not_objects)


def decode_json(body: bytes | msgspec.Raw) -> Any:
    """The JSON value of `body`, fractions as `Decimal`; raises `BodyError`.

    Half surrogates, broken UTF-8 and a byte order mark are repaired (U+FFFD): one customer's broken
    name must not cost the whole list. Everything else that is not JSON (NaN, a cut end) is refused.
    """
    return _decode(bytes(body), msgspec.json.Decoder(float_hook=Decimal))


def decode_rows(body: bytes | msgspec.Raw, row: type[Row]) -> Rows[Row]:
    """The JSON array `body` as rows of type `row`, its other fields never kept; raises `BodyError`.

    A `NotAListError` carries the value that came instead.
    """
    ready(row)
    try:
        return Rows(rows=tuple(_decode(bytes(body), msgspec.json.Decoder(list[row], float_hook=Decimal))))  # type: ignore[valid-type]
    except _ShapeError:
        return _rows_one_by_one(decode_json(body), row)


def members(body: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of the JSON object `body`, each still undecoded; raises `BodyError`.

    For envelopes: `decode_rows(members(body)["data"], Row)` keeps of each row only what `Row` names. A
    `NotAnObjectError` carries the value that came instead.
    """
    try:
        found: dict[str, msgspec.Raw] = _decode(bytes(body), msgspec.json.Decoder(dict[str, msgspec.Raw]))
    except _ShapeError:
        raise NotAnObjectError(decode_json(bytes(body))) from None
    return found


class NotAListError(BodyError):
    """JSON, but no array: `value` is what came instead."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__(f"answered a JSON {_kind(value)} where a list was asked for")


class NotAnObjectError(BodyError):
    """JSON, but no object: `value` is what came instead."""

    def __init__(self, value: Any) -> None:
        self.value = value
        super().__init__(f"answered a JSON {_kind(value)} where an object was asked for")


def _kind(value: Any) -> str:
    return {dict: "object", list: "array", type(None): "null"}.get(type(value), type(value).__name__)


class _ShapeError(BodyError):
    """Valid JSON of another shape than the type asked for."""


def _rows_one_by_one(value: Any, row: type[Row]) -> Rows[Row]:
    if not isinstance(value, list):
        raise NotAListError(value)
    return Rows(
        rows=tuple(msgspec.convert(element, row) for element in value if isinstance(element, dict)),
        not_objects=tuple(at for at, element in enumerate(value, 1) if not isinstance(element, dict)),
    )


def _decode(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return _strict(body, decoder)
    except _UnicodeError:
        repaired = _repair(body)
    try:
        return _strict(repaired, decoder)
    except _UnicodeError as error:
        raise BodyError(str(error)) from error


class _UnicodeError(BodyError):
    """Not decodable as it stands; perhaps only its Unicode is broken."""


def _strict(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _ShapeError(f"does not have the expected shape ({shown(error)})") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _UnicodeError(f"is not whole, valid JSON ({shown(error)})") from error
    except RecursionError as error:
        raise BodyError("is JSON nested too deep") from error


def _repair(body: bytes) -> bytes:
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    return _ESCAPE.sub(_whole_escape, text).encode()


def _whole_escape(match: re.Match[str]) -> str:
    escape = match[0]
    is_half = len(escape) == _HALF_PAIR_CHARS
    return "\ufffd" if is_half else escape


def not_objects(noun: str, rows: Rows[Any]) -> tuple[Rejected, ...]:
    """What is no object in a list of `noun`s, as rejected records."""
    return tuple(
        Rejected(record=f"{noun} at position {position}", reason="not a JSON object") for position in rows.not_objects
    )


def looks_like_html(body: bytes, content_type: str) -> bool:
    """Whether a page for people came: a login form, a proxy's error."""
    return "html" in content_type.lower() or body[:64].lstrip().startswith(b"<")


def error_message(body: bytes) -> str:
    """The message in a JSON error body ("" when there is none); not yet sanitised."""
    try:
        return message_in(decode_json(body))
    except BodyError:
        return ""


def message_in(value: Any, *, depth: int = 0) -> str:
    """The message of a decoded error object, where billing systems put it ("" if nowhere)."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and depth < _ERROR_DEPTH:
        return message_in(value[0], depth=depth + 1)
    if isinstance(value, dict) and depth < _ERROR_DEPTH:
        found = (message_in(value[key], depth=depth + 1) for key in _ERROR_KEYS if key in value)
        return next((message for message in found if message), "")
    return ""


def preview(content: str, secrets: Iterable[Secret], *, limit: int = SHOWN_CHARS) -> str:
    """The beginning of a foreign text, safe to show; withheld whole when it repeats a credential."""
    scanned = content[:_SCANNED_BYTES]
    if any(form in scanned for secret in secrets for form in _forms(secret.reveal())):
        return "(not shown: it repeats a credential)"
    return shown(scanned, limit=limit)


def _forms(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    escaped = msgspec.json.encode(value).decode()[1:-1]
    return (value, escaped, base64.b64encode(value.encode()).decode().rstrip("="))
