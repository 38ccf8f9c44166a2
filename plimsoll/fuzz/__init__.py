"""Fuzzing that aims: the real contracts beside the executable specification, at the line and around it.

Read in this order:
    life.py         what is done in a random life, and how the draws are aimed (market.py, trading.py, rescues.py, governing.py: its rules)
    scribe.py       the model says what is due, and everything is written down
    lockstep.py     the contracts are told the same, and must answer the same
    shrink.py       a difference is shrunk to its fewest calls; saved by plimsoll.scenarios.writer
    threshold.py    hundreds of thousands of single accounts on the line, judged in a few calls
    campaign.py     both kinds, seed after seed, on many cores or machines
"""
