"""Clients' records carry four passwords and a position: nothing of them leaves the decoder."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from generator.demo import wisphub as emulator
from generator.demo.run import Emulated
from generator.errors import SourceError
from generator.model import BillingAnswer

Emulate = Callable[..., AbstractContextManager[Emulated]]
ReadFrom = Callable[..., BillingAnswer]
SECRETS = ("password_cpe", "password_servicio", "password_router_wifi", "password_ssid_router_wifi", "coordenadas")


def test_no_password_is_in_answer_error_or_log(
    emulate: Emulate, read_from: ReadFrom, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    data = emulator.sample(40, 1)
    said = []
    with emulate("wisphub", data) as emulated:
        said.append(repr(read_from(emulated, requests_per_second=None)))
    for switches in ({"truncated_json": "on"}, {"cut_connection": "on"}, {"limit_rows": "1", "max_limit": "1"}):
        with emulate("wisphub", data, **switches) as emulated, pytest.raises(SourceError) as caught:
            read_from(emulated, requests_per_second=None)
        said.append(str(caught.value))
    everything = "".join(said) + caplog.text
    assert "service 3001" in everything
    for row in data.clients:
        for name in SECRETS:
            assert str(row[name]) not in everything
