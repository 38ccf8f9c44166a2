"""A small scenario for tests, and how to load a text as one."""

from plimsoll.scenarios.scenario import load

SMALL = """\
title: A price slides through the lines of three traders
world:
  feed: {deviation: 2%, delay: 30s}
  instruments:
    ETH: {base: 6%, insurance: 1000}
  collaterals:
    WETH: {feed: ETH}
prices:
  ETH: {shape: slide, from: 200, to: 120, at: +30m, over: 30m, length: 2h}
actors:
  paula: {role: provider, provide: 1000000}
  kim: {role: keeper}
  ann: {role: trader, about: Long 5x, deposit: {USDC: 10000}, open: {ETH: 5x}}
  bob: {role: trader, about: Short 2x, deposit: {USDC: 10000}, open: {ETH: -2x}}
  cat: {role: trader, about: Long 3x on WETH, deposit: {WETH: 50}, open: {ETH: 3x}}
steps:
  - title: Bob takes his profit
    at: +1h30m
    who: bob
    close: ETH
expect:
  survives: [bob]
  liquidated: [ann, cat]
  bad_debt_at_most: 0
"""


def loaded(folder, text=SMALL, name="small.yaml", **overrides):
    """The text as a scenario in a file of `folder`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load(path, **overrides)


def line_of(text, part):
    """The number of the first line that has `part`, from 1."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)
