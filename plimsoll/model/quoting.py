"""What the pool answers to an order: its price, its fee, or why it does not trade. (`quote` of LiquidityPool.sol.)

The formulas are in quote_math.py. Units: as in house.py.
"""

from __future__ import annotations

from plimsoll.model import ledger_math, quote_math
from plimsoll.model.house import House, refuse
from plimsoll.types import Fill


def quote(house: House, instrument: int, size: int, mid: int) -> Fill:
    """The taker's change of quote, and the fee on top."""
    spec, maker, scale = house.instruments[instrument], house.size(house.tranche(instrument), instrument), house.size_scale
    afterwards = quote_math.lean(size, maker).after
    if afterwards >= house.scale_of(instrument):
        refuse("SkewTooLarge", instrument, afterwards, house.scale_of(instrument))
    if instrument in house.storage.frozen and not ledger_math.reduces(maker, -size):
        refuse("MarketFrozen", instrument)
    market = spec.market
    amount = quote_math.amount(size, maker, mid, house.scale_of(instrument), scale, market.spread_e6)
    return Fill(amount, quote_math.fee(size, maker, mid, scale, market.taker_fee_e6, market.maker_fee_e6))
