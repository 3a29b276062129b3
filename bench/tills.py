"""A town's tills on the wire, as cheap as they can be: requests signed in advance, plain sockets, little reading.

The real server in processes of its own, which can be killed; and the counters that ask it, each over one connection
that it keeps. Shared by the figures (`redeem_http`) and by the test that kills (`tests/test_killed.py`).
"""

import asyncio
import contextlib
import json
import multiprocessing
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

import uvicorn

from tests.makers import PEPPER, SESSION_KEY, PairedPhone, a_till
from tests.town import Town, a_town
from vouchers import clock
from vouchers.api.app import create_app
from vouchers.config import Settings
from vouchers.db import Database
from vouchers.tills import SignedRequest

REDEMPTIONS: Final = "/api/v1/till/redemptions"
_STARTS_WITHIN: Final = 60.0
"""Seconds."""


class Silence(Exception):
    """No answer came: the request may have been done or not."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, whole. `repeated`: it was given before, under the same key."""

    status: int
    repeated: bool
    body: bytes

    def told(self) -> dict[str, Any]:
        """What the JSON says."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def open_town(house: Database, *, vouchers: int, shops: int) -> tuple[Town, list[PairedPhone]]:
    """A programme of today, `vouchers` of 10 € to spend, and one phone in each of its shops."""
    at = clock.now()
    today = clock.book_day(at)
    town = a_town(
        house,
        vouchers=vouchers,
        shops=shops,
        at=at,
        starts_on=today - timedelta(days=30),
        expires_on=today + timedelta(days=200),
        presentation_deadline_on=today + timedelta(days=260),
    )
    phones = [a_till(house, programme_id=town.programme_id, merchant_id=shop, at=at) for shop in town.merchants]
    return town, phones


def basket_of(town: Town, serial: int) -> bytes:
    """What a till sends to take one whole voucher."""
    return json.dumps({"vouchers": [{"code": town.secrets[serial].code}]}, separators=(",", ":")).encode()


def on_the_wire(request: SignedRequest) -> bytes:
    """A signed request as HTTP/1.1."""
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: cheques.example.fr"]
    lines += [f"{name}: {value}" for name, value in wire_headers(request).items()]
    return "\r\n".join([*lines, f"Content-Length: {len(request.body)}", "", ""]).encode() + request.body


def wire_headers(request: SignedRequest) -> dict[str, str]:
    """What a till says of itself beside the body."""
    return {
        "Content-Type": "application/json",
        "Vouchers-Till": str(request.till_id),
        "Vouchers-Time": str(request.time_ms),
        "Vouchers-Nonce": request.nonce,
        "Vouchers-Signature": urlsafe_b64encode(request.signature).decode().rstrip("="),
        "Idempotency-Key": request.key,
    }


def redemption(phone: PairedPhone, *, basket: bytes, key: str, at: datetime) -> bytes:
    """A redemption, signed now, ready to be sent."""
    return on_the_wire(phone.request(path=REDEMPTIONS, body=basket, key=key, at=at))


class Counter:
    """One till's connection; it is kept from one request to the next."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Reply:
        """The answer. Raises `Silence`, after which the next request takes a new connection."""
        try:
            if self._open is None:
                self._open = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._open
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError):
            await self.close()
            raise Silence from None
        return Reply(int(head[9:12]), b"\r\nidempotency-hit:" in head, body)

    async def close(self) -> None:
        """Hang up. Done when it returns: a loop that ends before leaves its connections half closed."""
        if self._open is not None:
            _, writer = self._open
            self._open = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Server:
    """The application in a process of its own, on a port of its own. `with Server(…)`: up on entry, gone after."""

    def __init__(self, house_url: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self._what = (house_url, self.port)
        self._process = _FORKS.Process()

    def start(self) -> None:
        """Up, and answering, before this returns; also after a `kill`."""
        self._process = _FORKS.Process(target=_serve, args=self._what, daemon=True)
        self._process.start()
        until = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            assert self._process.is_alive(), f"the server ended with {self._process.exitcode}"
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """`kill -9`: it does nothing any more once this returns."""
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"GET /api/v1/till HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
                return connection.recv(16).startswith(b"HTTP/1.1 ")
        except OSError:
            return False


def _serve(house_url: str, port: int) -> None:
    """What the process is: uvicorn, as `vouchers serve` runs it."""
    settings = Settings(database_url=house_url, pepper=PEPPER, session_key=SESSION_KEY)
    uvicorn.run(create_app(settings), port=port, access_log=False, log_level="warning")


# Forked from a process that has imported the application and opened nothing: a start takes a tenth of the time.
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["bench.tills"])


def ask_all(asked: Iterable[tuple[int, list[bytes]]]) -> tuple[float, list[Reply]]:
    """Each list at its port, one request after the other on one connection, all lists at once; (seconds, replies)."""

    async def one(port: int, requests: list[bytes]) -> list[Reply]:
        counter = Counter(port)
        try:
            return [await counter.ask(request) for request in requests]
        finally:
            await counter.close()

    async def every() -> tuple[float, list[Reply]]:
        started = time.perf_counter()
        answered = await asyncio.gather(*(one(port, requests) for port, requests in asked))
        return time.perf_counter() - started, [reply for replies in answered for reply in replies]

    return asyncio.run(every())
