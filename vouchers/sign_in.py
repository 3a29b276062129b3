"""Sign-in by e-mail and password, sessions and API tokens.

A token is 256 random bits, given once; the database keeps its keyed hash (HMAC-SHA-256 with the session key). Whoever
it stands for is read afresh at each request, so that a revoked token, a revoked role and a suspended person are felt
at the next one.

Who has an authenticator shows its digits as well: `sign_in` takes them at once (the API, a command), a browser in two
steps (`prove` and `enter`, then `finish`), between which a one-time secret stands for what was proven.

Why `sign_in` takes the house and not a session: a wrong password must be counted although the sign-in refuses, and a
refusal undoes its transaction; argon2 takes tens of milliseconds, in which SQLite's one writer may not be held. So it
reads, verifies with no transaction open, and writes. An unknown e-mail, a suspended person and a wrong password get
the same answer after the same work.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import and_, func, select, update

from vouchers import attempts, codes, identity, one_time, passwords, second_factor
from vouchers.access import Caller, Held, Role
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.errors import (
    BadInput,
    NotFound,
    NotSignedIn,
    SecondFactorWanted,
    SecondFactorWrong,
    WrongCredentials,
)
from vouchers.passwords import PasswordHash
from vouchers.second_factor import Code
from vouchers.tables import role, staff, token

T = TypeVar("T")

TOKEN_BYTES: Final = 32
LONGEST_API_TOKEN: Final = timedelta(days=366)
LONGEST_STEP: Final = timedelta(minutes=10)
MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """A session or an API token. `secret` is told now and never again."""

    staff_id: int
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """How a session is opened: what it is shown as, how long it lasts from `at`."""

    label: str
    session_key: bytes
    lasts: timedelta
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What comes first is proven; the second factor is awaited. `secret` is told now and never again."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """What a person sees of themselves. `has_password`: one that somebody knows; `own`: of their own choice."""

    staff_id: int
    email: str
    name: str
    has_password: bool
    own: bool


@dataclass(frozen=True, slots=True)
class Token:
    """What a person sees of one token in use. `kind` is 'session' or 'api'."""

    token_hash: bytes
    kind: str
    label: str
    made_at: datetime
    expires_at: datetime
    means: str


def sign_in(
    house: Database,
    *,
    email: str,
    password: str,
    code: Code | None = None,
    address: str,
    label: str,
    session_key: bytes,
    lasts: timedelta,
    at: datetime,
) -> Opened:
    """A session for whoever knows the password, and has the second factor where one is set up.

    `address` is the caller's, `label` what the session is shown as. Refuses `TooManyAttempts` (see
    `attempts.sign_in_scopes` and `attempts.PER_HOUR`), then `WrongCredentials`, `SecondFactorWanted` without a `code`,
    `SecondFactorWrong`.
    """
    staff_id = prove(house, email=email, password=password, address=address, at=at)

    how = Opening(label, session_key, lasts, at)

    def opened(session: WriteSession) -> Opened:
        means = _second(session, staff_id=staff_id, code=code, at=at) or "password"
        return open_as(session, staff_id=staff_id, means=means, how=how)

    return _with_code(house, lambda: house.write(opened), staff_id=staff_id, address=address, at=at)


def prove(house: Database, *, email: str, password: str, address: str, at: datetime) -> int:
    """Whoever knows the password. Refuses `TooManyAttempts`, `WrongCredentials`."""
    known = _email(email)
    return attempts.guarded(
        house,
        scopes=attempts.sign_in_scopes(known, address=address),
        at=at,
        act=lambda: _verified(house, email=known, password=password),
        counts=(WrongCredentials,),
    )


def enter(session: WriteSession, *, staff_id: int, means: str, how: Opening) -> Opened | Step:
    """After a password or a link: a session, or the step before the second factor. Refuses `WrongCredentials`."""
    if not second_factor.is_wanted(session, staff_id=staff_id):
        return open_as(session, staff_id=staff_id, means=means, how=how)
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    until = one_time.keep(
        session,
        secret=secret,
        purpose="second_factor",
        staff_id=staff_id,
        lasts=LONGEST_STEP,
        session_key=how.session_key,
        at=how.at,
    )
    return Step(secret, until)


def finish(house: Database, *, step: str, code: Code, address: str, how: Opening) -> Opened:
    """The session that a step stands for, once its second factor is shown; a wrong one leaves the step open.

    Refuses `OneTimeInvalid`, `TooManyAttempts`, `SecondFactorWrong`.
    """
    key, at = how.session_key, how.at
    staff_id = house.read(
        lambda session: one_time.whose(session, secret=step, purpose="second_factor", session_key=key, at=at)
    )

    def opened(session: WriteSession) -> Opened:
        one_time.use(session, secret=step, purpose="second_factor", session_key=key, at=at)
        means = second_factor.prove(session, staff_id=staff_id, code=code, at=at)
        return open_as(session, staff_id=staff_id, means=means, how=how)

    return _with_code(house, lambda: house.write(opened), staff_id=staff_id, address=address, at=at)


def confirm(
    house: Database, *, staff_id: int, token_hash: bytes, password: str, code: Code | None, address: str, at: datetime
) -> None:
    """The person in this session proved again who they are. Refuses as `sign_in`; `NotSignedIn` once it has ended."""
    email = house.read(lambda session: account_of(session, staff_id=staff_id)).email
    prove(house, email=email, password=password, address=address, at=at)

    def proven(session: WriteSession) -> None:
        _second(session, staff_id=staff_id, code=code, at=at)
        refresh(session, staff_id=staff_id, token_hash=token_hash, at=at)

    _with_code(house, lambda: house.write(proven), staff_id=staff_id, address=address, at=at)


def refresh(session: WriteSession, *, staff_id: int, token_hash: bytes, at: datetime) -> None:
    """This session has just shown who sits there. Refuses `NotSignedIn`."""
    mine = token.c.token_hash == token_hash, token.c.staff_id == staff_id, token.c.kind == "session"
    changed = update(token).where(*mine, token.c.revoked_at.is_(None), token.c.expires_at > at).values(fresh_at=at)
    if not session.execute(changed).rowcount:
        raise NotSignedIn


def _second(session: WriteSession, *, staff_id: int, code: Code | None, at: datetime) -> str | None:
    if not second_factor.is_wanted(session, staff_id=staff_id):
        return None
    if code is None:
        raise SecondFactorWanted
    return second_factor.prove(session, staff_id=staff_id, code=code, at=at)


def _with_code(house: Database, act: Callable[[], T], *, staff_id: int, address: str, at: datetime) -> T:
    scopes = second_factor.scopes(staff_id, address=address)
    return attempts.guarded(house, scopes=scopes, at=at, act=act, counts=(SecondFactorWrong,))


# ── Passwords and tokens ─────────────────────────────────────────────────────────────────────────────────────────
def account_of(session: ReadSession, *, staff_id: int) -> Account:
    """A person, as they see themselves. Refuses `NotFound`."""
    row = session.execute(
        select(staff.c.email, staff.c.name, staff.c.password_hash, staff.c.own_password_since).where(
            staff.c.id == staff_id
        )
    ).first()
    if row is None:
        raise NotFound(what="staff", id=staff_id)
    has_password = row.password_hash != passwords.NOBODYS
    return Account(staff_id, row.email, row.name, has_password, row.own_password_since is not None)


def change_password(house: Database, *, staff_id: int, current: str, new: str, address: str, at: datetime) -> None:
    """Keep another password; every session and API token of the person ends.

    Refuses `BadInput` for the new one, `TooManyAttempts` and `WrongCredentials` as `sign_in`.
    """
    password_hash = passwords.hashed(new)
    known = house.read(lambda session: session.execute(select(staff.c.email).where(staff.c.id == staff_id)).scalar())
    email = known or ""

    def verified() -> None:
        _verified(house, email=email, password=current)
        house.write(lambda session: choose_password(session, staff_id=staff_id, password_hash=password_hash, at=at))

    scopes = attempts.sign_in_scopes(email, address=address)
    attempts.guarded(house, scopes=scopes, at=at, act=verified, counts=(WrongCredentials,))


def set_password(session: WriteSession, *, staff_id: int, password_hash: PasswordHash, at: datetime) -> None:
    """Give a person another first password: for the host operator alone. Refuses `NotFound`.

    Every session and API token of the person ends, and until they choose a password of their own they hold no role:
    whoever gave it would otherwise act as two people.
    """
    _keep_password(session, staff_id=staff_id, password_hash=password_hash, own_since=None, at=at)


def choose_password(session: WriteSession, *, staff_id: int, password_hash: PasswordHash, at: datetime) -> None:
    """Keep a password that the person chose, the old one having been shown. Ends every session and API token."""
    _keep_password(session, staff_id=staff_id, password_hash=password_hash, own_since=at, at=at)


def _keep_password(
    session: WriteSession, *, staff_id: int, password_hash: PasswordHash, own_since: datetime | None, at: datetime
) -> None:
    changed = update(staff).where(staff.c.id == staff_id)
    if not session.execute(changed.values(password_hash=password_hash, own_password_since=own_since)).rowcount:
        raise NotFound(what="staff", id=staff_id)
    revoke_tokens(session, staff_id=staff_id, at=at)


def make_api_token(
    session: WriteSession, *, staff_id: int, label: str, expires_at: datetime, session_key: bytes, at: datetime
) -> Opened:
    """A token for a program that acts as this person, at most a year. Refuses `BadInput`, `WrongCredentials`."""
    if not at < expires_at <= at + LONGEST_API_TOKEN:
        raise BadInput(field="expires_at", problem="within_a_year")
    return _opened(
        session,
        staff_id=staff_id,
        kind="api",
        means="api",
        label=label,
        session_key=session_key,
        at=at,
        until=expires_at,
    )


def open_session(
    session: WriteSession,
    *,
    staff_id: int,
    means: str,
    label: str,
    session_key: bytes,
    lasts: timedelta,
    at: datetime,
) -> Opened:
    """A session for whoever has just proved to be this person, by one of `tables.MEANS`. Refuses `WrongCredentials`."""
    return open_as(session, staff_id=staff_id, means=means, how=Opening(label, session_key, lasts, at))


def open_as(session: WriteSession, *, staff_id: int, means: str, how: Opening) -> Opened:
    """The same, for this browser."""
    return _opened(
        session,
        staff_id=staff_id,
        kind="session",
        means=means,
        label=how.label,
        session_key=how.session_key,
        at=how.at,
        until=how.at + how.lasts,
    )


def caller_of_token(session: ReadSession, *, token_hash: bytes, at: datetime) -> Caller:
    """Who stands behind a token, with the roles held at this moment. Refuses `NotSignedIn`.

    The hash is `codes.token_hash(session_key, secret)`; two tokens are told apart by it alone, so that the time of the
    look-up says nothing of the secret.
    """
    rows = session.execute(
        select(
            token.c.kind,
            func.coalesce(token.c.fresh_at, token.c.made_at),
            staff.c.id,
            role.c.programme_id,
            role.c.name,
            role.c.buyer_id,
            role.c.merchant_id,
        )
        .join(staff, and_(staff.c.id == token.c.staff_id, staff.c.state == "active"))
        # No role for whoever still has the password that somebody else gave them.
        .outerjoin(
            role, and_(role.c.staff_id == staff.c.id, role.c.state == "active", staff.c.own_password_since.is_not(None))
        )
        .where(token.c.token_hash == token_hash, token.c.revoked_at.is_(None), token.c.expires_at > at)
        .order_by(role.c.id)
    ).all()
    if not rows:
        raise NotSignedIn
    kind, proven_at, staff_id = rows[0][:3]
    return Caller(
        actor=f"staff:{staff_id}",
        held=tuple(Held(row[3], Role(row[4]), row[5], row[6]) for row in rows if row[3] is not None),
        signed_in_at=proven_at if kind == "session" else None,
    )


def tokens_of(session: ReadSession, *, staff_id: int, at: datetime) -> list[Token]:
    """The sessions and API tokens of a person that still open something, newest first, at most 200."""
    rows = session.execute(
        select(token.c.token_hash, token.c.kind, token.c.label, token.c.made_at, token.c.expires_at, token.c.means)
        .where(token.c.staff_id == staff_id, token.c.revoked_at.is_(None), token.c.expires_at > at)
        .order_by(token.c.made_at.desc(), token.c.token_hash)
        .limit(MOST_LISTED)
    )
    return [Token(*row) for row in rows]


def revoke_token(session: WriteSession, *, staff_id: int, token_hash: bytes, at: datetime) -> None:
    """Sign out, or end one's own API token. Refuses `NotFound` for one that is not the person's, or is ended."""
    mine = token.c.token_hash == token_hash, token.c.staff_id == staff_id, token.c.revoked_at.is_(None)
    if not session.execute(update(token).where(*mine).values(revoked_at=at)).rowcount:
        raise NotFound(what="token", id=token_hash.hex()[:8])


def revoke_tokens(session: WriteSession, *, staff_id: int, at: datetime) -> int:
    """End every session and API token of a person; gives how many."""
    open_ones = token.c.staff_id == staff_id, token.c.revoked_at.is_(None)
    return session.execute(update(token).where(*open_ones).values(revoked_at=at)).rowcount


def revoke_others(session: WriteSession, *, staff_id: int, token_hash: bytes, at: datetime) -> int:
    """End every session of a person but the one that asks; API tokens stay. Gives how many."""
    others = token.c.staff_id == staff_id, token.c.token_hash != token_hash, token.c.kind == "session"
    return session.execute(update(token).where(*others, token.c.revoked_at.is_(None)).values(revoked_at=at)).rowcount


def _email(typed: str) -> str:
    # Brought to its one form before it is counted, or each way of writing it would have ten attempts of its own.
    try:
        return identity.email(typed, field="email")
    except BadInput:
        return ""


def _verified(house: Database, *, email: str, password: str) -> int:
    """The person behind an e-mail and a password. Refuses `WrongCredentials`."""
    row = house.read(
        lambda session: session.execute(
            select(staff.c.id, staff.c.password_hash).where(staff.c.email == email, staff.c.state == "active")
        ).first()
    )
    kept = passwords.NOBODYS if row is None else PasswordHash(row.password_hash)
    if not passwords.matches(kept, password) or row is None or kept == passwords.NOBODYS:
        raise WrongCredentials
    return int(row.id)


def _opened(
    session: WriteSession,
    *,
    staff_id: int,
    kind: str,
    means: str,
    label: str,
    session_key: bytes,
    at: datetime,
    until: datetime,
) -> Opened:
    # Suspended between the password and this line: the same answer as a minute later.
    person = select(staff.c.id).where(staff.c.id == staff_id, staff.c.state == "active")
    if session.execute(person.with_for_update(key_share=True)).first() is None:
        raise WrongCredentials
    secret = secrets.token_urlsafe(TOKEN_BYTES)
    session.execute(
        token.insert().values(
            token_hash=codes.token_hash(session_key, secret),
            staff_id=staff_id,
            kind=kind,
            means=means,
            label=identity.name(label, field="label"),
            made_at=at,
            fresh_at=at if kind == "session" else None,
            expires_at=until,
        )
    )
    return Opened(staff_id, secret, until)
