import copy
import json
import logging
import pickle
import pprint
import traceback
from typing import Any

import msgspec
import pytest

from generator.inventory.secret import Secret

CANARY = "canary-7f3a"
FILES = {
    "hosts.yml": f"""
billing: {{hosts: {{one: {{system: splynx, credentials: {{api_key: {CANARY}, api_secret: {CANARY}}}}}}}}}
bqn: {{hosts: {{two: {{credentials: {{username: {CANARY}, password: {CANARY}}}}}}}}}
"""
}


@pytest.mark.parametrize(
    "shown",
    [str, repr, ascii, "{}".format, "{!r:>20}".format, "%s".__mod__, pprint.pformat],
    ids=["str", "repr", "ascii", "format", "format-repr", "percent", "pprint"],
)
def test_no_way_of_formatting_shows_a_secret(shown: Any, load: Any) -> None:
    inventory = load(FILES)
    for thing in (
        Secret(CANARY),
        [Secret(CANARY)],
        inventory,
        inventory.billing["one"],
        inventory.bqn["two"],
    ):
        assert CANARY not in shown(thing)
    assert f"{Secret(CANARY):>9}" == "***"


@pytest.mark.parametrize(
    "encode",
    [
        json.dumps,
        msgspec.json.encode,
        msgspec.yaml.encode,
        msgspec.msgpack.encode,
        msgspec.to_builtins,
        pickle.dumps,
    ],
    ids=["json", "msgspec-json", "msgspec-yaml", "msgpack", "builtins", "pickle"],
)
def test_no_encoder_takes_a_secret(encode: Any, load: Any) -> None:
    for thing in (Secret(CANARY), [Secret(CANARY)], load(FILES)):
        with pytest.raises((TypeError, NotImplementedError, pickle.PicklingError)) as caught:
            encode(thing)
        assert CANARY not in str(caught.value)


def test_a_secret_is_not_copied(load: Any) -> None:
    secret = Secret(CANARY)
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        copy.copy(secret)
    assert copy.deepcopy([secret])[0] is secret


def test_logs_and_tracebacks_do_not_show_a_secret(caplog: pytest.LogCaptureFixture, load: Any) -> None:
    inventory = load(FILES)
    error = ValueError(inventory.bqn["two"], Secret(CANARY))
    text = "".join(traceback.format_exception(error))
    caplog.set_level(logging.DEBUG)
    logging.getLogger("test").warning("%s %r", inventory, Secret(CANARY), exc_info=error)
    assert "***" in text
    assert CANARY not in text + caplog.text


def test_revealing_is_the_one_way(load: Any) -> None:
    assert load(FILES).billing["one"].credentials["api_key"].reveal() == CANARY
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert not Secret("")
    assert len({Secret("a"), Secret("a")}) == 1
    assert not hasattr(Secret("a"), "__dict__")
