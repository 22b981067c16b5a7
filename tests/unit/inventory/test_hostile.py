"""Whatever stands in the files, loading them gives an inventory or placed problems, and never a secret."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.errors import DocumentError
from generator.inventory.load import load_inventory
from generator.inventory.shape import shape_of
from tests.hostile.values import CARRIED

CANARY = "canary-7f3a"
NAMES = [
    *shape_of("billing", "splynx").rules,
    *shape_of("bqn").rules,
    "download",
    "verify",
    "cidrs",
    "x",
    "y",
]
TEXTS = [
    "", "splynx", "10.0.0.0/8", "10.0.0.1/8", "::/0", "48h", "a:1", "\x1b[31m", "\u202e", "é", "x" * 300,
    "{{ x }}", "{{ y }}", "{{ host }}", "{{ x.y }}", "{{ [x] * 3 }}", "{{ lookup('env', 'SECRET') }}",
    "{{ lookup('file', 'hosts.yml') }}", "{{ lookup(x) }}", "{{ x", "{% for i in x %}{{ i }}{% endfor %}",
    "{{ x | join }}", "{{ -x }}", "{{ x() }}", "{{ credentials }}", "{% set a = 1 %}", "{{ x[0] }}",
    "{{ x ~ y }}", "{{ credentials.values() | join }}", "{{ credentials.password }}", *CARRIED.values(),
]  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 300), st.just(10**30), st.floats(), st.dates(),
    st.sampled_from(TEXTS),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.integers(0, 2), st.none()), inner, max_size=3),
    ),
    max_leaves=6,
)
variables = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
credentials = st.one_of(
    values,
    st.just({"username": CANARY, "password": CANARY, "api_key": CANARY, "api_secret": CANARY}),
    st.just(f"{{{{ [ '{CANARY}' ] }}}}"),
    st.just({f"password:{CANARY}": None, "username": f"{{{{ '{CANARY}' + 1 }}}}"}),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(one=variables, two=variables, both=variables, words=credentials)
def test_settings_of_any_kind(
    one: Any, two: Any, both: Any, words: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    hosts = {
        "all": {"vars": both},
        "billing": {"hosts": {"one": {"system": "splynx", **one, "credentials": words}}},
        "bqn": {"hosts": {"two": {**two, "credentials": words}}},
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump(hosts, sort_keys=False, allow_unicode=True), encoding="utf-8")
    load_or_problems(folder)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=values, extra=st.text(max_size=30))
def test_files_of_any_shape(data: Any, extra: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "group_vars").mkdir()
    text = yaml.safe_dump({"bqn": data, "all": {"hosts": data, "children": {"bqn": data}}}, allow_unicode=True)
    (folder / "hosts.yml").write_text(text, encoding="utf-8")
    (folder / "group_vars" / "all.yml").write_text(extra, encoding="utf-8", errors="replace")
    load_or_problems(folder)


def load_or_problems(folder: Path) -> None:
    try:
        told = repr(load_inventory(folder, environ={"SECRET": CANARY}))
    except DocumentError as error:
        told, problems = str(error), error.problems
    else:
        problems = []
    assert all(problem.file and (problem.line or "there is no" in problem.what) for problem in problems)
    # A setting that is no credential may be set to the variable, and is then no secret.
    if "lookup(" not in (folder / "hosts.yml").read_text(encoding="utf-8"):
        assert CANARY not in told
