"""Which kinds of request have been quick of late."""

from sparkvsr_backend.pace import Pace

QUICK_S, SLOW_S = 0.001, 0.1


def after(*durations: float, kind: str = "a", counts: bool = True) -> Pace:
    pace = Pace(quick_s=0.01)
    for seconds in durations:
        pace.note(kind, seconds, counts=counts)
    return pace


def test_a_new_kind_is_not_quick() -> None:
    assert not after().is_quick("a")
    assert not after(QUICK_S, QUICK_S, QUICK_S).is_quick("a")


def test_a_streak_is_quick_and_says_nothing_of_other_kinds() -> None:
    pace = after(*[QUICK_S] * 4)
    assert pace.is_quick("a")
    assert not pace.is_quick("b")


def test_a_slow_one_ends_the_streak() -> None:
    pace = after(*[QUICK_S] * 10, SLOW_S, *[QUICK_S] * 3)
    assert not pace.is_quick("a")
    pace.note("a", QUICK_S, counts=True)
    assert pace.is_quick("a")


def test_less_than_the_whole_work_proves_only_slowness() -> None:
    assert not after(*[QUICK_S] * 10, counts=False).is_quick("a")
    pace = after(*[QUICK_S] * 4)
    pace.note("a", SLOW_S, counts=False)
    assert not pace.is_quick("a")


def test_kinds_that_were_not_seen_for_long_are_forgotten() -> None:
    pace = after(*[QUICK_S] * 4)
    for number in range(1000):
        pace.note(number, QUICK_S, counts=True)
    assert not pace.is_quick("a")
