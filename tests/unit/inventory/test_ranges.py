import pytest

from generator.inventory.ranges import RangeError, expand_host


@pytest.mark.parametrize(
    ("pattern", "names", "port"),
    [
        ("bqn", ["bqn"], None),
        ("bqn[1:3]", ["bqn1", "bqn2", "bqn3"], None),
        ("bqn[08:10]-x", ["bqn08-x", "bqn09-x", "bqn10-x"], None),
        ("[1:10:4]", ["1", "5", "9"], None),
        ("[:2]", ["0", "1", "2"], None),
        ("r[a:c]", ["ra", "rb", "rc"], None),
        ("r[y:B]", ["ry", "rz", "rA", "rB"], None),
        ("[1:2][a:b]", ["1a", "1b", "2a", "2b"], None),
        ("bqn:3444", ["bqn"], 3444),
        ("bqn[1:2]:99", ["bqn1", "bqn2"], 99),
        ("2001:db8::1", ["2001:db8::1"], None),
        ("[2001:db8::1]:22", ["2001:db8::1"], 22),
        ("192.0.2.[1:2]", ["192.0.2.1", "192.0.2.2"], None),
    ],
)
def test_ranges_and_ports_are_read_as_in_ansible(pattern: str, names: list[str], port: int | None) -> None:
    assert expand_host(pattern) == (names, port)


@pytest.mark.parametrize(
    "pattern",
    [
        "x[1]", "x[1:]", "x[3:1]", "x[b:a]", "x[1:2:0]", "x[1:2:x]", "x[1:2:3:4]", "x[01:100]", "x[a:2]",
        "x[1:2", "x1:2]", "x[[1:2]]", "x[1:999999999999]", "x[1:20000]", "[1:200][1:200]", "x[-1:2]",
    ],
)  # fmt: skip
def test_ranges_that_stand_for_nothing_or_too_much_are_refused(pattern: str) -> None:
    with pytest.raises(RangeError):
        expand_host(pattern)
