"""What a tranche is worth, as properties."""

from hypothesis import given, strategies as st

from plimsoll.model.tranche_math import Leg, worth

SIZE_SCALE = 10**21
AMOUNTS = st.integers(-(2**60), 2**60)


@st.composite
def legs(draw):
    size = draw(st.integers(-(2**70), 2**70).filter(bool))
    mid = draw(st.integers(10**12, 10**23))
    lo, hi = mid - draw(st.integers(0, mid // 10)), mid + draw(st.integers(0, mid // 10))
    return Leg(size, draw(AMOUNTS), draw(st.integers(-(2**40), 2**40)), lo, mid, hi)


@given(AMOUNTS, st.lists(legs(), max_size=3), st.integers(0, 2**60))
def test_worth_low_mid_high_are_in_this_order(cash, positions, initial):
    low, mid, high, _ = worth(cash, positions, initial, SIZE_SCALE)
    assert low <= mid <= high


@given(AMOUNTS, st.lists(legs(), max_size=3), st.integers(0, 2**60))
def test_free_is_cash_that_backs_nothing(cash, positions, initial):
    _, mid, _, free = worth(cash, positions, initial, SIZE_SCALE)
    assert 0 <= free <= max(0, cash), "MAR-2"
    if free:
        assert min(cash, mid) - free >= initial, "MAR-1"


@given(st.integers(0, 2**60))
def test_worth_without_positions_is_cash(cash):
    assert worth(cash, [], 0, SIZE_SCALE) == (cash, cash, cash, cash)
