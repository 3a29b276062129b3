"""Who guesses too often waits for the next hour. Failures are counted; successes write nothing.

A refusal undoes what its transaction wrote, so a failure is counted in a transaction of its own. Doors write:

    attempts.guarded(house, scopes=[scope(Guess.PAIRING_ADDRESS, address)], at=at,
                     act=lambda: house.write(lambda session: tills.pair(session, …)),
                     counts=(PairingCodeInvalid,))

Hours are those of the clock: two bursts can lie around a full hour. A burst already in flight may pass the limit by as
many as are answered at once. What is guessed has at least 44 bits, so neither matters; but for a shop's undo PIN, which
only the shop's own tills can guess. Who it was is kept as a hash,
so that the table holds neither addresses nor e-mails, and a long name makes no long row.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from vouchers import clock
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.errors import Refusal, TooManyAttempts
from vouchers.prepared import Prepared
from vouchers.tables import failure

T = TypeVar("T")

_HOUR_MICROS: Final = 3_600_000_000
KEPT: Final = timedelta(days=1)


class Guess(StrEnum):
    """What can be guessed, and by whom it is counted."""

    SIGN_IN_ACCOUNT = "sign_in_account"
    SIGN_IN_ACCOUNT_FROM = "sign_in_account_from"
    SIGN_IN_ADDRESS = "sign_in_address"
    SECOND_FACTOR_ACCOUNT = "second_factor_account"
    SECOND_FACTOR_FROM = "second_factor_from"
    PASSKEY_ADDRESS = "passkey_address"
    LINK_ASKED_FROM = "link_asked_from"
    LINK_ASKED_ACCOUNT = "link_asked_account"
    LINK_ASKED_ADDRESS = "link_asked_address"
    LINK_CODE_ADDRESS = "link_code_address"
    LOOK_UP_ADDRESS = "look_up_address"
    TILL_CODES = "till_codes"
    TILL_CONTROL_CODES = "till_control_codes"
    PAIRING_ADDRESS = "pairing_address"
    UNDO_PIN = "undo_pin"
    JOIN_ADDRESS = "join_address"


PER_HOUR: Final = {
    Guess.SIGN_IN_ACCOUNT: 200,
    Guess.SIGN_IN_ACCOUNT_FROM: 10,
    Guess.SIGN_IN_ADDRESS: 50,
    Guess.SECOND_FACTOR_ACCOUNT: 40,
    Guess.SECOND_FACTOR_FROM: 10,
    Guess.PASSKEY_ADDRESS: 50,
    Guess.LINK_ASKED_FROM: 5,
    Guess.LINK_ASKED_ACCOUNT: 30,
    Guess.LINK_ASKED_ADDRESS: 30,
    Guess.LINK_CODE_ADDRESS: 20,
    Guess.LOOK_UP_ADDRESS: 30,
    Guess.TILL_CODES: 200,
    Guess.TILL_CONTROL_CODES: 10,
    Guess.PAIRING_ADDRESS: 10,
    Guess.UNDO_PIN: 10,
    Guess.JOIN_ADDRESS: 20,
}
"""Failures allowed in an hour; the next attempt is refused whether right or wrong.

A scanned code has 128 bits: its ceiling only stops a flood, and whoever holds out false QR codes must not close a shop.
An account's own ceiling is high: with a low one, any stranger who knows an e-mail would shut its owner out. That of
the second factor is lower: whoever comes to it knew the password, and six digits are few.
"""
_OF_NETWORKS: Final = frozenset(
    {
        Guess.SIGN_IN_ADDRESS,
        Guess.LOOK_UP_ADDRESS,
        Guess.PAIRING_ADDRESS,
        Guess.JOIN_ADDRESS,
        Guess.PASSKEY_ADDRESS,
        Guess.LINK_ASKED_ADDRESS,
        Guess.LINK_CODE_ADDRESS,
    }
)
TERMINAL: Final = "terminal"
"""The address of who signs in on the host itself; no caller over the network has it."""


class Scope(NamedTuple):
    """One counter: `key` is its name in the table."""

    guess: Guess
    key: str


def scope(guess: Guess, who: str | int) -> Scope:
    """The counter of `who`: an e-mail, an address (an IPv6 customer is a /64), a till's number."""
    if guess in _OF_NETWORKS:
        who = network(str(who))
    digest = hashlib.sha256(str(who).strip().lower().encode(errors="replace")).hexdigest()
    return Scope(guess, f"{guess}:{digest[:32]}")


def sign_in_scopes(email: str, *, address: str) -> list[Scope]:
    """Where a wrong password is counted: the account as tried from this network, the account, the address.

    At the terminal the address alone: however an account was tried over the network, its owner can use the host.
    """
    of_address = scope(Guess.SIGN_IN_ADDRESS, address)
    if address == TERMINAL:
        return [of_address]
    from_network = scope(Guess.SIGN_IN_ACCOUNT_FROM, f"{network(address)} {email}")
    return [from_network, scope(Guess.SIGN_IN_ACCOUNT, email), of_address]


def link_scopes(email: str, *, address: str) -> list[Scope]:
    """Where a letter that is asked for is counted, whether the account exists or not."""
    return [
        scope(Guess.LINK_ASKED_FROM, f"{network(address)} {email}"),
        scope(Guess.LINK_ASKED_ACCOUNT, email),
        scope(Guess.LINK_ASKED_ADDRESS, address),
    ]


def check(session: ReadSession, *, scopes: Sequence[Scope], at: datetime) -> None:
    """Refuses `TooManyAttempts` with the seconds until the next hour, if any of `scopes` is used up."""
    micros = clock.micros(at)
    asked = {f"scope_{place}": one.key for place, one in enumerate(scopes)}
    counted = dict(_counted(len(scopes)).rows(session, {"of_hour": micros // _HOUR_MICROS, **asked}))
    if any(counted.get(one.key, 0) >= PER_HOUR[one.guess] for one in scopes):
        left = _HOUR_MICROS - micros % _HOUR_MICROS
        raise TooManyAttempts(retry_after_seconds=-(-left // 1_000_000))


@cache
def _counted(scopes: int) -> Prepared:
    one_of = or_(*(failure.c.scope == bindparam(f"scope_{place}") for place in range(scopes)))
    return Prepared(select(failure.c.scope, failure.c.attempts).where(failure.c.hour == bindparam("of_hour"), one_of))


def count(session: WriteSession, *, scopes: Sequence[Scope], at: datetime) -> None:
    """One more failure in each of `scopes`; forgets the hours of more than a day ago."""
    insert = sqlite.insert if session.dialect.name == "sqlite" else postgresql.insert
    hour = clock.micros(at) // _HOUR_MICROS
    # In one order, so that two that count the same scopes do not wait for each other.
    for key in sorted({one.key for one in scopes}):
        first = insert(failure).values(scope=key, hour=hour, attempts=1)
        again = first.on_conflict_do_update(
            index_elements=[failure.c.scope, failure.c.hour], set_={"attempts": failure.c.attempts + 1}
        )
        session.execute(again)
    session.execute(delete(failure).where(failure.c.hour < clock.micros(at - KEPT) // _HOUR_MICROS))


def guarded(
    house: Database,
    *,
    scopes: Sequence[Scope],
    at: datetime,
    act: Callable[[], T],
    counts: tuple[type[Refusal], ...],
) -> T:
    """Do `act` unless one of `scopes` is used up (`TooManyAttempts`); if it refuses with one of `counts`, count it.

    `act` opens its own transaction: its refusal has undone it by the time the failure is written.
    """
    house.read(lambda session: check(session, scopes=scopes, at=at))
    try:
        return act()
    except counts:
        house.write(lambda session: count(session, scopes=scopes, at=at))
        raise


def network(address: str) -> str:
    """By what one customer of a provider is counted: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip), 64), strict=False))
    return str(ip)
