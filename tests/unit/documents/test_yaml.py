"""The located YAML reader: what it refuses, and where it says it stands."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.documents.yaml import MAX_DEPTH, Dialect, load, parse, read_text
from generator.errors import DocumentError

FILE = Path("f.yml")


def problem(text: str, dialect: Dialect = Dialect.STRICT) -> tuple[str, int, int]:
    with pytest.raises(DocumentError) as caught:
        parse(text, FILE, dialect)
    first = caught.value.problems[0]
    return first.what, first.line, first.column


@pytest.mark.parametrize(
    "text",
    ["no", "Y", "On", "~", "0123", "0o17", "0x1F", "0b1", "1e3", "1_000", "1.", ".5", "+1", "12:30",
     "12:30:45.6", "2024-01-01", "2024-01-01T00:00Z", "=", "<<", ".inf", "-.INF", ".nan", "Null", "TRUE",
     "-0", "9" * 19],
)  # fmt: skip
def test_what_two_readers_would_read_differently_must_be_quoted(text: str) -> None:
    what, line, column = problem(f"a: 1\nkey:   {text}\n")
    assert text in what
    assert (line, column) == (2, 8)
    assert parse(f'key: "{text}"', FILE, Dialect.STRICT).data == {"key": text}


@settings(deadline=None, max_examples=500)
@given(st.text(alphabet="0123456789_.eE+-:xobXTZ nyaif~=", min_size=1, max_size=12))
def test_a_plain_scalar_that_is_accepted_as_text_is_text_in_yaml_1_1_too(text: str) -> None:
    try:
        strict = parse(f"- {text}", FILE, Dialect.STRICT).data[0]
    except DocumentError:
        return
    if isinstance(strict, str):
        assert yaml.load(f"- {text}", Loader=yaml.CSafeLoader) == [strict]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None), ("", None), ("true", True), ("-5", -5), ("1.5", 1.5), ("10.2.3.4", "10.2.3.4"),
        ("_", "_"),
    ],
)  # fmt: skip
def test_what_all_readers_read_alike_needs_no_quotes(text: str, value: Any) -> None:
    assert parse(f"k: {text}", FILE, Dialect.STRICT).data == {"k": value}


@pytest.mark.parametrize("repeated", ["1", "0", "_", "1:", "1e"])
def test_a_very_long_scalar_is_read(repeated: str) -> None:
    """With a pattern that backtracks this would take minutes."""
    text = repeated * 200_000 + "x"
    assert parse(f"- {text}", FILE, Dialect.STRICT).data == [text]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: {\n", 3, 1),
        ("a: 1\nb: 2\na: 3\n", 3, 1),
        ("é: \x01", 1, 4),
        ("a: 1\n'é\ud800': 2", 2, 3),
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("a: &x [*x]\n", 1, 8),
        ("a: *x\n", 1, 4),
        ("a: !!python/object:os.system x\n", 1, 4),
        ("[a]: 1\n", 1, 1),
        ("a: 1\n2: b\n", 2, 1),
        ("[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1),
    ],
)
def test_problems_have_their_place(text: str, line: int, column: int) -> None:
    assert problem(text)[1:] == (line, column)


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    what, line, _ = problem("\n".join(lines))
    assert "aliases stand for more" in what
    assert line < len(lines)


def test_all_problems_come_at_once_and_lines_count_from_where_they_are_told() -> None:
    with pytest.raises(DocumentError) as caught:
        parse("a: no\nb: 012\n", FILE, Dialect.STRICT, first_line=100)
    assert [str(each) for each in caught.value.problems] == [
        "f.yml:100:4: 'no' without quotes is not text to every YAML reader → write \"no\"",
        "f.yml:101:4: '012' without quotes is not text to every YAML reader → write \"012\"",
    ]


def test_places_of_values_and_keys() -> None:
    document = parse("a:\n  b: [1, {c: d}]\n", FILE, Dialect.STRICT)
    for path, of_key, place in [
        (("a", "b", 1, "c"), False, (2, 14)),
        (("a", "b", 1, "c"), True, (2, 11)),
        (("a", "gone"), False, (2, 3)),
        ((), False, (1, 1)),
    ]:
        found = document.place(path, of_key=of_key)
        assert (found.line, found.column) == place


def test_an_inventory_is_read_as_ansible_reads_it() -> None:
    text = "a: no\nb: 012\nc: 2024-01-01\nd: &x {e: 1, f: 2}\ng: {<<: *x, f: 3}\n"
    data = parse(text, FILE, Dialect.ANSIBLE).data
    assert data == yaml.load(text, Loader=yaml.CSafeLoader)
    assert data["c"] == date(2024, 1, 1)


def test_text_that_is_not_utf_8_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "f.yml"
    file.write_bytes(b"a: 1\nb: \xe9\n")
    with pytest.raises(DocumentError, match=r"f\.yml:2:4: byte 0xe9"):
        load(file, Dialect.STRICT)
    file.write_bytes("\ufeffa: é".encode())
    assert read_text(file) == "a: é"
    with pytest.raises(DocumentError, match="cannot be read"):
        read_text(tmp_path / "none.yml")


@pytest.mark.parametrize("dialect", Dialect)
def test_an_anchor_stands_once(dialect: Dialect) -> None:
    with pytest.raises(DocumentError, match=r"f\.yml:2:4: the anchor &x stands here a second time"):
        parse("a: &x 1\nb: &x 2\nc: *x\n", Path("f.yml"), dialect)
