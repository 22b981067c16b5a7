"""The exit code of a sync: what `apply` would say, and that a source which failed is an error too."""

import pytest

from generator.errors import Exit
from generator.operate.account import ApplianceAccount, RunAccount, SourceAccount, Status

WROTE = {"subscriber": {"create": 1}}


def run(source: Status = Status.OK, *bqns: tuple[Status, bool], **more: object) -> RunAccount:
    appliances = tuple(
        ApplianceAccount(name=f"bqn-{number}", status=status, done=WROTE if wrote else {})
        for number, (status, wrote) in enumerate(bqns)
    )
    sources = (SourceAccount(name="splynx", status=source),)
    return RunAccount(started_s=0, ended_s=1, sources=sources, appliances=appliances, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (run(), Exit.OK),
        (run(Status.OK, (Status.OK, True)), Exit.OK),
        (run(Status.FAILED, (Status.OK, True)), Exit.ERROR),
        (run(Status.WAITING, (Status.OK, True)), Exit.ERROR),
        (run(Status.REFUSED, (Status.OK, True)), Exit.REFUSED),
        (run(Status.REFUSED, (Status.FAILED, False)), Exit.ERROR),
        (run(Status.OK, (Status.REFUSED, False), (Status.OK, True)), Exit.REFUSED),
        (run(Status.OK, (Status.FAILED, False)), Exit.ERROR),
        (run(Status.OK, (Status.FAILED, False), (Status.OK, True)), Exit.PARTIAL),
        (run(Status.OK, (Status.WAITING, False), (Status.OK, True)), Exit.PARTIAL),
        (run(Status.OK, (Status.PARTIAL, True)), Exit.PARTIAL),
        (run(error="overrides.yml"), Exit.ERROR),
        (run(interrupted=True), Exit.ERROR),
        (run(Status.OK, (Status.FAILED, False), interrupted=True, run="20260301T101500Z-1"), Exit.PARTIAL),
    ],
)
def test_the_exit_code(account: RunAccount, code: Exit) -> None:
    assert account.exit_code is code
    words = {Exit.OK: "ok", Exit.ERROR: "failed", Exit.REFUSED: "refused", Exit.PARTIAL: "partial"}
    assert account.result == words[code]
