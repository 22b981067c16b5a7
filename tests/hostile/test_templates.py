"""Templates of an inventory, for its variables and its desired state: no text becomes one, and none gets out."""

from pathlib import Path

import pytest

from generator.desired.lines import scalar
from generator.desired.render import render_tree
from generator.desired.tree import read_tree
from generator.model import DesiredState, Limit, Policy, Subscriber
from tests.hostile.ending import bounded, inventory, refused
from tests.hostile.values import MARK, TEMPLATES, TEXTS

SPLYNX = {"system": "splynx", "credentials": {"api_key": "k", "api_secret": "s"}}
BQN = {"bqn": {"credentials": {"username": "u", "password": "p"}}}
OWN = """\
policies:
{% for policy in policies %}
  {{ policy.name | scalar }}: {id: {{ policy.id | scalar }}, download: {rate: 1}, upload: {rate: 1}}
{% endfor %}
"""


def test_templates_of_the_desired_state_stay_in_their_sandbox(tmp_path: Path) -> None:
    lines = []
    for at, template in enumerate(TEMPLATES):
        folder = inventory(tmp_path / str(at), {"splynx": SPLYNX}, BQN)
        (folder / "templates").mkdir()
        (folder / "templates" / "policies.yml.j2").write_text(f"policies: {{}}\n# {template}\n")
        lines.append(["-i", str(folder), "validate"])
    for ran, template in zip(bounded(*lines), TEMPLATES, strict=True):
        refused(ran, ".j2" if "passwd" not in template and "hosts" not in template else "template: ")
    assert [path for path in tmp_path.rglob("*") if MARK in path.name] == []
    assert not Path(MARK).exists()


def test_templates_of_variables_stay_in_their_sandbox(tmp_path: Path) -> None:
    lines = []
    for at, template in enumerate(TEMPLATES):
        folder = inventory(tmp_path / str(at), {"splynx": {**SPLYNX, "host": template}}, BQN)
        lines.append(["-i", str(folder), "validate"])
    for ran in bounded(*lines):
        refused(ran, "hosts.yml:", "key host")
    assert not Path(MARK).exists()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_text_is_a_template_in_a_template(text: str, tmp_path: Path) -> None:
    """An operator's own template has the texts as values; what is in them is never read as one."""
    (tmp_path / "policies.yml.j2").write_text(OWN)
    name = f"P{TEXTS_AT[text]}"
    limit = Limit(rate=1)
    state = DesiredState(
        policies={name: Policy(name=name, id=text, download=limit, upload=limit)},
        groups={},
        subscribers={"10.0.0.1": Subscriber(ip="10.0.0.1", id=text, policy=name)},
    )
    files = {name: content.decode() for name, content in render_tree(state, templates=tmp_path).items()}
    read = read_tree(files, Path()).state
    written = text.replace("\ud800", "\N{REPLACEMENT CHARACTER}")
    assert read.policies[name].id == written
    assert read.subscribers["10.0.0.1"].id == written
    assert len(scalar(text).splitlines()) == 1


TEXTS_AT = {text: at for at, text in enumerate(TEXTS.values())}
