"""Tills: an ordinary phone is tied to one shop, and signs each of its requests with a key that cannot leave it.

Pairing: the shop's owner or the chamber gets a code of ten characters, good for a quarter of an hour (a
fortnight in a letter) and one phone.
The phone makes an ECDSA P-256 key, shows the public half, and signs what it shows. Sent again after a lost answer,
by the same key, the same till is answered; to any other key the code is used up.

A phone that keeps no key offers a secret instead (`till_keys.py`), and is shown as weak.

A request is signed over six lines (method, path with query, milliseconds, nonce, idempotency key, hash of the body).
Whether the merchant is suspended is not decided here: redeeming decides, with its own words for the cashier.
"""

import hashlib
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy import bindparam, select, update

from vouchers import clock, codes, identity, ledger, till_keys
from vouchers.access import Caller, Held, Role
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import (
    ClockSkew,
    NonceReused,
    NotFound,
    PairingCodeInvalid,
    SignatureInvalid,
    TillRevoked,
)
from vouchers.ledger import Fact
from vouchers.prepared import Prepared
from vouchers.tables import merchant, pairing, programme, till
from vouchers.till_keys import TillKey

PAIRING_CHARS: Final = 10
PAIRING_LASTS: Final = timedelta(minutes=15)
LETTER_LASTS: Final = timedelta(days=14)
"""A code that goes by post. It opens a till that pays its own shop and nobody else."""
CLOCK_WINDOW: Final = timedelta(minutes=5)
NONCES_KEPT: Final = 200_000
LABEL_CHARS: Final = 60
MOST_LISTED: Final = 200
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PairingCode:
    """A code to type or scan on the phone, until `expires_at`. It is told now and never again."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PairedTill:
    """A till, with the shop and the programme it works for: what one request needs to know.

    `revoked_at` is None, but for the door that hears a revoked till out.
    """

    till_id: int
    label: str
    public_key: bytes
    weak_secret: bytes | None
    merchant_id: int
    shop_name: str
    merchant_state: str
    programme_id: int
    programme_name: str
    host: str
    use_rule: str
    reversal_window_minutes: int
    revoked_at: datetime | None = None

    @property
    def key(self) -> TillKey:
        """What its signatures are verified with."""
        return TillKey(self.public_key, self.weak_secret)

    @property
    def weak(self) -> bool:
        """Whether it signs with a secret that can be copied off the phone."""
        return self.weak_secret is not None

    def caller(self) -> Caller:
        """As whom it acts: a till of its merchant."""
        return Caller(f"till:{self.till_id}", (Held(self.programme_id, Role.TILL, merchant_id=self.merchant_id),))


@dataclass(frozen=True, slots=True)
class Till:
    """One till as its shop sees it in a list."""

    till_id: int
    merchant_id: int
    label: str
    weak: bool
    paired_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a till sent. `path` with its query, as sent; `key` is the idempotency key or ''.

    `signature`: 64 bytes of r‖s, or the 32 of a weak till's HMAC.
    """

    till_id: int
    method: str
    path: str
    time_ms: int
    nonce: str
    key: str
    body: bytes
    signature: bytes


class NonceMemory:
    """The nonces of the last minutes, so that a recorded request is not answered twice. Safe from any thread.

    Memory of this process suffices: a request that moves value carries its idempotency key inside the signature, so
    that a replay, at another process or after a restart, is given the first answer and moves nothing. What is left is
    a second look at a voucher by someone who already broke TLS.

    Two generations: a nonce is known for at least twice the clock window, as long as its time can be accepted. At
    `most` nonces a generation ends early: memory is bounded, and forgetting is harmless for the reason above.
    """

    def __init__(self, most: int = NONCES_KEPT) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._now: set[tuple[int, str]] = set()
        self._before: set[tuple[int, str]] = set()
        self._since: datetime | None = None

    def take(self, *, till_id: int, nonce: str, at: datetime) -> None:
        """Remember a nonce. Refuses `NonceReused`."""
        with self._lock:
            if self._since is None or at - self._since >= 2 * CLOCK_WINDOW or len(self._now) >= self._most:
                self._before, self._now, self._since = self._now, set(), at
            if (till_id, nonce) in self._now or (till_id, nonce) in self._before:
                raise NonceReused
            self._now.add((till_id, nonce))


# ── Pairing ──────────────────────────────────────────────────────────────────────────────────────────────────────
def make_pairing(
    session: WriteSession,
    *,
    programme_id: int,
    merchant_id: int,
    session_key: bytes,
    lasts: timedelta = PAIRING_LASTS,
    actor: str,
    at: datetime,
) -> PairingCode:
    """A code for one more till of a merchant (49 random bits), good for `lasts`. Refuses `NotFound`."""
    known = select(merchant.c.id).where(merchant.c.programme_id == programme_id, merchant.c.id == merchant_id)
    if session.execute(known).first() is None:
        raise NotFound(what="merchant", id=merchant_id)
    code = "".join(secrets.choice(codes.CONTROL_ALPHABET) for _ in range(PAIRING_CHARS))
    session.execute(
        pairing.insert().values(
            code_hash=_pairing_hash(session_key, code),
            programme_id=programme_id,
            merchant_id=merchant_id,
            made_by=actor,
            expires_at=at + lasts,
        )
    )
    return PairingCode(code, at + lasts)


def pair(
    session: WriteSession,
    *,
    code: str,
    key: TillKey,
    label: str,
    signature: bytes,
    session_key: bytes,
    pepper: bytes,
    at: datetime,
) -> PairedTill:
    """A phone becomes a till of the shop for which `code` was made.

    `key`: `till_keys.strong_key` of what it shows, or `weak_key`; `signature` is that key's, over `pairing_message` of
    the code and label as sent. Refuses, in order: `BadInput` (label), `SignatureInvalid`, `PairingCodeInvalid` for an
    unknown, expired or used code; throttle by address (`attempts`, Guess.PAIRING_ADDRESS).
    """
    if not code.isascii():
        raise PairingCodeInvalid
    shown = identity.name(label, field="label", most=LABEL_CHARS)
    message = pairing_message(code=code, public_key=key.public_key, label=label)
    till_keys.verify(key, message=message, signature=signature, pepper=pepper)
    code_hash = _pairing_hash(session_key, code)
    claimed = session.execute(
        update(pairing)
        .where(pairing.c.code_hash == code_hash, pairing.c.used_at.is_(None), pairing.c.expires_at > at)
        .values(used_at=at)
        .returning(pairing.c.programme_id, pairing.c.merchant_id, pairing.c.made_by)
    ).first()
    if claimed is None:
        return _paired_before(session, code_hash=code_hash, public_key=key.public_key, at=at)
    row = till.insert().values(
        programme_id=claimed.programme_id,
        merchant_id=claimed.merchant_id,
        label=shown,
        public_key=key.public_key,
        weak_secret=key.weak_secret,
        paired_at=at,
    )
    till_id = int(session.execute(row.returning(till.c.id)).scalar_one())
    fact = Fact("till_paired", at, claimed.made_by, f"till:{till_id}", f"merchant:{claimed.merchant_id}")
    ledger.post(session, programme_id=claimed.programme_id, fact=fact)
    return paired_till(session, till_id=till_id)


def pairing_message(*, code: str, public_key: bytes, label: str) -> bytes:
    """What a phone signs to be paired: code and label as it sends them; a weak one shows its secret's SHA-256."""
    return f"pair\n{code}\n{codes.base64url(public_key)}\n{label}".encode()


def _paired_before(session: ReadSession, *, code_hash: bytes, public_key: bytes, at: datetime) -> PairedTill:
    """The till that this very key got for this code, for a phone whose answer was lost on the way."""
    found = session.execute(
        select(till.c.id)
        .join(pairing, (pairing.c.merchant_id == till.c.merchant_id) & (pairing.c.used_at == till.c.paired_at))
        .where(pairing.c.code_hash == code_hash, pairing.c.expires_at > at)
        .where(till.c.public_key == public_key, till.c.revoked_at.is_(None))
    ).scalar_one_or_none()
    if found is None:
        raise PairingCodeInvalid
    return paired_till(session, till_id=found)


def _pairing_hash(session_key: bytes, code: str) -> bytes:
    # 'pairing' before the code: no session or API token can stand for one, nor the reverse.
    typed = code.replace(" ", "").replace("-", "").upper()
    return codes.token_hash(session_key, f"pairing\0{typed}")


# ── Signed requests ──────────────────────────────────────────────────────────────────────────────────────────────
def check_request(
    session: ReadSession,
    *,
    request: SignedRequest,
    pepper: bytes,
    nonces: NonceMemory,
    at: datetime,
    revoked: Literal["refused", "heard"] = "refused",
) -> PairedTill:
    """The till that signed this request.

    Refuses, in order: `ClockSkew` with the server's time, `SignatureInvalid` (also for an unknown till), `TillRevoked`
    unless it is to be heard (`revoked_at` then says since when), `NonceReused`. It remembers the nonce, so call it in a
    read, which runs once; a write may be run again.
    """
    if abs(request.time_ms - _millis(at)) > CLOCK_WINDOW // timedelta(milliseconds=1):
        raise ClockSkew(server_time=_millis(at))
    if _NONCE.fullmatch(request.nonce) is None:
        raise SignatureInvalid
    found = _found(session, till_id=request.till_id)
    # An unknown till is verified too, so that neither the answer nor its time tells which tills there are.
    key = None if found is None else found.key
    till_keys.verify(key, message=signed_message(request), signature=request.signature, pepper=pepper)
    if found is None:
        raise SignatureInvalid
    if found.revoked_at is not None and revoked == "refused":
        raise TillRevoked
    nonces.take(till_id=found.till_id, nonce=request.nonce, at=at)
    return found


def verify_by(signer: PairedTill, *, message: bytes, signature: bytes, pepper: bytes) -> None:
    """That this till, of either kind, signed `message`. Refuses `SignatureInvalid`."""
    till_keys.verify(signer.key, message=message, signature=signature, pepper=pepper)


def signed_message(request: SignedRequest) -> bytes:
    """The six lines under a till's signature."""
    body_hash = hashlib.sha256(request.body).hexdigest()
    lines = (request.method, request.path, str(request.time_ms), request.nonce, request.key, body_hash)
    return "\n".join(lines).encode(errors="surrogatepass")


def paired_till(session: ReadSession, *, till_id: int) -> PairedTill:
    """A till in use, its shop and programme, in one look. Refuses `TillRevoked`, for an unknown one as well."""
    found = _found(session, till_id=till_id)
    if found is None or found.revoked_at is not None:
        raise TillRevoked
    return found


def _found(session: ReadSession, *, till_id: int) -> PairedTill | None:
    """A till, revoked or not; None for a number that no till has."""
    rows = _PAIRED.rows(session, {"till_id": till_id}) if 0 < till_id < 2**63 else []
    return PairedTill(*rows[0]) if rows else None


def _millis(at: datetime) -> int:
    return clock.micros(at) // 1_000


# ── Lists, names, revocation ─────────────────────────────────────────────────────────────────────────────────────
def tills_of(session: ReadSession, *, programme_id: int, merchant_id: int) -> list[Till]:
    """The tills of a merchant, newest first, revoked ones too; at most 200."""
    listed = _TILLS.where(till.c.programme_id == programme_id, till.c.merchant_id == merchant_id)
    return [Till(*row) for row in session.execute(listed.order_by(till.c.id.desc()).limit(MOST_LISTED))]


def find_till(session: ReadSession, *, programme_id: int, till_id: int) -> Till:
    """One till, revoked or not. Refuses `NotFound`."""
    row = session.execute(_TILLS.where(till.c.programme_id == programme_id, till.c.id == till_id)).first()
    if row is None:
        raise NotFound(what="till", id=till_id)
    return Till(*row)


def rename_till(
    session: WriteSession, *, programme_id: int, till_id: int, label: str, actor: str, at: datetime
) -> None:
    """Show it under another label. Refuses `BadInput`, `NotFound`."""
    shown = identity.name(label, field="label", most=LABEL_CHARS)
    one = till.c.programme_id == programme_id, till.c.id == till_id
    if not session.execute(update(till).where(*one).values(label=shown)).rowcount:
        raise NotFound(what="till", id=till_id)
    ledger.post(session, programme_id=programme_id, fact=Fact("till_renamed", at, actor, f"till:{till_id}"))


def revoke_till(
    session: WriteSession, *, programme_id: int, till_id: int, reason: str, actor: str, at: datetime
) -> None:
    """It is refused at its next request, for good: pair it again. Refuses `BadInput`, `NotFound` if already revoked."""
    why = identity.name(reason, field="reason")
    one = till.c.programme_id == programme_id, till.c.id == till_id, till.c.revoked_at.is_(None)
    if not session.execute(update(till).where(*one).values(revoked_at=at)).rowcount:
        raise NotFound(what="till", id=till_id)
    ledger.post(session, programme_id=programme_id, fact=Fact("till_revoked", at, actor, f"till:{till_id}", why))


_TILLS: Final = select(
    till.c.id,
    till.c.merchant_id,
    till.c.label,
    till.c.weak_secret.is_not(None),
    till.c.paired_at,
    till.c.revoked_at,
)

_PAIRED: Final = Prepared(
    select(
        till.c.id,
        till.c.label,
        till.c.public_key,
        till.c.weak_secret,
        merchant.c.id,
        merchant.c.shop_name,
        merchant.c.state,
        programme.c.id,
        programme.c.name,
        programme.c.host,
        programme.c.use_rule,
        programme.c.reversal_window_minutes,
        till.c.revoked_at,
    )
    .join(merchant, merchant.c.id == till.c.merchant_id)
    .join(programme, programme.c.id == till.c.programme_id)
    .where(till.c.id == bindparam("till_id"))
)
"""Built once: it runs at each request."""
