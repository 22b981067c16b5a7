"""`bqnctl override`: edits `overrides.yml` with care, and shows what each override does."""

import json
from pathlib import Path
from typing import Any

import pytest

COMMENTED = """\
# decisions of the office
overrides:

  # the mayor
  mayor: {reason: "x",   match: {id: nobody}, set: {blocked: false}}   # for ever

# end
"""


@pytest.fixture
def file(net: Any, bqnctl: Any) -> Path:
    """A rendered network, and the path of its overrides."""
    net.add_billing(customers=12)
    net.add_bqn()
    assert bqnctl("render").code == 0
    path: Path = net.folder / "overrides.yml"
    return path


@pytest.fixture
def ips(file: Path) -> list[str]:
    lines = next(iter(file.parent.glob("desired/splynx/subscribers/*.yml"))).read_text().splitlines()[3:]
    return [line.strip().split(":")[0] for line in lines]


def test_an_override_is_added_listed_and_removed(bqnctl: Any, file: Path, ips: list[str]) -> None:
    file.write_text(COMMENTED)
    ran = bqnctl("override", "add", "vip-1", "--ip", ips[0], "--download", "90000", "--upload", "unlimited",
                 "--reason", "ticket 4711", "--until", "2999-12-31")  # fmt: skip
    assert ran.code == 0, ran
    assert "matches 1 address of the desired state" in ran.out
    entry = (
        f'  vip-1:\n    reason: "ticket 4711"\n    until: "2999-12-31"\n    match: {{ip: {ips[0]}}}\n'
        "    set: {rates: {download: 90000, upload: unlimited}}\n"
    )
    assert file.read_text() == COMMENTED.replace("# for ever\n", "# for ever\n" + entry)
    assert bqnctl("validate").code == 0
    listed = {row["name"]: row for row in json.loads(bqnctl("override", "list", "--format", "json").out)}
    assert {name: (row["state"], row["matches"]) for name, row in listed.items()} == {
        "mayor": ("unused", 0), "vip-1": ("active", 1),
    }  # fmt: skip
    assert (listed["vip-1"]["line"], listed["vip-1"]["until"]) == (6, "2999-12-31")
    assert bqnctl("render").code == 0
    text = bqnctl("override", "list").out
    assert f"vip-1: active, matches 1, until 2999-12-31  ({file}:6)" in text
    assert f"ip {ips[0]} → rates download 90000, upload unlimited" in text
    assert bqnctl("override", "remove", "vip-1").code == 0
    assert file.read_text() == COMMENTED
    ran = bqnctl("override", "remove", "mayor")
    assert "the comment above mayor (line 4) stays" in ran.err
    assert file.read_text() == COMMENTED.replace(COMMENTED.splitlines(keepends=True)[4], "")


def test_every_flag_reaches_the_file(bqnctl: Any, file: Path) -> None:
    ran = bqnctl(
        "override", "add", "all", "--id", "4711", "--ip", "10.0.0.0/8", "--policy", "A", "--group", "L1-A",
        "--source", "splynx", "--block", "--add-group", "VIP", "--add-group", "no", "--remove-group", "L1-A",
        "--reason", "x",
    )  # fmt: skip
    assert ran.code == 0, ran
    assert file.read_text().splitlines()[2:] == [
        "  all:",
        '    reason: "x"',
        '    match: {id: "4711", ip: "10.0.0.0/8", policy: A, group: L1-A, source: splynx}',
        '    set: {blocked: true, groups: {add: [VIP, "no"], remove: [L1-A]}}',
    ]
    assert bqnctl("override", "add", "gone", "--id", "x", "--absent", "--reason", "x").code == 0
    assert bqnctl("override", "add", "free", "--id", "x", "--unblock", "--only-group", "B", "--reason", "x").code == 0
    assert file.read_text().endswith("    set: {blocked: false, groups: {set: [B]}}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["v", "--ip", "10.0.0.1", "--block"], "--reason"),
        (["v", "--ip", "10.0.0.1", "--block", "--reason", " "], "right form"),
        (["v", "--block", "--reason", "x"], "whom is it about"),
        (["v", "--ip", "10.0.0.1", "--reason", "x"], "what should hold"),
        (["v", "--ip", "10.0.0.300", "--block", "--reason", "x"], "neither an IP address"),
        (["v", "--ip", "10.0.0.1/24", "--block", "--reason", "x"], "write 10.0.0.0/24"),
        (["v", "--ip", "10.0.0.1", "--download", "5", "--reason", "x"], "--upload"),
        (["v", "--ip", "10.0.0.1", "--download", "fast", "--upload", "1", "--reason", "x"], "kbps as a whole number"),
        (["v", "--ip", "10.0.0.1", "--download", "0", "--upload", "1", "--reason", "x"], "from 1 to"),
        (["v", "--ip", "10.0.0.1", "--set-policy", "Nowhere", "--reason", "x"], "no policy is called 'Nowhere'"),
        (["v", "--ip", "10.0.0.1", "--block", "--until", "2020-01-01", "--reason", "x"], "is over"),
        (["v", "--ip", "10.0.0.1", "--block", "--until", "tomorrow", "--reason", "x"], "right form"),
        (["v", "--source", "splinx", "--id", "a", "--block", "--reason", "x"], "did you mean splynx"),
        (["v", "--id", "a", "--absent", "--block", "--reason", "x"], "nothing else"),
        (["v 1", "--id", "a", "--block", "--reason", "x"], "'v 1' cannot be the name"),
        (["../../etc", "--id", "a", "--block", "--reason", "x"], "etc"),
        (["v\x1b[31m", "--id", "a", "--block", "--reason", "x"], "cannot be the name"),
        (["taken", "--id", "a", "--block", "--reason", "x"], "already"),
    ],
)
def test_what_is_invalid_is_refused_and_nothing_written(
    bqnctl: Any, file: Path, arguments: list[str], says: str
) -> None:
    text = 'overrides:\n  taken: {reason: "x", match: {id: nobody}, set: {blocked: false}}\n'
    file.write_text(text)
    ran = bqnctl("override", "add", *arguments)
    assert ran.code == 1
    assert says in ran.err
    assert "\x1b" not in ran.err
    assert file.read_text() == text


def test_a_conflict_is_refused_with_the_place_of_the_other(bqnctl: Any, file: Path, ips: list[str]) -> None:
    assert bqnctl("override", "add", "one", "--ip", ips[0], "--block", "--reason", "x").code == 0
    text = file.read_text()
    ran = bqnctl("override", "add", "two", "--ip", "0.0.0.0/0", "--unblock", "--reason", "x")
    assert ran.code == 1
    assert f"two and one ({file}:6:10) disagree about the blocked of {ips[0]}" in ran.err
    assert file.read_text() == text


def test_a_file_that_is_broken_is_not_made_worse(bqnctl: Any, file: Path) -> None:
    file.write_text("overrides:\n  a: {match: {id: x}, set: {absent: true}}\n")
    ran = bqnctl("override", "add", "b", "--id", "x", "--block", "--reason", "x")
    assert ran.code == 1
    assert f"{file}:2:6: key overrides.a: reason is missing" in ran.err
    assert bqnctl("override", "list").code == 1
    assert bqnctl("override", "remove", "a").code == 0
    assert file.read_text() == "overrides:\n"


def test_expired_and_hostile_ones_are_listed(bqnctl: Any, file: Path) -> None:
    file.write_text(
        'overrides:\n  past: {reason: "\\e[31m\\u202e<b>x</b>", until: "2020-01-01", match: {id: "\\u0007"}, '
        "set: {absent: true}}\n"
    )
    ran = bqnctl("override", "list")
    assert ran.code == 0
    assert "past: expired, until 2020-01-01" in ran.out
    assert not any(character in ran.out for character in "\x1b\u202e\x07")
    (row,) = json.loads(bqnctl("override", "list", "--format", "json").out)
    assert (row["state"], row["matches"]) == ("expired", None)


def test_a_link_mark_and_mode_are_kept(bqnctl: Any, file: Path, tmp_path: Path) -> None:
    target = tmp_path / "shared.yml"
    target.write_bytes(b"\xef\xbb\xbfoverrides:\n")
    target.chmod(0o640)
    file.symlink_to(target)
    assert bqnctl("override", "add", "a", "--id", "x", "--block", "--reason", "x").code == 0
    assert file.is_symlink()
    assert target.read_bytes().startswith(b"\xef\xbb\xbfoverrides:\n  a:\n")
    assert target.stat().st_mode & 0o777 == 0o640


def test_removing_what_is_not_there_says_what_is(bqnctl: Any, file: Path) -> None:
    file.write_text("overrides:\n  vip: {reason: x, match: {id: x}, set: {absent: true}}\n")
    ran = bqnctl("override", "remove", "vpi")
    assert ran.code == 1
    assert "vip" in ran.err
    assert bqnctl("override", "remove").code == 1


def test_secrets_are_not_needed(net: Any, bqnctl: Any, file: Path) -> None:
    secret = "{{ lookup('env', 'NOT_SET') }}"
    net.hosts["billing"]["hosts"]["splynx"]["credentials"] = {"api_key": secret, "api_secret": secret}
    assert bqnctl("override", "add", "a", "--id", "x", "--block", "--reason", "x").code == 0
    assert bqnctl("override", "list").code == 0
    assert file.exists()
