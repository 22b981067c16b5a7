import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from generator.billing.body import (
    BodyError,
    NotAListError,
    decode_json,
    decode_rows,
    error_message,
    message_in,
    preview,
)
from generator.inventory.secret import Secret


class Row(Struct):
    id: Any = None


def test_only_the_wanted_fields_are_kept() -> None:
    rows = decode_rows(b'[{"id": 1, "password": "x"}, {"other": 2}]', Row)
    assert rows.rows == (Row(id=1), Row())
    assert "password" not in repr(rows)


def test_elements_that_are_no_objects_are_counted_by_place() -> None:
    rows = decode_rows(b'[{"id": 1}, null, "x", [{"id": 2}], {"id": 3}]', Row)
    assert rows.rows == (Row(id=1), Row(id=3))
    assert rows.not_objects == (2, 3, 4)
    assert rows.total == 5


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"[", b'[{"id":1}', b'[{"id":1},]', b"[NaN]", b"[1] trailing", b"<html>", b'["\x01"]',
        b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"9" * 5000 + b"]", b"[,]", b"[1e]", b"'a'",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        decode_rows(body, Row)
    with pytest.raises(BodyError):
        decode_json(body)


@pytest.mark.parametrize("body", [b'{"error": 1}', b'"text"', b"null", b"7", b"true"])
def test_json_that_is_no_list_says_what_it_is(body: bytes) -> None:
    with pytest.raises(NotAListError) as caught:
        decode_rows(body, Row)
    assert caught.value.value == json.loads(body)


@given(st.lists(st.text(st.characters(codec=None), max_size=8), max_size=5))
def test_any_text_python_can_escape_decodes(names: list[str]) -> None:
    body = json.dumps([{"id": name} for name in names]).encode()
    decoded = [row.id for row in decode_rows(body, Row).rows]
    assert [name.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for name in names] == decoded


def test_broken_utf8_costs_one_character_not_the_list() -> None:
    assert decode_rows(b'[{"id": "Jos\xe9 P"}, {"id": "x"}]', Row).rows[0].id == "Jos\ufffd P"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"No","code":403}}', "No"),
        (b'{"errors":[{"message":"GraphQL"}]}', "GraphQL"),
        (b'{"detail":"x"}', "x"),
        (b'{"error":"text"}', "text"),
        (b'{"code":1}', ""),
        (b"[]", ""),
        (b"plain", ""),
    ],
)
def test_messages_are_found_where_billing_systems_put_them(body: bytes, message: str) -> None:
    assert error_message(body) == message


def test_a_message_is_not_looked_for_without_end() -> None:
    nested: Any = "deep"
    for _ in range(50):
        nested = {"error": nested}
    assert message_in(nested) == ""


@pytest.mark.parametrize("echo", ['k3y/with"quote', "azN5L3dpdGgicXVvdGU", 'k3y/with\\"quote'])
def test_a_preview_that_repeats_a_credential_is_withheld(echo: str) -> None:
    said = preview(f"you sent {echo} to us", [Secret('k3y/with"quote')])
    assert echo not in said
    assert "not shown" in said


def test_an_empty_credential_withholds_nothing() -> None:
    assert preview("text", [Secret("")]) == "text"
