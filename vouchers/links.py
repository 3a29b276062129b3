"""A link by e-mail that opens a session once, for whoever forgot their password or never had one.

The answer to whoever asks is one and the same, and so is the work: whether an account stands behind an address is
nobody's business. The letter goes out after the answer, so that its sending does not tell either.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from vouchers import attempts, identity, one_time
from vouchers.attempts import Guess, Scope
from vouchers.db import Database, WriteSession
from vouchers.errors import BadInput
from vouchers.tables import staff

LASTS: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Link:
    """A letter to be written: to whom, and the code that opens a session once."""

    email: str
    name: str
    code: str


def code_scopes(address: str) -> list[Scope]:
    """Where a wrong code of a letter is counted."""
    return [attempts.scope(Guess.LINK_CODE_ADDRESS, address)]


def ask(house: Database, *, email: str, address: str, session_key: bytes, at: datetime) -> Link | None:
    """What to write to whoever asked; None for an account that is not there, or is suspended.

    Every asking is counted. A link sent before opens nothing any more. Refuses `TooManyAttempts`.
    """
    known = _email(email)
    scopes = attempts.link_scopes(known, address=address)
    house.read(lambda session: attempts.check(session, scopes=scopes, at=at))

    def asked(session: WriteSession) -> Link | None:
        attempts.take(session, scopes=scopes, at=at)
        code = one_time.new_code()
        row = session.execute(
            select(staff.c.id, staff.c.email, staff.c.name).where(staff.c.email == known, staff.c.state == "active")
        ).first()
        if row is None:
            return None
        one_time.void(session, staff_id=row.id, purpose="sign_in", at=at)
        one_time.keep(
            session,
            secret=code,
            purpose="sign_in",
            staff_id=row.id,
            lasts=LASTS,
            session_key=session_key,
            at=at,
        )
        return Link(row.email, row.name, code)

    return house.write(asked)


def use(session: WriteSession, *, code: str, session_key: bytes, at: datetime) -> int:
    """Whose link it is, in the transaction that opens the session. Refuses `OneTimeInvalid`."""
    return one_time.use(session, secret=code, purpose="sign_in", session_key=session_key, at=at)


def _email(typed: str) -> str:
    try:
        return identity.email(typed, field="email")
    except BadInput:
        return ""
