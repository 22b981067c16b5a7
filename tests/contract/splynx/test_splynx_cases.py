"""The Splynx connector against recorded answers: adding a case is adding a folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from generator.billing import splynx
from generator.model import BillingAnswer

CASES = sorted(folder for folder in (Path(__file__).parent / "cases").iterdir() if folder.is_dir())
Read = Callable[..., BillingAnswer]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Path, run_case: Callable[[str, Read, Path], None]) -> None:
    run_case("splynx", splynx.read, case)


def test_every_case_is_whole() -> None:
    assert len(CASES) > 40
    assert all((case / "expected.json").is_file() for case in CASES)
