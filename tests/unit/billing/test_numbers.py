from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.billing.numbers import INT32_MAX, NumberError, digits_of, rank_number, whole
from generator.billing.text import shown, text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (14336, 14336),
        ("14336", 14336),
        (" 14336.0 ", 14336),
        ("+5", 5),
        (Decimal("14336.9"), 14336),
        (14336.0, 14336),
        (0, 0),
        ("0", 0),
        ("-0", 0),
        (None, None),
        ("", None),
        ("  ", None),
        (INT32_MAX, INT32_MAX),
    ],
)
def test_numbers_and_strings_are_read_alike(value: object, number: int | None) -> None:
    assert whole(value) == number


@pytest.mark.parametrize(
    "value",
    [
        "fast", -1, "-1", True, False, [], {}, "NaN", "inf", float("nan"), float("inf"), Decimal("Infinity"),
        Decimal("1e999999999"), Decimal("-0.5"), "1e3", "0x10", "1_000", "1,000", "\uff11\uff12",
        INT32_MAX + 1, str(INT32_MAX + 1), "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_rate_is_refused_with_a_short_reason(value: object) -> None:
    with pytest.raises(NumberError) as caught:
        whole(value)
    assert len(str(caught.value)) < 100


@given(st.integers(0, INT32_MAX))
def test_every_rate_survives_each_way_of_writing_it(rate: int) -> None:
    ways = (rate, str(rate), f"{rate}.0", f" {rate} ", float(rate), Decimal(rate))
    assert {whole(way) for way in ways} == {rate}
    assert {text(way) for way in (rate, str(rate), float(rate), Decimal(f"{rate}.00"))} == {str(rate)}


@given(st.one_of(st.none(), st.booleans(), st.floats(), st.text(), st.lists(st.integers()), st.decimals()))
def test_any_value_is_a_number_none_or_refused(value: object) -> None:
    try:
        number = whole(value)
    except NumberError:
        return
    assert number is None or 0 <= number <= INT32_MAX


@pytest.mark.parametrize(("value", "rank"), [("98213", 98213), ("", None), ("x1", None), ("²", None), ("9" * 30, None)])
def test_only_plain_numbers_rank(value: str, rank: int | None) -> None:
    assert rank_number(value) == rank


def test_later_starts_have_greater_digits() -> None:
    assert digits_of("2025-03-02 10:00:00") > digits_of("2025-03-02 09:59:59") > digits_of("")


@given(st.text())
def test_shown_text_is_one_harmless_line(value: str) -> None:
    line = shown(value)
    assert len(line) <= 120
    assert line.isprintable()
    assert shown(line) == line


def test_a_number_with_a_huge_exponent_is_never_expanded() -> None:
    assert text(Decimal("1e999999")) == "1E+999999"
    assert text(value=True) == text(None) == text([1]) == text({}) == ""
