"""A venue that is watched: every invariant is checked after every verb."""

from plimsoll.invariants import Observation, violations
from plimsoll.types import POOL, WAD, Account

LOOKS = {"state", "probe", "liquidatable", "for_sale", "liquidation_price", "wallet", "now", "accounts"}
QUIET = {"account_id", "advance_to", "world", "chain", "deployment", "shift", "actors"}


class Watched:
    """Passes everything on to the venue. settlements: as Observation counts them."""

    def __init__(self, venue):
        self.venue, self._settlements = venue, 0

    def __getattr__(self, name):
        found = getattr(self.venue, name)
        return found if name in LOOKS | QUIET else lambda *args, **named: self._do(name, found, args, named)

    def _do(self, verb, method, args, named):
        before = self.venue.state()
        answer = method(*args, **named)
        after = self.venue.state()
        if verb == "liquidate" and named.get("max_fraction", WAD) < WAD:
            verb = "bite"
        self._settlements += 2 * sum(len(account.positions) for account in after.accounts.values()) + 2
        seen = Observation(
            world=self.venue.world,
            before=before,
            after=after,
            verb=verb,
            account=next((arg for arg in args if isinstance(arg, Account)), None),
            answer=answer,
            probes=self.venue.probe([account for account in after.accounts if account.actor != POOL]),
            settlements=self._settlements,
        )
        assert violations(seen) == ()
        return answer
