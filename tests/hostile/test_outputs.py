"""What a hostile network came to, in every output: each is judged by a reader of its format."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from generator.desired.names import clean_text, object_name
from generator.desired.render import render_tree
from generator.desired.tree import load_tree
from generator.documents.yaml import Dialect, load
from generator.reconcile.planfile import encode_plan, load_plan
from generator.report.markdown import MARKER
from generator.report.safe import printable
from tests.hostile.outputs import Page, dangerous, outside_fences
from tests.hostile.values import MARK, TEXTS

World = Any
EXITS = {"render diff": 2, "apply": 4, "plan after": 2}
"""The appliances refuse to delete what they would never have taken; everything else ends well."""
_PLAN_LINE = re.compile(
    r"|bqn-\d+ \(127\.0\.0\.1:\d+\)  from .*|    [+~-] .*|    (?:policies|subscribers|groups): .*|\d+ appliances: .*"
    r"|  (?:warning: |! |to delete: |left alone: |allowed: |refused: |policies|subscribers|groups|\d+ to create, ).*"
)


def strict(text: str) -> Any:
    """JSON without NaN, infinities, and keys that stand twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    return json.loads(text, parse_constant=pytest.fail, object_pairs_hook=once)


def test_every_command_ends_as_it_should(world: World) -> None:
    for name, ran in world.ran.items():
        assert ran.code == EXITS.get(name, 0), (name, ran)
        assert "Traceback" not in ran.err, name


def test_nothing_reaches_the_terminal_raw(world: World) -> None:
    for name, ran in world.ran.items():
        assert dangerous(ran.out + ran.err) == [], name


def test_every_text_arrived_somewhere(world: World) -> None:
    """The suite tests what it says it tests: each text of the table is a name in the desired state, made clean."""
    found = set()
    for tree in trees(world):
        state = tree.state
        found |= {each.id or "" for each in state.subscribers.values()} | state.policies.keys() | state.groups.keys()
    said = "\n".join(sorted(found))
    missing = [name for name, text in TEXTS.items() if not {clean_text(text), object_name(text)} & pieces(said, text)]
    assert missing == []


def pieces(said: str, text: str) -> set[str]:
    """Those of the clean forms of `text` that begin something in `said`, cut as long ones are."""
    forms = {clean_text(text), object_name(text)}
    return {form for form in forms if form[:90] in said}


def trees(world: World) -> list[Any]:
    return [load_tree(folder) for folder in sorted((world.folder / "desired").iterdir()) if folder.is_dir()]


def test_desired_files_are_plain_yaml_and_canonical(world: World) -> None:
    for tree in trees(world):
        assert len(tree.state.subscribers) >= 1
        for name, content in render_tree(tree.state, templates=None).items():
            file = tree.folder / name
            assert file.read_bytes() == content, file
            assert dangerous(content.decode()) == [], file
            ours = load(file, Dialect.STRICT).data
            assert yaml.load(content, Loader=yaml.CSafeLoader) == ours
            for event in yaml.parse(content, Loader=yaml.CSafeLoader):
                assert getattr(event, "tag", None) is None
                assert getattr(event, "anchor", None) is None


def test_no_name_becomes_a_path(world: World) -> None:
    root: Path = world.folder.parent
    assert [path for path in root.rglob("*") if MARK in path.name] == []
    names = {path.name for path in (world.folder / "desired").rglob("*") if path.is_file()}
    fixed = {"policies.yml", "groups.yml", "rejected.yml", "absent.yml"}
    assert all(re.fullmatch(r"[0-9a-f.]+_(?:16|32)\.yml", name) for name in names - fixed)


@pytest.mark.parametrize("name", ["plan", "show text", "plan after"])
def test_a_line_of_a_plan_stays_one_line(world: World, name: str) -> None:
    for line in world.ran[name].out.split("\n"):
        assert _PLAN_LINE.fullmatch(line), line


def test_a_plan_in_text_has_a_line_for_each_change(world: World) -> None:
    lines = world.ran["plan"].out.splitlines()
    changes = [each for appliance in load_plan(world.folder / "plan.json").appliances for each in appliance.changes]
    for sign, action in zip("+~-", ("create", "update", "delete"), strict=True):
        count = sum(each.action == action for each in changes)
        assert sum(line.startswith(f"    {sign} ") for line in lines) == count > 0 or action == "update"


def test_plan_json_is_strict_and_is_the_plan(world: World, tmp_path: Path) -> None:
    said = world.ran["show json"].out
    content = (world.folder / "plan.json").read_bytes()
    assert strict(said) == strict(content.decode())
    (tmp_path / "plan.json").write_text(said)
    assert encode_plan(load_plan(tmp_path / "plan.json")) == content


def test_markdown_has_no_markup_but_ours(world: World) -> None:
    text = world.ran["show markdown"].out
    assert text.startswith(f"{MARKER}\n")
    assert not re.search(
        r"(?m)^/|@|https?:|#\d|<(?!!-- bqnctl plan -->|/?details|/?summary|/?code)", outside_fences(text)
    )
    tokens = [
        token
        for top in MarkdownIt("gfm-like", {"linkify": False}).parse(text)
        for token in (top, *(top.children or ()))
    ]
    kinds = {token.type for token in tokens}
    assert not kinds & {"link_open", "image", "bullet_list_open", "hr", "blockquote_open", "code_block"}
    assert {token.markup for token in tokens if token.type == "heading_open"} == {"###"}
    assert sum(token.type == "heading_open" for token in tokens) == 1
    fenced = "".join(token.content for token in tokens if token.type == "fence")
    assert MARK in fenced
    assert MARK not in "".join(token.content for token in tokens if token.type != "fence")
    columns = [len(line.strip("|").split("|")) for line in text.split("\n") if line.startswith("|")]
    assert set(columns) == {7}


def test_html_has_its_own_elements_only_and_names_as_text(world: World) -> None:
    page = Page(world.ran["show html"].out)
    assert page.comments == []
    assert [each for each in page.elements if each[0] == "script"] == [
        ("script", {"type": "application/json", "id": "data"}), ("script", {}),
    ]  # fmt: skip
    attributes = {name for _, found in page.elements for name in found}
    assert attributes <= {"lang", "charset", "name", "content", "http-equiv", "class", "id", "type"}
    data = strict(page.text_of("script")[0])
    shown = [[change[2] for change in each["changes"]] for each in data["appliances"]]
    plan = load_plan(world.folder / "plan.json")
    assert shown == [[printable(change.key) for change in each.changes] for each in plan.appliances]
    outside = "".join(text for tag, text in page.texts if tag not in {"script", "style"})
    assert MARK not in outside


def test_an_explanation_is_lines_and_strict_json(world: World) -> None:
    for who in world.asked:
        text, said = world.ran[f"explain {who}"].out, strict(world.ran[f"explain json {who}"].out)
        assert said["format"] == "bqnctl-explain/1"
        assert said["found"] is True
        for line in text.splitlines():
            assert re.match(r"(?:\S+-main|bqn-\d+|rejected)(?:$|:)| {2}\S| {4}\S", line), line


def test_the_journal_is_strict_json_line_by_line(world: World) -> None:
    (file,) = (world.folder / "journal").glob("*.jsonl")
    records = [strict(line) for line in file.read_text(encoding="utf-8").split("\n")[:-1]]
    keys = [each["key"] for each in records if each["event"] == "intent"]
    planned = {change.key for each in load_plan(world.folder / "plan.json").appliances for change in each.changes}
    assert set(keys) <= planned
    assert sum(MARK in key for key in keys) > 100
    assert records[-1]["event"] == "end"


def test_the_log_is_one_object_or_one_line_each(world: World) -> None:
    records = [strict(line) for line in world.ran["render"].err.splitlines()]
    assert records
    assert {frozenset(each) for each in records} == {frozenset({"time", "level", "logger", "message"})}
    for line in world.ran["render diff"].err.splitlines():
        assert re.match(r"(?:warning: )?\w+-main: ", line), line


def test_doctor_is_lines_and_strict_json(world: World) -> None:
    hosts = strict(world.ran["doctor json"].out)
    assert [each["host"] for each in hosts] == ["splynx-main", "bqn-0"]
    for line in world.ran["doctor"].out.splitlines():
        assert re.fullmatch(r"|\S+ \(\w+, 127\.0\.0\.1:\d+\)|  (?:ok  |warn|FAIL)  .*| {10}→ .*", line), line


def test_warnings_of_validate_and_import_are_lines(world: World) -> None:
    for line in world.ran["validate"].out.splitlines():
        assert re.match(r"warning: bqn-\d+: |valid: ", line), line
    for line in world.ran["import"].err.splitlines():
        assert re.match(r"warning: ", line), line
    assert "are left out, for example" in world.ran["import"].err


def test_the_commit_message_has_counts_and_no_names(world: World) -> None:
    message = (world.folder / "summary.txt").read_text(encoding="utf-8")
    assert MARK not in message
    assert re.fullmatch(r"[A-Za-z0-9_ ,;:.()*\n-]+", message), message
    assert not re.search(r"(?m)^#", message)


def test_a_difference_has_one_sign_for_each_line(world: World) -> None:
    for line in world.ran["render diff"].out.splitlines():
        assert re.match(r"[+-]|--- \w+-main/|\w+-main: \d+ policies, ", line), line
