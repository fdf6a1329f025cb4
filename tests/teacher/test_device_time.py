from hypothesis import given
from hypothesis import strategies as st

from lauter.teacher.device_time import DeviceTime

STAYS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), min_size=1, max_size=12)


def costs(devices: float, stays: list[tuple[float, float]]) -> list[float]:
    """What each stay (begin, length) costs."""
    changes = sorted(
        [(begin, 1, index) for index, (begin, _) in enumerate(stays)]
        + [(begin + length, -1, index) for index, (begin, length) in enumerate(stays)],
        key=lambda change: (change[0], -change[1]),
    )
    time, parts = DeviceTime(devices), dict[int, float]()
    for at, by, index in changes:
        time = time.changed(by, at)
        parts[index] = time.part_s - parts.get(index, 0.0)
    assert time.in_flight == 0
    return [parts[index] for index in range(len(stays))]


@given(st.floats(0.5, 16), STAYS)
def test_all_requests_together_cost_the_time_in_which_there_was_one(
    devices: float, stays: list[tuple[float, float]]
) -> None:
    busy, until = 0.0, 0.0
    for begin, length in sorted(stays):
        busy += max(begin + length - max(begin, until), 0.0)
        until = max(until, begin + length)
    assert abs(sum(costs(devices, stays)) - devices * busy) < 1e-6 * (1 + devices * busy)


def test_two_at_a_time_share_each_second_equally() -> None:
    # Alone for a second, together for two, the other alone for three: on two devices.
    assert costs(2.0, [(0.0, 3.0), (1.0, 5.0)]) == [2.0 + 2.0, 2.0 + 6.0]
