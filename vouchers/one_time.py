"""What opens one door once: an e-mail link, an invitation, the step between a password and its second factor.

Kept as a keyed hash, with its purpose and the instant at which it ends; used in the transaction of what it opens, so
that of two who show it at the same moment one is let in. A code that people may have to type has twelve characters of
an alphabet without look-alikes (58 bits): it stands in the fragment of its link, which no server log sees, and in the
letter for a browser without script. Whoever tries codes is counted by address (`attempts.Guess.LINK_CODE_ADDRESS`).
"""

import secrets
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vouchers import codes
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import OneTimeInvalid
from vouchers.tables import one_time

CODE_CHARS: Final = 12
_GROUP: Final = 4
_KEPT_AFTER: Final = timedelta(days=1)
"""A challenge that was used is known for longer than it could be used again."""


def new_code() -> str:
    """A fresh code to be sent in a letter, without its dashes."""
    return "".join(secrets.choice(codes.CONTROL_ALPHABET) for _ in range(CODE_CHARS))


def pretty(code: str) -> str:
    """In groups of four, as it is read and typed."""
    return "-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP))


def code_from_text(typed: str) -> str:
    """The code in what was typed: spaces, dashes and case ignored."""
    return "".join(char for char in typed.upper() if char.isalnum())


def keep(
    session: WriteSession,
    *,
    secret: str,
    purpose: str,
    staff_id: int,
    lasts: timedelta,
    session_key: bytes,
    at: datetime,
) -> datetime:
    """From now on `secret` opens the door of `purpose` once; gives until when. Forgets those ended for a day."""
    session.execute(delete(one_time).where(one_time.c.expires_at < at - _KEPT_AFTER))
    session.execute(
        one_time.insert().values(
            secret_hash=codes.token_hash(session_key, secret),
            staff_id=staff_id,
            purpose=purpose,
            made_at=at,
            expires_at=at + lasts,
        )
    )
    return at + lasts


def whose(session: ReadSession, *, secret: str, purpose: str, session_key: bytes, at: datetime) -> int:
    """Whose it is, without using it. Refuses `OneTimeInvalid` for one that is unknown, used or ended."""
    found = session.execute(
        select(one_time.c.staff_id).where(
            one_time.c.secret_hash == codes.token_hash(session_key, secret),
            one_time.c.purpose == purpose,
            one_time.c.used_at.is_(None),
            one_time.c.expires_at > at,
        )
    ).scalar_one_or_none()
    if found is None:
        raise OneTimeInvalid
    return int(found)


def use(session: WriteSession, *, secret: str, purpose: str, session_key: bytes, at: datetime) -> int:
    """Whose it is; it opens nothing any more. Refuses `OneTimeInvalid` as `whose`."""
    staff_id = whose(session, secret=secret, purpose=purpose, session_key=session_key, at=at)
    mine = one_time.c.secret_hash == codes.token_hash(session_key, secret), one_time.c.used_at.is_(None)
    if not session.execute(update(one_time).where(*mine).values(used_at=at)).rowcount:
        raise OneTimeInvalid
    return staff_id


def void(session: WriteSession, *, staff_id: int, purpose: str, at: datetime) -> None:
    """Whatever of this purpose the person has not used opens nothing any more."""
    unused = one_time.c.staff_id == staff_id, one_time.c.purpose == purpose, one_time.c.used_at.is_(None)
    session.execute(update(one_time).where(*unused).values(used_at=at))


def first_use(
    session: WriteSession, *, secret: str, staff_id: int, ends_at: datetime, session_key: bytes, at: datetime
) -> None:
    """Writes down that a passkey's challenge was answered. Refuses `OneTimeInvalid` for one answered before."""
    insert = sqlite.insert if session.dialect.name == "sqlite" else postgresql.insert
    session.execute(delete(one_time).where(one_time.c.expires_at < at - _KEPT_AFTER))
    row = insert(one_time).values(
        secret_hash=codes.token_hash(session_key, secret),
        staff_id=staff_id,
        purpose="passkey",
        made_at=at,
        expires_at=ends_at,
        used_at=at,
    )
    kept = session.execute(row.on_conflict_do_nothing().returning(one_time.c.secret_hash)).first()
    if kept is None:
        raise OneTimeInvalid
