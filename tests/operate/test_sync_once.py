"""`bqnctl sync` without an interval: what a timer runs."""

from collections.abc import Callable
from typing import Any

import pytest

from generator.operate.memory import MemoryFile

Run = Callable[..., Any]


@pytest.fixture
def two(net: Any) -> Any:
    """Two sources and two appliances, each appliance fed by one of them."""
    net.add_billing("splynx-a")
    net.add_billing("splynx-b")
    net.add_bqn("bqn-a", sources=["splynx-a"])
    net.add_bqn("bqn-b", sources=["splynx-b"])
    return net


def test_it_renders_plans_and_applies_and_then_has_nothing_to_do(net: Any, bqnctl: Run) -> None:
    net.add_billing()
    simulator = net.add_bqn()
    ran = bqnctl("sync")
    assert ran.code == 0, ran
    print(ran)
