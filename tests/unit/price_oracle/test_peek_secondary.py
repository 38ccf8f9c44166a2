"""The second opinion: the same checks, its own heartbeat, and how far it may be from the first."""

import pytest

WAD = 10**18
GRACE = 300


@pytest.mark.parametrize("answer", [1_980 * WAD, 2_000 * WAD - 1, 2_000 * WAD, 2_020 * WAD])
def test_peek_secondary_within_the_deviation_is_the_primarys_price(paired, secondary, accepted, answer):
    secondary.push(answer)
    assert accepted(paired).mid == 2_000 * WAD


@pytest.mark.parametrize("answer", [1, 1_980 * WAD - 1, 2_020 * WAD + 1, 2**88 - 1])
def test_peek_secondary_beyond_the_deviation_is_refused(paired, secondary, fault, refused, answer):
    secondary.push(answer)
    refused(paired, fault.Deviates, found=answer, limit=2_000 * WAD)


def test_peek_primary_beyond_the_deviation_is_refused(paired, aggregator, fault, refused, accepted):
    """The distance is measured in millionths of the primary: 2000 is 1 % of p away at p = 2000/0.99 and 2000/1.01."""
    for inside, outside in ((202_020_202_020, 202_020_202_021), (198_019_801_981, 198_019_801_980)):
        aggregator.push(inside)
        accepted(paired)
        aggregator.push(outside)
        refused(paired, fault.Deviates, found=2_000 * WAD, limit=outside * 10**10)


@pytest.mark.parametrize(
    ("round", "why"),
    [
        ((5, 0, 0, 9, 5), "NotPositive"),
        ((5, -(2**255), 0, 9, 5), "NotPositive"),
        ((5, 2**128 - 1, 0, 9, 5), "OutOfBounds"),
        ((5, 2**255 - 1, 0, 9, 5), "OutOfBounds"),
        ((5, 2_000 * WAD, 0, 0, 5), "NeverUpdated"),
        ((5, 2_000 * WAD, 0, 2**63, 5), "FromTheFuture"),
        ((5, 2_000 * WAD, 0, 9, 5), "Stale"),
        ((5, 2**88, 0, None, 5), "TooLarge"),
        ((5, 2_000 * WAD, 0, None, 4), "IncompleteRound"),
    ],
)
def test_peek_secondary_invalid_is_refused(chain, paired, secondary, fault, refused, round, why):
    secondary.setRound(*(chain.now if word is None else word for word in round))
    refused(paired, fault.SecondaryFailed, found=fault[why])


@pytest.mark.parametrize("mode", [1, 2])
def test_peek_secondary_call_fails_is_refused(paired, secondary, fault, refused, mode):
    secondary.setMode(mode)
    refused(paired, fault.SecondaryFailed, found=fault.CallFailed)


def test_peek_secondary_goes_stale_by_its_own_heartbeat(
    chain, paired, aggregator, secondary, at, fault, refused, accepted
):
    secondary.push(2_000 * WAD)
    updated = chain.now
    aggregator.push(2_000 * 10**8)
    at(updated + 600 + GRACE)
    accepted(paired)
    at(updated + 600 + GRACE + 1)
    refused(paired, fault.SecondaryFailed, found=fault.Stale)


def test_peek_primary_fails_is_named_before_the_secondary(paired, aggregator, secondary, fault, refused):
    secondary.setMode(1)
    aggregator.push(0)
    refused(paired, fault.NotPositive)


def test_peek_secondary_is_never_a_fallback(paired, aggregator, fault, refused):
    aggregator.setMode(1)
    refused(paired, fault.CallFailed)
