"""A tiny margin contract and wrong ones beside it, each found by a property. See docs/properties.md.

    python -m plimsoll properties examples.right
    python -m plimsoll properties examples.wrong_boundary
"""

from functools import partial

from examples.adapter import ExampleAdapter

right = partial(ExampleAdapter, "ExampleMargin")
wrong_boundary = partial(ExampleAdapter, "WrongBoundary")  # exact_boundary finds it
wrong_rounding = partial(ExampleAdapter, "WrongRounding")  # no_gain_by_splitting
wrong_stale = partial(ExampleAdapter, "WrongStale")  # stale_price_refused
wrong_seizure = partial(ExampleAdapter, "WrongSeizure")  # seized_is_deducted
wrong_portion = partial(ExampleAdapter, "WrongPortion")  # liquidation_restores
wrong_cast = partial(ExampleAdapter, "WrongCast")  # monotone_in_size
