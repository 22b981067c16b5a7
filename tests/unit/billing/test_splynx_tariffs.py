from hypothesis import given
from hypothesis import strategies as st

from generator.billing.body import Rows
from generator.billing.splynx.lists import TariffRow
from generator.billing.splynx.tariffs import plans_of
from generator.model import Limit, PlanRecord

SPEEDS = st.integers(1, 10_000_000)
WEIRD: st.SearchStrategy[object] = st.one_of(
    st.none(), st.integers(-5, 2**33), st.text(max_size=4), st.booleans(), st.just([])
)


def plan(**fields: object) -> PlanRecord:
    row = TariffRow(id=61, service_name="Home 50 Mb", speed_download=51200, speed_upload=10240, **fields)
    return plans_of(Rows(rows=(row,))).plans[0]


def test_the_worked_example() -> None:
    found = plan(burst_type="percent", burst_limit=20, burst_threshold=80, burst_time=30)
    assert found.download == Limit(
        rate=51200, burst_rate=61440, burst_threshold=40960, burst_threshold_window=30, burst_duration=20
    )
    assert found.upload == Limit(
        rate=10240, burst_rate=12288, burst_threshold=8192, burst_threshold_window=30, burst_duration=20
    )


@given(rate=SPEEDS, percent=st.integers(0, 400), threshold=st.integers(0, 100), window=st.integers(0, 600))
def test_a_burst_is_whole_faster_than_the_rate_and_shorter_than_its_window_or_absent(
    rate: int, percent: int, threshold: int, window: int
) -> None:
    row = TariffRow(
        id=1, service_name="x", speed_download=rate, speed_upload=rate, burst_type="percent",
        burst_limit=percent, burst_threshold=threshold, burst_time=window,
    )  # fmt: skip
    limit = plans_of(Rows(rows=(row,))).plans[0].download
    assert limit.rate == rate
    if limit.burst_rate is None:
        assert limit == Limit(rate=rate)
    else:
        assert limit.burst_rate == rate + rate * percent // 100 > rate
        assert limit.burst_threshold == rate * threshold // 100
        assert limit.burst_threshold_window == window
        assert limit.burst_duration is not None
        assert 1 <= limit.burst_duration <= window


@given(fields=st.fixed_dictionaries(dict.fromkeys(TariffRow.__struct_fields__, WEIRD)))
def test_any_tariff_is_a_plan_with_or_without_a_problem_or_rejected(fields: dict[str, object]) -> None:
    found = plans_of(Rows(rows=(TariffRow(**fields),)))
    assert len(found.plans) + len(found.rejected) == 1
    for each in found.plans:
        assert each.id
        assert each.name
