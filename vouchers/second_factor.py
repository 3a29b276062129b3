"""The second factor beside a password: six digits of an authenticator app (TOTP, RFC 6238), or a recovery code.

Thirty seconds a step, SHA-1 and six digits, because every app of that kind reads no other. The clock of a telephone may
be one step away. A code is used once: the step of the one used last is kept, and no step before it is taken any more.
The secret is sealed under the pepper (AES-256-GCM, bound to its person): a stolen database makes no codes. Recovery
codes have 49 random bits each; a keyed hash of them is kept.

Six digits can be guessed: whoever tries them knows the password already, and is counted by account and network (see
`scopes`).
"""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, func, select, update

from vouchers import attempts, clock, codes
from vouchers.attempts import Guess, Scope
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import AlreadyEnrolled, NotFound, SecondFactorWrong
from vouchers.tables import authenticator, recovery_code

STEP_SECONDS: Final = 30
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
_SECRET_BYTES: Final = 20
_RECOVERY_CHARS: Final = 10
_NONCE_BYTES: Final = 12
_STEP_MICROS: Final = STEP_SECONDS * 1_000_000


class Code(NamedTuple):
    """What was typed, and the pepper under which secrets are sealed."""

    text: str
    pepper: bytes


@dataclass(frozen=True, slots=True)
class Setting:
    """What a person has. `pending`: begun and not yet confirmed."""

    confirmed_at: datetime | None
    pending: bool
    recovery_left: int


def scopes(staff_id: int, *, address: str) -> list[Scope]:
    """Where a wrong code is counted: the account as tried from this network, and the account."""
    return [
        attempts.scope(Guess.SECOND_FACTOR_FROM, f"{attempts.network(address)} {staff_id}"),
        attempts.scope(Guess.SECOND_FACTOR_ACCOUNT, staff_id),
    ]


def is_wanted(session: ReadSession, *, staff_id: int) -> bool:
    """Whether a password alone does not let this person in."""
    kept = select(authenticator.c.staff_id).where(
        authenticator.c.staff_id == staff_id, authenticator.c.confirmed_at.is_not(None)
    )
    return session.execute(kept).first() is not None


def setting_of(session: ReadSession, *, staff_id: int) -> Setting:
    """What the person has set up."""
    row = session.execute(select(authenticator.c.confirmed_at).where(authenticator.c.staff_id == staff_id)).first()
    left = select(func.count()).where(recovery_code.c.staff_id == staff_id, recovery_code.c.used_at.is_(None))
    return Setting(
        confirmed_at=None if row is None else row.confirmed_at,
        pending=row is not None and row.confirmed_at is None,
        recovery_left=int(session.execute(left).scalar_one()),
    )


# ── The authenticator ────────────────────────────────────────────────────────────────────────────────────────────
def begin(session: WriteSession, *, staff_id: int, pepper: bytes, at: datetime) -> None:
    """A fresh secret, to be scanned and confirmed. Refuses `AlreadyEnrolled` while another is in force."""
    if is_wanted(session, staff_id=staff_id):
        raise AlreadyEnrolled(what="authenticator", id=staff_id)
    session.execute(delete(authenticator).where(authenticator.c.staff_id == staff_id))
    sealed = _sealed(pepper, staff_id=staff_id, secret=secrets.token_bytes(_SECRET_BYTES))
    session.execute(authenticator.insert().values(staff_id=staff_id, sealed_secret=sealed, made_at=at))


def pending_secret(session: ReadSession, *, staff_id: int, pepper: bytes) -> bytes | None:
    """The secret to be scanned, until it is confirmed; None when none waits."""
    row = session.execute(
        select(authenticator.c.sealed_secret).where(
            authenticator.c.staff_id == staff_id, authenticator.c.confirmed_at.is_(None)
        )
    ).first()
    return None if row is None else _opened(pepper, staff_id=staff_id, sealed=row.sealed_secret)


def scanned(secret: bytes, *, account: str, issuer: str) -> str:
    """What the QR code says to an authenticator app (otpauth://)."""
    return _totp(secret).get_provisioning_uri(account, issuer)


def spelled(secret: bytes) -> str:
    """The secret as one types it into an app that cannot scan: base32 in groups of four."""
    plain = base64.b32encode(secret).decode()
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def confirm(session: WriteSession, *, staff_id: int, code: Code, at: datetime) -> None:
    """The app shows the right digits: from now on they are asked for. Refuses `NotFound`, `SecondFactorWrong`."""
    secret = pending_secret(session, staff_id=staff_id, pepper=code.pepper)
    if secret is None:
        raise NotFound(what="authenticator", id=staff_id)
    step = _step_of(secret, digits=_digits(code.text), at=at)
    if step is None:
        raise SecondFactorWrong
    waiting = authenticator.c.staff_id == staff_id, authenticator.c.confirmed_at.is_(None)
    session.execute(update(authenticator).where(*waiting).values(confirmed_at=at, last_step=step))


def remove(session: WriteSession, *, staff_id: int) -> None:
    """A password is enough again; the recovery codes are gone too. Refuses `NotFound`."""
    gone = session.execute(delete(authenticator).where(authenticator.c.staff_id == staff_id)).rowcount
    if not gone:
        raise NotFound(what="authenticator", id=staff_id)
    session.execute(delete(recovery_code).where(recovery_code.c.staff_id == staff_id))


def prove(session: WriteSession, *, staff_id: int, code: Code, at: datetime) -> str:
    """Takes six digits, or a recovery code; gives by which of `tables.MEANS`. Refuses `SecondFactorWrong`.

    What was taken is never taken again.
    """
    if _digits(code.text) is None:
        _use_recovery_code(session, staff_id=staff_id, code=code, at=at)
        return "recovery"
    row = session.execute(
        select(authenticator.c.sealed_secret).where(
            authenticator.c.staff_id == staff_id, authenticator.c.confirmed_at.is_not(None)
        )
    ).first()
    if row is None:
        raise SecondFactorWrong
    secret = _opened(code.pepper, staff_id=staff_id, sealed=row.sealed_secret)
    step = _step_of(secret, digits=_digits(code.text), at=at)
    # Guarded: of two that show the same digits at once, one is late.
    unused = authenticator.c.staff_id == staff_id, authenticator.c.last_step < (step or 0)
    if step is None or not session.execute(update(authenticator).where(*unused).values(last_step=step)).rowcount:
        raise SecondFactorWrong
    return "two_factor"


# ── Recovery codes ───────────────────────────────────────────────────────────────────────────────────────────────
def renew_recovery_codes(session: WriteSession, *, staff_id: int, pepper: bytes, at: datetime) -> list[str]:
    """Ten fresh codes, told now and never again; those before open nothing any more."""
    session.execute(delete(recovery_code).where(recovery_code.c.staff_id == staff_id))
    fresh = [
        "".join(secrets.choice(codes.CONTROL_ALPHABET) for _ in range(_RECOVERY_CHARS)) for _ in range(RECOVERY_CODES)
    ]
    session.execute(
        recovery_code.insert(),
        [
            {"code_hash": _recovery_hash(pepper, staff_id=staff_id, code=one), "staff_id": staff_id, "made_at": at}
            for one in fresh
        ],
    )
    return [codes.pretty_control_code(one) for one in fresh]


def _use_recovery_code(session: WriteSession, *, staff_id: int, code: Code, at: datetime) -> None:
    typed = "".join(char for char in code.text.upper() if char.isalnum())
    kept = _recovery_hash(code.pepper, staff_id=staff_id, code=typed)
    unused = recovery_code.c.code_hash == kept, recovery_code.c.used_at.is_(None)
    if not session.execute(update(recovery_code).where(*unused).values(used_at=at)).rowcount:
        raise SecondFactorWrong


def _recovery_hash(pepper: bytes, *, staff_id: int, code: str) -> bytes:
    return codes.token_hash(pepper, f"recovery\0{staff_id}\0{code}")


# ── Digits ───────────────────────────────────────────────────────────────────────────────────────────────────────
def digits_at(secret: bytes, *, at: datetime) -> str:
    """What an authenticator app shows at this moment."""
    return _totp(secret).generate(clock.micros(at) // 1_000_000).decode()


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 RFC 6238: what the apps compute


def _digits(typed: str) -> str | None:
    plain = "".join(typed.split())
    return plain if len(plain) == DIGITS and plain.isascii() and plain.isdecimal() else None


def _step_of(secret: bytes, *, digits: str | None, at: datetime) -> int | None:
    """The step at which the app shows `digits`: this one, the one before, the one after; None when at none."""
    now = clock.micros(at) // _STEP_MICROS
    totp = _totp(secret)
    shown = {step: totp.generate(step * STEP_SECONDS) for step in (now - 1, now, now + 1)}
    matching = [step for step, one in shown.items() if secrets.compare_digest(one, (digits or "").encode())]
    return max(matching, default=None)


def _sealed(pepper: bytes, *, staff_id: int, secret: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_sealing_key(pepper)).encrypt(nonce, secret, f"staff:{staff_id}".encode())


def _opened(pepper: bytes, *, staff_id: int, sealed: bytes) -> bytes:
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(_sealing_key(pepper)).decrypt(nonce, rest, f"staff:{staff_id}".encode())
    except (InvalidTag, ValueError):
        raise codes.SealBroken(f"the authenticator of staff:{staff_id}") from None


@lru_cache(maxsize=4)
def _sealing_key(pepper: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sealed authenticator").derive(pepper)
