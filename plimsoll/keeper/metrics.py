"""`/metrics` for Prometheus and `/healthz`, on a local port.

Everything is read off the keeper when it is asked for. Health: a round succeeded within the last minute, and a block came within
the last five; else 503, with the reason.
"""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from plimsoll.errors import PortTaken
from plimsoll.keeper.run import SECONDS_TO_WORRY, SECONDS_WITHOUT_BLOCK, Keeper

GAUGES = {
    "block": "latest block that is known in full",
    "block_time": "its time, unix seconds",
    "accounts": "accounts that are followed",
    "below_line": "accounts below their line",
    "unjudged": "accounts that hold something and have no price",
    "unpaid": "accounts below their line whose reward does not pay for gas",
    "under_way": "transactions under way",
    "gas_price_wei": "expected price of gas",
    "seconds_since_round": "since a round succeeded",
    "seconds_since_block": "since a new block came",
    "balance_ether": "of our address, as last looked at",
    "round_seconds": "how long the latest round took",
    "rivals": "other keepers seen lately",
    "bad_debt": "recorded in the protocol, settlement tokens",
    "earned": "rewards, settlement tokens",
    "gas_paid_ether": "for transactions that were mined",
}


class KeeperCollector(Collector):
    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def collect(self) -> Iterator[Metric]:
        keeper, sight = self._keeper, self._keeper.sight
        head, market = (sight.news.head if sight.news else None), sight.market
        found = {
            "block": head.number if head else 0,
            "block_time": head.time if head else 0,
            "accounts": len(keeper.watch.book),
            "below_line": len(sight.judgement.sinking),
            "unjudged": sight.judgement.unjudged,
            "unpaid": len(keeper.hands.unpaid),
            "under_way": len(keeper.hands.sender.open),
            "gas_price_wei": keeper.hands.gas_price,
            "seconds_since_round": time.monotonic() - sight.good_at,
            "seconds_since_block": time.monotonic() - sight.block_at,
            "balance_ether": keeper.hands.balance / 10**18,
            "round_seconds": sight.took,
            "rivals": len(keeper.hands.rivals.seen),
            "bad_debt": market.bad_debt / keeper.unit if market else 0,
            "earned": keeper.totals.earned / keeper.unit,
            "gas_paid_ether": keeper.totals.paid / 10**18,
        }
        for name, words in GAUGES.items():
            yield GaugeMetricFamily(f"plimsoll_keeper_{name}", words, value=found[name])
        yield self._events()
        if market is not None:
            for name, words, values in (
                ("price", "a feed's answer", [feed.mid / 10**18 for feed in market.feeds]),
                ("price_age_seconds", "since a feed's answer was written", [market.time - feed.updated_at for feed in market.feeds]),
                ("price_valid", "1 while a feed has a price", [int(not feed.fault) for feed in market.feeds]),
            ):
                gauge = GaugeMetricFamily(f"plimsoll_keeper_{name}", words, labels=["feed"])
                for feed, value in zip(market.feeds, values):
                    gauge.add_metric([feed.name], value)
                yield gauge

    def _events(self) -> Metric:
        """sent, done, wasted, refused, taken, trouble, reorganisation, mended, …: as in the log."""
        events = CounterMetricFamily("plimsoll_keeper_events", "lines of the log", labels=["what"])
        for what, count in sorted(self._keeper.journal.counts.items()):
            events.add_metric([what], count)
        return events


class MetricsServer:
    """port: 0 takes a free one; `port` says which. Raises PortTaken."""

    def __init__(self, keeper: Keeper, port: int) -> None:
        registry = CollectorRegistry()
        registry.register(KeeperCollector(keeper))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.split("?")[0] == "/healthz":
                    status, body, kind = *_health(keeper), "application/json"
                elif self.path.split("?")[0] == "/metrics":
                    status, body, kind = 200, generate_latest(registry), "text/plain; version=0.0.4; charset=utf-8"
                else:
                    status, body, kind = 404, b"/metrics and /healthz are here\n", "text/plain"
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as problem:
            if problem.errno in (errno.EADDRINUSE, errno.EACCES):
                raise PortTaken(port) from None
            raise
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _health(keeper: Keeper) -> tuple[int, bytes]:
    sight = keeper.sight
    silent, still = time.monotonic() - sight.good_at, time.monotonic() - sight.block_at
    healthy = sight.news is not None and silent < SECONDS_TO_WORRY and still < SECONDS_WITHOUT_BLOCK
    said = {"healthy": healthy, "seconds_since_round": round(silent, 1), "seconds_since_block": round(still, 1), "trouble": sight.trouble}
    return 200 if healthy else 503, json.dumps(said).encode() + b"\n"
