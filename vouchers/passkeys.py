"""Passkeys: a key of a person on a device of theirs, which signs what we ask (WebAuthn Level 3, library `webauthn`).

The device proves that its owner is there (a finger, a face, its own code: user verification is demanded), so a passkey
is two factors in one. Whoever signs in by one need not say who they are: the device knows.

A challenge is a stamp of ours (instant, 128 random bits, and a keyed hash of both with what it is for), so that showing
a page writes nothing; the answered one is written down, and an answer is taken once.
"""

import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import func, select, update
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from vouchers import clock, codes, identity, one_time
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import LastMeans, NotFound, OneTimeInvalid, PasskeyRefused
from vouchers.passwords import NOBODYS
from vouchers.tables import passkey, staff

MOST_KEPT: Final = 20
_LASTS: Final = timedelta(minutes=30)
_INSTANT_BYTES: Final = 8
_RANDOM_BYTES: Final = 16


class Site(NamedTuple):
    """Where the browser stands: the host without its port, and the scheme, host and port."""

    rp_id: str
    origin: str


class Asking(NamedTuple):
    """By whom a challenge may be answered: `purpose` is 'sign_in', 'confirm' or 'add'; `browser` its cookie."""

    site: Site
    purpose: str
    browser: str
    session_key: bytes


@dataclass(frozen=True, slots=True)
class Passkey:
    """What a person sees of one of their passkeys."""

    credential_id: bytes
    label: str
    made_at: datetime
    used_at: datetime | None


# ── What is asked ────────────────────────────────────────────────────────────────────────────────────────────────
def sign_in_options(asking: Asking, *, at: datetime) -> str:
    """What the browser's script is handed to sign somebody in, as JSON."""
    return options_to_json(
        generate_authentication_options(
            rp_id=asking.site.rp_id,
            challenge=_challenge(asking, at=at),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def adding_options(session: ReadSession, *, asking: Asking, staff_id: int, at: datetime) -> str:
    """What the browser's script is handed to make one more passkey, as JSON. Refuses `NotFound`."""
    person = session.execute(select(staff.c.email, staff.c.name).where(staff.c.id == staff_id)).first()
    if person is None:
        raise NotFound(what="staff", id=staff_id)
    known = [PublicKeyCredentialDescriptor(id=one.credential_id) for one in passkeys_of(session, staff_id=staff_id)]
    return options_to_json(
        generate_registration_options(
            rp_id=asking.site.rp_id,
            rp_name="Chèques cadeaux",
            user_name=person.email,
            user_id=f"staff:{staff_id}".encode(),
            user_display_name=person.name,
            challenge=_challenge(asking, at=at),
            exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
    )


# ── What is answered ─────────────────────────────────────────────────────────────────────────────────────────────
def add(session: WriteSession, *, staff_id: int, answer: str, label: str, asking: Asking, at: datetime) -> None:
    """One more passkey of the person, on the device that signed. Refuses `BadInput`, `PasskeyRefused`."""
    called = identity.name(label, field="label", most=60)
    given = _read(answer)
    challenge = _challenge_in(given, asking=asking, at=at)
    try:
        made = verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=asking.site.rp_id,
            expected_origin=asking.site.origin,
            require_user_verification=True,
        )
    except _BROKEN:
        raise PasskeyRefused from None
    taken = select(passkey.c.credential_id).where(passkey.c.credential_id == made.credential_id)
    if session.execute(taken).first() is not None or len(passkeys_of(session, staff_id=staff_id)) >= MOST_KEPT:
        raise PasskeyRefused
    _answered(session, challenge, staff_id=staff_id, asking=asking, at=at)
    session.execute(
        passkey.insert().values(
            credential_id=made.credential_id,
            staff_id=staff_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            label=called,
            made_at=at,
        )
    )


def prove(session: WriteSession, *, answer: str, asking: Asking, at: datetime) -> int:
    """The person whose device signed. Refuses `PasskeyRefused`, also for a suspended person."""
    given = _read(answer)
    challenge = _challenge_in(given, asking=asking, at=at)
    try:
        credential_id = base64url_to_bytes(str(given["id"]))
    except (KeyError, ValueError):
        raise PasskeyRefused from None
    row = session.execute(
        select(passkey.c.staff_id, passkey.c.public_key, passkey.c.sign_count)
        .join(staff, staff.c.id == passkey.c.staff_id)
        .where(passkey.c.credential_id == credential_id, passkey.c.revoked_at.is_(None), staff.c.state == "active")
    ).first()
    if row is None:
        raise PasskeyRefused
    try:
        proven = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=asking.site.rp_id,
            expected_origin=asking.site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except _BROKEN:
        raise PasskeyRefused from None
    _answered(session, challenge, staff_id=row.staff_id, asking=asking, at=at)
    session.execute(
        update(passkey)
        .where(passkey.c.credential_id == credential_id)
        .values(sign_count=proven.new_sign_count, used_at=at)
    )
    return int(row.staff_id)


# ── What a person has ────────────────────────────────────────────────────────────────────────────────────────────
def passkeys_of(session: ReadSession, *, staff_id: int) -> list[Passkey]:
    """The passkeys in use of a person, oldest first."""
    rows = session.execute(
        select(passkey.c.credential_id, passkey.c.label, passkey.c.made_at, passkey.c.used_at)
        .where(passkey.c.staff_id == staff_id, passkey.c.revoked_at.is_(None))
        .order_by(passkey.c.made_at, passkey.c.credential_id)
    )
    return [Passkey(*row) for row in rows]


def rename(session: WriteSession, *, staff_id: int, credential_id: bytes, label: str) -> None:
    """Another name for a passkey. Refuses `BadInput`, `NotFound` for one that is not the person's."""
    called = identity.name(label, field="label", most=60)
    changed = update(passkey).where(*_mine(staff_id, credential_id)).values(label=called)
    if not session.execute(changed).rowcount:
        raise NotFound(what="passkey", id=credential_id.hex()[:8])


def remove(session: WriteSession, *, staff_id: int, credential_id: bytes, at: datetime) -> None:
    """It opens nothing any more. Refuses `NotFound`, then `LastMeans` for the last one of who has no password."""
    # Locked: two passkeys removed at the same moment would leave none.
    person = select(staff.c.password_hash).where(staff.c.id == staff_id).with_for_update()
    kept = session.execute(person).scalar_one_or_none()
    mine = _mine(staff_id, credential_id)
    if session.execute(select(passkey.c.credential_id).where(*mine)).first() is None:
        raise NotFound(what="passkey", id=credential_id.hex()[:8])
    left = select(func.count()).where(passkey.c.staff_id == staff_id, passkey.c.revoked_at.is_(None))
    if kept == NOBODYS and session.execute(left).scalar_one() < 2:
        raise LastMeans
    session.execute(update(passkey).where(*mine).values(revoked_at=at))


def _mine(staff_id: int, credential_id: bytes) -> tuple[Any, ...]:
    return passkey.c.staff_id == staff_id, passkey.c.credential_id == credential_id, passkey.c.revoked_at.is_(None)


# ── The stamp ────────────────────────────────────────────────────────────────────────────────────────────────────
_BROKEN: Final = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, AssertionError)
"""What the library raises on an answer that is not one: it checks some shapes, and trips over others."""


def _read(answer: str) -> dict[str, Any]:
    try:
        given = json.loads(answer)
    except (ValueError, RecursionError):
        raise PasskeyRefused from None
    if not isinstance(given, dict) or not isinstance(given.get("response"), dict):
        raise PasskeyRefused
    return given


def _challenge(asking: Asking, *, at: datetime) -> bytes:
    stamp = clock.micros(at).to_bytes(_INSTANT_BYTES, "big") + secrets.token_bytes(_RANDOM_BYTES)
    return stamp + _signature(stamp, asking)


def _signature(stamp: bytes, asking: Asking) -> bytes:
    bound = f"passkey\0{asking.purpose}\0{asking.browser}\0".encode() + stamp
    return hmac.digest(asking.session_key, bound, "sha256")


def _challenge_in(given: dict[str, Any], *, asking: Asking, at: datetime) -> bytes:
    """The challenge that was answered, if it is ours, of this browser, and not older than half an hour."""
    try:
        said = json.loads(base64url_to_bytes(str(given["response"]["clientDataJSON"])))
        challenge = base64url_to_bytes(str(said["challenge"]))
    except (*_BROKEN, RecursionError):
        raise PasskeyRefused from None
    stamp = challenge[: _INSTANT_BYTES + _RANDOM_BYTES]
    if not hmac.compare_digest(challenge[len(stamp) :], _signature(stamp, asking)):
        raise PasskeyRefused
    made_at = clock.from_micros(int.from_bytes(stamp[:_INSTANT_BYTES], "big"))
    if not made_at <= at < made_at + _LASTS:
        raise PasskeyRefused
    return challenge


def _answered(session: WriteSession, challenge: bytes, *, staff_id: int, asking: Asking, at: datetime) -> None:
    try:
        one_time.first_use(
            session,
            secret=codes.base64url(challenge),
            staff_id=staff_id,
            ends_at=at + _LASTS,
            session_key=asking.session_key,
            at=at,
        )
    except OneTimeInvalid:
        raise PasskeyRefused from None
