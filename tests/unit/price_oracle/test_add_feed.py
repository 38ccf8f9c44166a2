import pytest

U128 = 2**128 - 1
DAY = 86_400


def test_add_feed_by_the_owner_lists_it_and_tells(oracle, owner, config, aggregator):
    event = oracle.addFeed(config(), sender=owner).event("FeedAdded")
    assert (event.feed, event.decimals, event.description) == (0, 8, "ETH / USD")
    assert event.config._asdict() == config()
    assert oracle.feedCount() == 1
    kept = oracle.feedConfig(0)
    assert (kept.config._asdict(), kept.decimals) == (config(), 8)


def test_add_feed_with_a_secondary_keeps_every_field(oracle, add, config, secondary):
    changes = {"secondary": secondary.address, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000}
    add(**changes)
    assert oracle.feedConfig(0).config._asdict() == config(**changes)


def test_add_feed_next_one_gets_the_next_index(oracle, add):
    assert [add(), add(spreadE6=1), add()] == [0, 1, 2]
    assert [oracle.feedConfig(i).config.spreadE6 for i in range(3)] == [5_000, 1, 5_000]
    assert oracle.feedCount() == 3


def test_add_feed_by_another_is_refused(oracle, config, stranger, reverts):
    with reverts("OwnableUnauthorizedAccount", stranger):
        oracle.addFeed(config(), sender=stranger)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("heartbeat", 0), ("heartbeat", 7 * DAY + 1), ("heartbeat", 2**32 - 1),
        ("grace", DAY + 1), ("grace", 2**32 - 1),
        ("spreadE6", 500_000), ("spreadE6", 2**24 - 1),
        ("minAnswer", U128 + 1), ("minAnswer", 2**256 - 1),
        ("maxAnswer", 0), ("maxAnswer", 10**8 + 10**8 // 50),
        ("secondaryHeartbeat", 1), ("maxDeviationE6", 1),
    ],
)  # fmt: skip
def test_add_feed_field_out_of_bounds_is_refused(oracle, owner, config, reverts, field, value):
    with reverts("InvalidFeed", field, value):
        oracle.addFeed(config(**{field: value}), sender=owner)
    assert oracle.feedCount() == 0


@pytest.mark.parametrize(("low", "high"), [(9_900, 10_100), (9_900, 10_099), (9_900, 9_900), (9_900, 1), (U128, U128)])
def test_add_feed_bounds_that_meet_once_tightened_are_refused(oracle, owner, config, reverts, low, high):
    with reverts("InvalidFeed", "maxAnswer", high):
        oracle.addFeed(config(minAnswer=low, maxAnswer=high), sender=owner)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("heartbeat", 1), ("heartbeat", 7 * DAY), ("grace", 0), ("grace", DAY),
        ("spreadE6", 0), ("spreadE6", 499_999), ("minAnswer", 0), ("maxAnswer", 2**256 - 1),
    ],
)  # fmt: skip
def test_add_feed_field_at_its_bound_is_listed(oracle, add, accepted, field, value):
    add(**{field: value})
    assert getattr(oracle.feedConfig(0).config, field) == min(value, U128)
    accepted(oracle)


@pytest.mark.parametrize(("field", "value"), [("secondaryHeartbeat", 0), ("secondaryHeartbeat", 7 * DAY + 1),
                                              ("maxDeviationE6", 0), ("maxDeviationE6", 500_000)])  # fmt: skip
def test_add_feed_secondary_out_of_bounds_is_refused(oracle, owner, config, secondary, reverts, field, value):
    changes = {"secondary": secondary, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000, field: value}
    with reverts("InvalidFeed", field, value):
        oracle.addFeed(config(**changes), sender=owner)


def test_add_feed_secondary_is_the_feed_itself_is_refused(oracle, owner, config, aggregator, reverts):
    changes = {"secondary": aggregator, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000}
    with reverts("InvalidFeed", "secondary", int(aggregator.address, 16)):
        oracle.addFeed(config(**changes), sender=owner)


@pytest.mark.parametrize("field", ["aggregator", "secondary"])
def test_add_feed_without_code_is_refused(oracle, owner, config, secondary, stranger, reverts, field):
    changes = {"secondary": secondary, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000, field: stranger}
    with reverts("InvalidFeed", field, int(stranger, 16)):
        oracle.addFeed(config(**changes), sender=owner)


@pytest.mark.parametrize("decimals", [19, 255])
def test_add_feed_with_more_than_18_decimals_is_refused(
    oracle, owner, config, aggregator, secondary, reverts, decimals
):
    secondary.setDecimals(decimals)
    changes = {"secondary": secondary, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000}
    with reverts("InvalidFeed", "secondaryDecimals", decimals):
        oracle.addFeed(config(**changes), sender=owner)
    aggregator.setDecimals(decimals)
    with reverts("InvalidFeed", "decimals", decimals):
        oracle.addFeed(config(), sender=owner)


def test_add_feed_that_is_no_feed_is_refused(chain, oracle, owner, config, reverts):
    token = chain.deploy("MockToken", "Token", "TKN", 8)
    with reverts("InvalidPrice", 0, 2, 0, 0):
        oracle.addFeed(config(aggregator=token), sender=owner)


def test_add_feed_that_has_no_valid_price_now_is_refused(oracle, owner, config, aggregator, fault, reverts):
    aggregator.push(-5)
    with reverts("InvalidPrice", 0, fault.NotPositive, 5, 0):
        oracle.addFeed(config(), sender=owner)
    assert oracle.feedCount() == 0


def test_add_feed_whose_secondary_disagrees_now_is_refused(oracle, owner, config, secondary, fault, reverts):
    changes = {"secondary": secondary, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000}
    secondary.push(2_021 * 10**18)
    with reverts("InvalidPrice", 0, fault.Deviates, 2_021 * 10**18, 2_000 * 10**18):
        oracle.addFeed(config(**changes), sender=owner)


def test_add_feed_refused_leaves_no_trace(oracle, owner, config, add, secondary, aggregator, reverts):
    changes = {"secondary": secondary, "secondaryHeartbeat": 600, "maxDeviationE6": 10_000}
    secondary.push(1)
    with reverts("InvalidPrice"):
        oracle.addFeed(config(**changes), sender=owner)
    assert add() == 0
    assert oracle.feedConfig(0).config._asdict() == config()


def test_add_feed_beyond_256_is_refused(oracle, owner, config, add, reverts):
    assert [add() for _ in range(256)] == list(range(256))
    with reverts("InvalidFeed", "feeds", 256):
        oracle.addFeed(config(), sender=owner)


@pytest.mark.parametrize("feed", [0, 1, 2**256 - 1])
def test_feed_config_of_an_unknown_feed_is_refused(oracle, fault, reverts, feed):
    with reverts("InvalidPrice", feed, fault.UnknownFeed, feed, 0):
        oracle.feedConfig(feed)


# the constructor


def test_deploy_sequencer_without_code_is_refused(chain, owner, stranger, reverts):
    with reverts("InvalidFeed", "sequencer", int(stranger, 16)):
        chain.deploy("PriceOracle", owner, stranger, 3_600)


@pytest.mark.parametrize(("has_sequencer", "grace"), [(True, DAY + 1), (False, 1), (True, 2**256 - 1)])
def test_deploy_sequencer_grace_out_of_bounds_is_refused(
    chain, owner, aggregator, reverts, has_sequencer, grace
):
    sequencer = aggregator if has_sequencer else "0x" + "00" * 20
    with reverts("InvalidFeed", "sequencerGrace", grace):
        chain.deploy("PriceOracle", owner, sequencer, grace)


def test_deploy_keeps_owner_and_sequencer(chain, owner, aggregator):
    oracle = chain.deploy("PriceOracle", owner, aggregator, DAY)
    assert (oracle.owner(), oracle.SEQUENCER(), oracle.SEQUENCER_GRACE()) == (owner, aggregator.address, DAY)
