from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.billing.radius.attributes import ORDER, choose
from generator.billing.radius.rates import RateError, parse_rate_limit
from generator.model import Limit


def burst(rate: int, most: int, threshold: int, seconds: int) -> Limit:
    return Limit(rate=rate, burst_rate=most, burst_threshold=threshold, burst_duration=seconds)


@pytest.mark.parametrize(
    ("text", "upload", "download"),
    [
        ("128k", Limit(rate=128), Limit(rate=128)),
        ("64k/128M", Limit(rate=64), Limit(rate=128_000)),
        ("64k 256k", burst(64, 256, 64, 1), burst(64, 256, 64, 1)),
        ("64k/64k 256k/256k 128k/128k 10/10", burst(64, 256, 128, 10), burst(64, 256, 128, 10)),
        ("5M/25M 8M/40M 4M/20M 15/15 8 1M/2M", burst(5000, 8000, 4000, 15), burst(25000, 40000, 20000, 15)),
        ("2048000/10240000", Limit(rate=2048), Limit(rate=10240)),
        ("1/1", Limit(rate=1), Limit(rate=1)),
        ("  5M/25M \t", Limit(rate=5000), Limit(rate=25000)),
        ('"5M/25M"', Limit(rate=5000), Limit(rate=25000)),
        ("5M/25M 5M/25M", Limit(rate=5000), Limit(rate=25000)),
        ("5M/25M 1M/1M", Limit(rate=5000), Limit(rate=25000)),
        ("5M/25M 0/0 0/0 0/0", Limit(rate=5000), Limit(rate=25000)),
        ("0/10M", Limit(), Limit(rate=10000)),
        ("1G/999999999G", Limit(rate=1_000_000), Limit(rate=2_147_483_647)),
        ("128k/256k 100000000k/100000000k 96k/192k 8", burst(128, 10**8, 96, 8), burst(256, 10**8, 192, 8)),
        ("1.5M/10Mbps", Limit(rate=1500), Limit(rate=10000)),
        ("10KBIT/10kb", Limit(rate=10), Limit(rate=10)),
    ],
)
def test_the_whole_grammar_of_rate_limit(text: str, upload: Limit, download: Limit) -> None:
    rates = parse_rate_limit(text)
    assert (rates.upload, rates.download) == (upload, download)
    swapped = parse_rate_limit(text, swapped=True)
    assert (swapped.download, swapped.upload) == (upload, download)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "0", "0/0", "10M/", "/10M", "abc", "10M/abc", "-5M", "5M/25M 8M/", "5M 8M 4M 10k", "5M 8M 4M 10 1/2",
     "5M 8M 4M 10 x", "1M 2M 3M 4 5 6M 7M", "10X/10X", "1e9", "\u0665M", "5M//6M",
     "5M/6M/7M", "1M" * 200, "NaN", "inf"],
)  # fmt: skip
def test_what_says_no_rate_is_refused(text: str) -> None:
    with pytest.raises(RateError) as caught:
        parse_rate_limit(text)
    assert len(str(caught.value)) > 5


@pytest.mark.parametrize(("text", "odd"), [("1M", False), ("1m", True), ("1G", True), ("1M 2M 1M 1 9", True)])
def test_what_is_odd_is_told(text: str, *, odd: bool) -> None:
    assert bool(parse_rate_limit(text).odd) is odd


@given(st.text(alphabet="0123456789kKmMgGbps/ .\t", max_size=60) | st.text(max_size=40))
def test_any_text_is_a_rate_or_refused(text: str) -> None:
    try:
        rates = parse_rate_limit(text)
    except RateError:
        return
    assert any((rates.download.rate, rates.upload.rate))
    for limit in (rates.download, rates.upload):
        for name in limit.__struct_fields__:
            number = getattr(limit, name)
            assert number is None or 1 <= number <= 2_147_483_647


@pytest.mark.parametrize(
    ("values", "attribute", "static"),
    [
        ({"Mikrotik-Rate-Limit": ["1M"], "Mikrotik-Address-List": ["x"]}, "Mikrotik-Rate-Limit", None),
        ({"Mikrotik-Rate-Limit": ["0"], "Ascend-Data-Rate": ["0"], "Filter-Id": ["gold"]}, None, "gold"),
        ({"Mikrotik-Address-List": ["  "], "Filter-Id": ["gold"]}, None, "gold"),
        ({"WISPr-Bandwidth-Max-Up": ["64000"]}, "WISPr-Bandwidth-Max-Down", None),
        ({"Ascend-Xmit-Rate": ["1000000"]}, "Ascend-Data-Rate", None),
        ({}, None, None),
    ],
)
def test_the_first_valid_attribute_counts(values: Any, attribute: str | None, static: str | None) -> None:
    chosen = choose(values)
    assert (chosen.attribute if chosen.rates else None, chosen.static) == (attribute, static)


def test_the_order_may_be_another() -> None:
    values = {"Mikrotik-Rate-Limit": ["1M"], "Filter-Id": ["gold"]}
    assert choose(values, order=["Filter-Id", *ORDER]).static == "gold"
    assert choose(values, order=["Ascend-Data-Rate"]).rates is None


def test_rates_in_kbit_are_suspected() -> None:
    chosen = choose({"WISPr-Bandwidth-Max-Up": ["1024"], "WISPr-Bandwidth-Max-Down": ["10240"]})
    assert chosen.rates is not None
    assert "kbit/s" in chosen.complaints[0]


@pytest.mark.parametrize("text", ["fast", "-1", "99999999999999", "1.5"])
def test_a_pair_that_is_no_number_is_complained_of(text: str) -> None:
    chosen = choose({"WISPr-Bandwidth-Max-Down": [text]})
    assert chosen.rates is None
    assert "is not a number of bit/s" in chosen.complaints[0]
