"""Reading and checking trees that people wrote or edited."""

from pathlib import Path

import pytest

from generator.desired.check import reference_problems
from generator.desired.tree import load_tree
from generator.errors import DocumentError
from generator.model import Limit, Policy


def write(folder: Path, **files: str) -> Path:
    """A tree written by hand; `subscribers` go to one file."""
    texts = {"policies": "policies: {Home: {download: {rate: 5}, upload: {rate: 5}}}\n"} | files
    for name, text in texts.items():
        file = folder / ("subscribers/any.yml" if name == "subscribers" else f"{name}.yml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load_tree(folder)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_folder_without_a_state_says_what_to_do(tmp_path: Path) -> None:
    assert "run bqnctl render" in problems(tmp_path / "none")[0]


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        policies="policies:\n  A: {download: {rate: 1e3}, upload: {rate: 5}}\n",
        groups="groups:\n  all-subscribers: {}\n",
        subscribers="subscribers:\n  10.0.0.1: {id: no, policy: A}\n  10.0.0.2: {id: 12}\n",
        absent='absent:\n  10.0.0.1: "2024-13-01T00:00Z"\n',
        rejected="rejected:\n  - {record: x}\n",
    )
    found = problems(tmp_path)
    assert [problem.split(": ")[0] for problem in found] == [
        "absent.yml:2:3",
        "groups.yml:2:3",
        "policies.yml:2:24",
        "rejected.yml:2:5",
        "subscribers/any.yml:2:18",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("subscribers:\n  10.0.0.1: {}\n  10.0.0.1: {}\n", "3:3"),
        ("subscribers:\n  2001:db8::1: {}\n  '2001:DB8:0::1': {}\n", "3:3"),
        ("subscribers:\n  ::ffff:10.0.0.1: {}\n  10.0.0.1: {}\n", "3:3"),
        ("subscribers:\n  10.0.0.1: {}\n  10.0.0.01: {}\n", "3:3"),
        ("subscribers:\n  10.0.0.1: {}\n  10.0.0.1/32: {}\n", "3:3"),
        ("subscribers:\n  10.0.0.1: {polcy: x}\n", "2:14"),
        ("subscribers:\n  10.0.0.1: {blocked: yes}\n", "2:23"),
        ("subscribers:\n  10.0.0.1: {groups: [a, a]}\n", "2:22"),
        ("subscribers:\n  10.0.0.1: {}\n 10.0.0.2: {}\n", "3:2"),
        ("subscribers:\n  10.0.0.1: {}\n---\nsubscribers: {}\n", "3:1"),
        ("", "1:1"),
        ("subscribers:\n  10.0.0.1: {}\nother: 1\n", "3:1"),
    ],
)
def test_wrong_subscribers_are_found_where_they_stand(tmp_path: Path, text: str, place: str) -> None:
    assert problems(write(tmp_path, subscribers=text))[0].startswith(f"subscribers/any.yml:{place}: ")


def test_an_address_in_two_files_is_an_error_and_a_wrong_shard_is_none(tmp_path: Path) -> None:
    line = "subscribers:\n  10.0.0.1: {}\n"
    write(tmp_path, subscribers=line)
    assert list(load_tree(tmp_path).state.subscribers) == ["10.0.0.1"]
    (tmp_path / "subscribers" / "other.yml").write_text("subscribers:\n  # edited\n  10.0.0.1:\n    {}\n")
    assert problems(tmp_path) == [
        "subscribers/other.yml:3:3: key 10.0.0.1: 10.0.0.1 stands in two files, first in any.yml:2 → keep one"
    ]


def test_files_that_would_not_be_read_are_named(tmp_path: Path) -> None:
    write(tmp_path, subscribers="subscribers:\n")
    for name in ("groups.yaml", "subscribers.yml", "subscribers/x.yaml"):
        (tmp_path / name).write_text("")
    assert {problem.split(":")[0] for problem in problems(tmp_path)} == {
        "groups.yaml", "subscribers.yml", "subscribers/x.yaml",
    }  # fmt: skip


def test_hand_edits_of_any_shape_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        policies="policies:\n  Home:\n    upload: &same\n      rate: 5 # slow\n    download: *same\n",
        subscribers="subscribers: {10.0.0.1: {policy: Home}, '2001:DB8::': {policy: Home}}",
    )
    state = load_tree(tmp_path).state
    assert state.policies["Home"] == Policy(name="Home", download=Limit(rate=5), upload=Limit(rate=5))
    assert list(state.subscribers) == ["10.0.0.1", "2001:db8::"]


def test_references_are_checked_each_with_its_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        policies=(
            "policies:\n"
            "  A: {download: {rate: 5, burst_rate: 5}, upload: {rate: 5}}\n"
            '  "A B": {download: {rate: 5}, upload: {rate: unlimited}}\n'
            "  A_B: {download: {rate: 5}, upload: {rate: unlimited, burst_rate: 9}}\n"
        ),
        groups="groups:\n  g1: {}\n  g2: {policy: Gone}\n  g3: {}\n  g4: {}\n",
        subscribers=(
            "subscribers:\n"
            '  10.0.0.1: {id: "policy: Gone", policy: Gone, groups: [g1, nowhere]}\n'
            "  10.0.0.2:\n    groups: [g1, g2, g3, g4]\n    policy: Gone\n"
        ),
        absent='absent:\n  10.0.0.1: "2024-01-01T00:00Z"\n  10.0.0.9: "2024-01-01T00:00Z"\n',
        rejected="rejected:\n  - {record: r, reason: w, ip: 10.0.0.1}\n",
    )
    found = [str(problem).removeprefix(f"{tmp_path}/") for problem in reference_problems(load_tree(tmp_path))]
    assert [problem.split(": ")[0] for problem in found] == [
        "subscribers/any.yml:2:42",
        "subscribers/any.yml:2:56",
        "subscribers/any.yml:5:13",
        "subscribers/any.yml:4:13",
        "groups.yml:3:16",
        "policies.yml:2:17",
        "policies.yml:4:38",
        "policies.yml:4:3",
        "absent.yml:2:3",
        "absent.yml:3:3",
    ]
    assert all(" → " in problem for problem in found)


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    one, other = write(tmp_path / "1"), write(tmp_path / "2")
    assert load_tree(one).digest == load_tree(other).digest
    write(other, groups="groups:\n")
    assert load_tree(one).digest != load_tree(other).digest
