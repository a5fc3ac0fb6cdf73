"""The measuring of calls: a median of turns, without what the first calls prepare."""

from __future__ import annotations

import pytest

from support import timing


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes only when a function says so."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(timing.time, "perf_counter", lambda: Clock.now)
    return Clock


def test_it_is_the_median_of_turns_after_two_calls(clock):
    order = []
    durations = {"first": iter([100, 100, 1, 2, 90]), "second": iter([100, 100, 3, 3, 3])}

    def function(name):
        def run():
            order.append(name)
            clock.now += next(durations[name])
            return 0

        return run

    functions = {name: function(name) for name in durations}
    assert timing.seconds_per_call(functions, calls=3) == {"first": 2, "second": 3}
    assert order == ["first"] * 2 + ["second"] * 2 + ["first", "second"] * 3


def test_what_comes_back_is_computed_within_the_measured_time(clock):
    class Late:
        def __array__(self, dtype=None, copy=None):
            clock.now += 5
            return timing.np.zeros(())

    assert timing.seconds_per_call({"late": Late}, calls=1) == {"late": 5}


def test_without_a_call_there_is_nothing_to_measure():
    with pytest.raises(ValueError, match="calls is 0; expected at least 1"):
        timing.seconds_per_call({"nothing": int}, calls=0)
