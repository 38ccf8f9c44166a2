"""A node's bad days, on demand: a server between a keeper and a node that delays, drops, cuts and contradicts what passes.

    with Faulty(anvil.url, Faults(seed=7)) as faulty:
        Lookout(faulty.url, …)
        faulty.faults = CALM

What it does to a request is drawn from a seed. Contradictions are those of real providers, whose nodes disagree: an older block
as the latest, logs that lack some, a receipt that is not there yet, a transaction count from before.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

LONGEST_DELAY = 1.5  # seconds
MOST_BYTES = 2**26


@dataclass(frozen=True)
class Faults:
    """How often each happens, in a thousand requests."""

    delayed: int = 40
    dropped: int = 15
    cut: int = 15
    garbled: int = 10
    refused: int = 20
    contradicted: int = 40
    seed: int = 0


CALM = Faults(0, 0, 0, 0, 0, 0)


class Faulty:
    """on_send: called with each raw transaction that passes, before and after the node has it: ("before" | "after", raw). What
    it raises is a connection that breaks."""

    def __init__(self, target: str, faults: Faults = CALM, on_send: Callable[[str, str], None] | None = None) -> None:
        self.target, self.on_send = target, on_send
        self.done: Counter[str] = Counter()
        self.port = 0
        self.faults = faults
        self._old_heads: list[Any] = []
        self._loop = asyncio.new_event_loop()
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name="faulty", daemon=True)

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults, self._random = faults, random.Random(faults.seed)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Faulty:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())

    async def _run(self) -> None:
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        async with ClientSession(timeout=ClientTimeout(total=60)) as self._session:
            self._ready.set()
            await self._over.wait()
        await runner.cleanup()

    # One request -------------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        fault = self._fault()
        self.done[fault] += 1
        if fault == "delayed":
            await asyncio.sleep(self._random.uniform(0.05, LONGEST_DELAY))
        if fault == "dropped":
            return self._broken(request)
        if fault == "refused":
            return web.Response(status=self._random.choice((429, 502, 503)), text="try again later")
        sent = [one["params"][0] for one in (asked if isinstance(asked, list) else [asked]) if one["method"] == "eth_sendRawTransaction"]
        try:
            for raw in sent:
                await self._tell("before", raw)
            body = await self._forward(asked)
            for raw in sent:
                await self._tell("after", raw)
        except (ClientError, asyncio.TimeoutError, ConnectionError, RuntimeError):  # the last: we are closing
            return self._broken(request)
        if fault == "garbled":
            return web.Response(text="<html>we will be back soon</html>")
        if fault == "cut":
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        answer = json.loads(body)
        self._remember(asked, answer)
        if fault == "contradicted":
            answer = self._contradict(asked, answer)
        return web.json_response(answer)

    def _fault(self) -> str:
        drawn, faults = self._random.randrange(1_000), self.faults
        for name in ("delayed", "dropped", "cut", "garbled", "refused", "contradicted"):
            drawn -= getattr(faults, name)
            if drawn < 0:
                return name
        return "passed"

    def _broken(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _tell(self, moment: str, raw: str) -> None:
        if self.on_send is not None:
            told: Awaitable[None] = self._loop.run_in_executor(None, self.on_send, moment, raw)
            await told

    async def _forward(self, asked: Any) -> bytes:
        async with self._session.post(self.target, json=asked) as response:
            return await response.read()

    # Contradictions ------------------------------------------------------------------------------------------------------

    def _remember(self, asked: Any, answer: Any) -> None:
        if isinstance(asked, dict) and asked["method"] == "eth_getBlockByNumber" and "result" in answer:
            self._old_heads = [*self._old_heads[-4:], answer["result"]]

    def _contradict(self, asked: Any, answer: Any) -> Any:
        if isinstance(asked, list) and isinstance(answer, list):
            by_id = {one["id"]: one for one in asked}
            return [self._contradict(by_id[reply["id"]], reply) for reply in answer][: len(answer) - (self._random.random() < 0.2)]
        result = answer.get("result")
        method = asked["method"]
        if method == "eth_getLogs" and result:
            lost = self._random.randrange(len(result))
            return {**answer, "result": result[:lost] + result[lost + 1 :] if self._random.random() < 0.5 else []}
        if method == "eth_getBlockByNumber" and self._old_heads and asked["params"][0] == "latest":
            return {**answer, "result": self._random.choice(self._old_heads)}
        if method == "eth_getTransactionCount" and result:
            return {**answer, "result": hex(max(0, int(result, 16) - 1))}
        if method in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return {**answer, "result": None}
        return answer
