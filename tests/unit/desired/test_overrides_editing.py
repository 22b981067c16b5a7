"""Editing `overrides.yml`: one entry comes or goes, and every other byte stays."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.desired.overrides.editing import added, comment_above, names, removed
from generator.desired.overrides.reading import parse_overrides
from generator.errors import DocumentError, UsageError

FILE = Path("overrides.yml")
VALUE: dict[str, Any] = {"reason": "why", "match": {"ip": "10.0.0.9"}, "set": {"blocked": True}}
ENTRY = '  new:\n    reason: "why"\n    match: {ip: 10.0.0.9}\n    set: {blocked: true}\n'
ODD = """\
# who is special, and why

overrides:   # by name

  # the mayor
  vip-1:   # note
    reason: "x"   # why
    match: {ip: 10.0.0.1,   id: "a"}
    set:
        policy:    'A'
        groups: {add: [ a,b ]}

  # second, above
  vip-2: {reason: 'y', match: {id: b},
          set: {blocked: true}}   # tail

  vip-3:
    match: {id: b}
    set: {absent: true}
    reason: |
      many
      # no comment
    # a comment of its own
  # vip-4: once there was one

# end
"""


def test_an_added_one_stands_after_the_last_and_nothing_else_moves() -> None:
    text = added(ODD, "new", VALUE, FILE)
    assert text == ODD.replace("    # a comment of its own\n", "    # a comment of its own\n" + ENTRY)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("vip-1", ODD[ODD.index("  vip-1") : ODD.index("\n  # second")]),
        ("vip-2", ODD[ODD.index("  vip-2") : ODD.index("\n  vip-3")]),
        ("vip-3", ODD[ODD.index("  vip-3") : ODD.index("  # vip-4")]),
    ],
)
def test_a_removed_one_takes_its_lines_and_no_comment_of_others(name: str, gone: str) -> None:
    assert removed(ODD, name, FILE) == ODD.replace(gone, "")


def test_a_comment_above_is_told() -> None:
    assert comment_above(ODD, "vip-1", FILE) == 5
    assert comment_above(ODD, "vip-3", FILE) is None


@pytest.mark.parametrize("name", ["vip-1", "vip-2", "vip-3"])
def test_add_and_remove_undo_each_other(name: str) -> None:
    assert removed(added(ODD, "new", VALUE, FILE), "new", FILE) == ODD
    rest = removed(ODD, name, FILE)
    assert removed(added(rest, "new", VALUE, FILE), "new", FILE) == rest


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("overrides:\n", "overrides:\n" + ENTRY),
        ("overrides:", "overrides:\n" + ENTRY),
        ("overrides: {}\n", "overrides:\n" + ENTRY),
        ("overrides: null\n", "overrides:\n" + ENTRY),
        ("# a\noverrides: {}  # b\n# c\n", "# a\noverrides:  # b\n" + ENTRY + "# c\n"),
        ("# only a comment\n", "# only a comment\noverrides:\n" + ENTRY),
        ("# only a comment", "# only a comment\noverrides:\n" + ENTRY),
    ],
)
def test_a_first_one_is_added(text: str, result: str) -> None:
    assert added(text, "new", VALUE, FILE) == result


def test_a_new_file_names_its_schema() -> None:
    text = added("", "new", VALUE, FILE)
    assert text.startswith(
        "# yaml-language-server: $schema=https://bqnctl.dev/schemas/overrides.schema.json\noverrides:\n"
    )
    assert text.endswith(ENTRY)


def test_the_files_own_line_endings_and_indentation_are_kept() -> None:
    text = "overrides:\r\n    a: {reason: x, match: {id: a}, set: {absent: true}}"
    result = added(text, "new", VALUE, FILE)
    assert result == text + "\r\n" + "".join(f"  {line}\r\n" for line in ENTRY.splitlines())


def test_the_last_one_gone_leaves_a_valid_file() -> None:
    text = removed("overrides:\n" + ENTRY, "new", FILE)
    assert text == "overrides:\n"
    assert parse_overrides(text, FILE, sources=None).entries == ()


@pytest.mark.parametrize(
    "text",
    [
        "overrides: {a: {reason: x, match: {id: a}, set: {absent: true}}}\n",
        "{overrides: {}}\n",
        "overrides:\n  ? a\n  : {reason: x}\n",
    ],
)
def test_what_cannot_be_added_to_by_lines_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="by hand"):
        added(text, "new", VALUE, FILE)


@pytest.mark.parametrize(
    "text",
    [
        "overrides: {a: {reason: x}}\n",
        "overrides:\n  a: &a {reason: x}\n  b: *a\n",
        "overrides: {a: {reason: x},\n  b: {reason: z}}\n",
    ],
)
def test_what_cannot_be_removed_by_lines_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="by hand"):
        removed(text, "a", FILE)


def test_a_name_that_is_taken_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match="vip-2") as caught:
        added(ODD, "vip-2", VALUE, FILE)
    assert "overrides.yml:14" in str(caught.value)


@pytest.mark.parametrize("text", ["- a\n", "other: 1\noverrides: 3\n", "overrides: [\n"])
def test_what_is_no_file_of_overrides_is_not_touched(text: str) -> None:
    with pytest.raises(DocumentError):
        added(text, "new", VALUE, FILE)


hostile = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(deadline=None)
@given(hostile, hostile, hostile)
def test_whatever_is_given_is_read_back_as_it_was(reason: str, who: str, group: str) -> None:
    value = {"reason": reason, "match": {"id": who}, "set": {"groups": {"add": [group]}}}
    text = added(ODD, "new", value, FILE)
    assert set(names(text, FILE)) == {"vip-1", "vip-2", "vip-3", "new"}
    assert removed(text, "new", FILE) == ODD
