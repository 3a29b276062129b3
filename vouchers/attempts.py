"""Who guesses too often waits for the next hour. Failures are counted; successes leave nothing behind.

A refusal undoes what its transaction wrote, so a failure is counted in a transaction of its own. Doors write:

    attempts.guarded(house, scopes=[scope(Guess.PAIRING_ADDRESS, address)], at=at,
                     act=lambda: house.write(lambda session: tills.pair(session, …)),
                     counts=(PairingCodeInvalid,))

Hours are those of the clock: two bursts can lie around a full hour. What is short (`SHORT`: a password, six digits, a
shop's PIN) is counted before it is judged and given back when it was no failure, so that of many shown at one moment no
more are judged than an hour allows; those in flight count as failures meanwhile. Codes of 44 bits and more are counted
when they have failed: a burst in flight may pass the limit by as many as are answered at once, which does not matter
there, and what is right (every sale, every look at a voucher) writes nothing.

Who it was is kept as a hash, so that the table holds neither addresses nor e-mails, and a long name makes no long row.
"""

import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from vouchers import clock
from vouchers.db import Busy, Database, OutcomeUnknown, ReadSession, WriteSession
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
SHORT: Final = frozenset(
    {
        Guess.SIGN_IN_ACCOUNT,
        Guess.SIGN_IN_ACCOUNT_FROM,
        Guess.SIGN_IN_ADDRESS,
        Guess.SECOND_FACTOR_ACCOUNT,
        Guess.SECOND_FACTOR_FROM,
        Guess.UNDO_PIN,
    }
)
"""What is short enough for a burst to find: counted before it is judged."""
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
        raise _too_many(micros)


def _too_many(micros: int) -> TooManyAttempts:
    left = _HOUR_MICROS - micros % _HOUR_MICROS
    return TooManyAttempts(retry_after_seconds=-(-left // 1_000_000))


@cache
def _counted(scopes: int) -> Prepared:
    one_of = or_(*(failure.c.scope == bindparam(f"scope_{place}") for place in range(scopes)))
    return Prepared(select(failure.c.scope, failure.c.attempts).where(failure.c.hour == bindparam("of_hour"), one_of))


def count(session: WriteSession, *, scopes: Sequence[Scope], at: datetime) -> None:
    """One more failure in each of `scopes`; forgets the hours of more than a day ago."""
    _one_more(session, scopes=scopes, at=at)


def take(session: WriteSession, *, scopes: Sequence[Scope], at: datetime) -> None:
    """As `count`, before it is judged. Refuses `TooManyAttempts`, and counts nothing, if any of `scopes` is used up."""
    counted = _one_more(session, scopes=scopes, at=at)
    if any(counted[one.key] > PER_HOUR[one.guess] for one in scopes):
        raise _too_many(clock.micros(at))


def give_back(session: WriteSession, *, scopes: Sequence[Scope], at: datetime) -> None:
    """What was taken for an attempt that was no failure."""
    hour = clock.micros(at) // _HOUR_MICROS
    for key in sorted({one.key for one in scopes}):
        of_key = failure.c.scope == key, failure.c.hour == hour
        session.execute(update(failure).where(*of_key).values(attempts=failure.c.attempts - 1))
        session.execute(delete(failure).where(*of_key, failure.c.attempts < 1))


def _one_more(session: WriteSession, *, scopes: Sequence[Scope], at: datetime) -> dict[str, int]:
    insert = sqlite.insert if session.dialect.name == "sqlite" else postgresql.insert
    hour = clock.micros(at) // _HOUR_MICROS
    counted = {}
    # In one order, so that two that count the same scopes do not wait for each other.
    for key in sorted({one.key for one in scopes}):
        first = insert(failure).values(scope=key, hour=hour, attempts=1)
        again = first.on_conflict_do_update(
            index_elements=[failure.c.scope, failure.c.hour], set_={"attempts": failure.c.attempts + 1}
        )
        counted[key] = session.execute(again.returning(failure.c.attempts)).scalar_one()
    session.execute(delete(failure).where(failure.c.hour < clock.micros(at - KEPT) // _HOUR_MICROS))
    return counted


def guarded(
    house: Database,
    *,
    scopes: Sequence[Scope],
    at: datetime,
    act: Callable[[], T],
    counts: tuple[type[Refusal], ...],
) -> T:
    """Do `act` unless one of `scopes` is used up (`TooManyAttempts`); if it refuses with one of `counts`, count it.

    `act` opens its own transaction: a failure that its refusal would undo is written apart, before it or after.
    """
    if refusal := used_up(house, scopes=scopes, at=at):
        raise refusal
    wrong = False
    try:
        return act()
    except counts:
        wrong = True
        raise
    finally:
        judged(house, scopes=scopes, at=at, taken=are_short(scopes), wrong=wrong)


def are_short(scopes: Sequence[Scope]) -> bool:
    """Whether this is counted before it is judged."""
    return any(one.guess in SHORT for one in scopes)


def used_up(house: Database, *, scopes: Sequence[Scope], at: datetime) -> TooManyAttempts | None:
    """The refusal if one of `scopes` is used up; else an attempt is taken, where it is counted before it is judged."""
    try:
        # First without writing, so that whoever is shut out keeps no writer busy.
        house.read(lambda session: check(session, scopes=scopes, at=at))
        if are_short(scopes):
            house.write(lambda session: take(session, scopes=scopes, at=at))
    except TooManyAttempts as refusal:
        return refusal
    return None


def judged(house: Database, *, scopes: Sequence[Scope], at: datetime, taken: bool, wrong: bool) -> None:
    """Count a failure that was not `taken` before, or give back what was taken for none."""
    if wrong and not taken:
        house.write(lambda session: count(session, scopes=scopes, at=at))
    elif taken and not wrong:
        # What was done stands and is answered: a failure too many is forgotten with its hour.
        with suppress(Busy, OutcomeUnknown, DBAPIError):
            house.write(lambda session: give_back(session, scopes=scopes, at=at))


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
