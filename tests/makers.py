"""A town in a few lines: each maker calls the verbs of the house and gives what they gave. Keyword-only after it."""

import hashlib
import hmac
import itertools
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from schwifty import IBAN
from sqlalchemy import func, select
from stdnum import luhn

from vouchers import (
    bank_accounts,
    cashiers,
    chart,
    clock,
    codes,
    issue,
    ledger,
    order,
    passwords,
    people,
    pins,
    programmes,
    roles,
    second_factor,
    sign_in,
    till_keys,
    tills,
)
from vouchers.access import Role
from vouchers.db import Database, ReadSession, WriteSession
from vouchers.issue import Batch
from vouchers.order_book import Line, Order
from vouchers.passwords import PasswordHash
from vouchers.pins import PinHash
from vouchers.tables import batch, journal, posting, voucher
from vouchers.till_keys import TillKey
from vouchers.tills import PairedTill, SignedRequest

NOON: Final = datetime(2026, 11, 20, 11, tzinfo=UTC)
"""Noon in Paris."""
TODAY: Final = clock.book_day(NOON)
PEPPER: Final = bytes(range(32))
SESSION_KEY: Final = bytes(range(32, 64))
PASSWORD: Final = "un mot de passe assez long"

_numbers = itertools.count(1)


# ── Numbers that pass their checks ───────────────────────────────────────────────────────────────────────────────
def a_siret() -> str:
    """A SIRET nobody else has."""
    siren = f"{next(_numbers):08d}"
    establishment = siren + luhn.calc_check_digit(siren) + "0001"
    return establishment + luhn.calc_check_digit(establishment)


def an_iban() -> str:
    """A French IBAN nobody else has."""
    return str(IBAN.generate("FR", bank_code="30006", branch_code="00001", account_code=f"{next(_numbers):011d}"))


@cache
def a_password_hash(password: str = PASSWORD) -> PasswordHash:
    """Argon2id, once for all tests."""
    return passwords.hashed(password)


# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────
def a_programme(
    house: Database,
    *,
    name: str = "Noël à Sainte-Mère",
    target_cents: int = 6_000_000,
    starts_on: date = date(2026, 11, 1),
    expires_on: date = date(2027, 6, 30),
    presentation_deadline_on: date = date(2027, 9, 30),
    host: str = "cheques.example.fr",
    use_rule: str = "whole",
    commission_bp: int = 500,
    vat_bp: int = 2_000,
    reversal_window_minutes: int = 15,
    lapse_to: str = "buyer",
    fee_bp: int = 0,
    at: datetime = NOON,
) -> int:
    """A programme of a chamber with an account; gives its id."""

    def opened(session: WriteSession) -> int:
        issuer_id = programmes.enrol_issuer(
            session,
            name="CCI du Cotentin",
            address="1 place de la République\n50480 Sainte-Mère",
            siret=a_siret(),
            account_holder="CCI du Cotentin",
            iban=an_iban(),
        )
        return programmes.open_programme(
            session,
            issuer_id=issuer_id,
            name=name,
            target_cents=target_cents,
            starts_on=starts_on,
            expires_on=expires_on,
            presentation_deadline_on=presentation_deadline_on,
            host=host,
            shops_url="https://cheques.example.fr/commerces",
            use_rule=use_rule,
            commission_bp=commission_bp,
            vat_bp=vat_bp,
            reversal_window_minutes=reversal_window_minutes,
            lapse_to=lapse_to,
            fee_bp=fee_bp,
            actor="system",
            at=at,
        )

    return house.write(opened)


def a_buyer(
    house: Database, *, programme_id: int, name: str | None = None, exposure_cap_cents: int = 0, at: datetime = NOON
) -> int:
    """A commune; gives its id."""
    called = name or f"Commune n° {next(_numbers)}"
    return house.write(
        lambda session: people.enrol_buyer(
            session,
            programme_id=programme_id,
            name=called,
            address="Mairie\n2 rue de l'Église\n50480 Sainte-Mère",
            siret=None,
            exposure_cap_cents=exposure_cap_cents,
            actor="system",
            at=at,
        )
    )


def a_merchant(
    house: Database,
    *,
    programme_id: int,
    shop_name: str = "Boulangerie Lemoine",
    trade: str = "boulangerie",
    commune: str = "Sainte-Mère",
    siret: str | None = None,
    at: datetime = NOON,
) -> int:
    """A shop, without a bank account yet; gives its id."""
    number = siret or a_siret()
    return house.write(
        lambda session: people.enrol_merchant(
            session,
            programme_id=programme_id,
            legal_name=f"SARL {shop_name}",
            shop_name=shop_name,
            siret=number,
            trade=trade,
            commune=commune,
            actor="system",
            at=at,
        )
    )


def an_account(
    house: Database,
    *,
    programme_id: int,
    merchant_id: int,
    iban: str | None = None,
    account_holder: str = "SARL Lemoine",
    asked_by: str = "staff:1001",
    confirmed_by: str = "staff:1002",
    at: datetime = NOON,
) -> bank_accounts.Account:
    """A bank account asked by one and confirmed by another at `at`."""
    number = iban or an_iban()

    def confirmed(session: WriteSession) -> bank_accounts.Account:
        account_id = bank_accounts.ask_account(
            session,
            programme_id=programme_id,
            merchant_id=merchant_id,
            account_holder=account_holder,
            iban=number,
            actor=asked_by,
            at=at,
        )
        return bank_accounts.confirm_account(
            session, programme_id=programme_id, account_id=account_id, reason="rappelé", actor=confirmed_by, at=at
        )

    return house.write(confirmed)


def a_person(
    house: Database,
    *,
    programme_id: int,
    email: str | None = None,
    name: str = "Claude Martin",
    password_hash: PasswordHash | None = None,
    at: datetime = NOON,
) -> int:
    """Someone who can sign in with PASSWORD and holds no role; gives the id."""
    reached_at = email or f"personne{next(_numbers)}@example.fr"
    kept = password_hash or a_password_hash()

    def enrolled(session: WriteSession) -> int:
        staff_id = people.enrol_staff(
            session, programme_id=programme_id, email=reached_at, name=name, password_hash=kept, actor="system", at=at
        )
        sign_in.choose_password(session, staff_id=staff_id, password_hash=kept, at=at)
        return staff_id

    return house.write(enrolled)


def an_authenticator(house: Database, *, staff_id: int, at: datetime = NOON) -> bytes:
    """The person's authenticator app, confirmed at `at`; gives its secret."""

    def set_up(session: WriteSession) -> bytes:
        second_factor.begin(session, staff_id=staff_id, pepper=PEPPER, at=at)
        secret = second_factor.pending_secret(session, staff_id=staff_id, pepper=PEPPER)
        assert secret is not None
        shown = second_factor.digits_at(secret, at=at)
        second_factor.confirm(session, staff_id=staff_id, code=second_factor.Code(shown, PEPPER), at=at)
        return secret

    return house.write(set_up)


def two_administrators(house: Database, *, programme_id: int, at: datetime = NOON) -> tuple[int, int]:
    """The programme's administrators, made if it has none; gives two ids of staff."""
    held = house.read(lambda session: roles.roles_of(session, programme_id=programme_id, limit=200))
    there = [one.staff_id for one in held if one.name == Role.ADMINISTRATOR and one.state == "active"]
    if len(there) >= 2:
        return there[0], there[1]
    pair = (a_person(house, programme_id=programme_id, at=at), a_person(house, programme_id=programme_id, at=at))
    house.write(
        lambda session: roles.grant_first_administrators(session, programme_id=programme_id, staff_ids=pair, at=at)
    )
    return pair


def a_role(
    house: Database,
    *,
    programme_id: int,
    staff_id: int,
    name: str,
    buyer_id: int | None = None,
    merchant_id: int | None = None,
    at: datetime = NOON,
) -> int:
    """A role asked by one administrator and confirmed by the other; gives its number."""
    first, second = two_administrators(house, programme_id=programme_id, at=at)

    def granted(session: WriteSession) -> int:
        role_id = roles.ask_role(
            session,
            programme_id=programme_id,
            staff_id=staff_id,
            name=name,
            buyer_id=buyer_id,
            merchant_id=merchant_id,
            actor=f"staff:{first}",
            at=at,
        )
        roles.confirm_role(session, programme_id=programme_id, role_id=role_id, actor=f"staff:{second}", at=at)
        return role_id

    return house.write(granted)


def a_staff_member(
    house: Database,
    *,
    programme_id: int,
    role_names: Sequence[str] = ("treasurer",),
    buyer_id: int | None = None,
    merchant_id: int | None = None,
    email: str | None = None,
    at: datetime = NOON,
) -> int:
    """Someone with roles, confirmed as they must be; gives the id."""
    staff_id = a_person(house, programme_id=programme_id, email=email, at=at)
    for name in role_names:
        a_role(
            house,
            programme_id=programme_id,
            staff_id=staff_id,
            name=name,
            buyer_id=buyer_id if name.startswith("buyer") else None,
            merchant_id=merchant_id if name.startswith("merchant") else None,
            at=at,
        )
    return staff_id


# ── Tills ────────────────────────────────────────────────────────────────────────────────────────────────────────
class Phone:
    """A merchant's phone: it holds a key and signs, as `scanner_pwa` does."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def till_key(self) -> TillKey:
        """What the house is shown of it."""
        return till_keys.strong_key(self.public_key)

    def sign(self, message: bytes) -> bytes:
        """The raw 64 bytes r‖s that WebCrypto gives."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def paired(
        self, house: Database, *, code: str, label: str = "Téléphone de Paul", at: datetime = NOON
    ) -> PairedTill:
        """Offers its key for a pairing code."""
        message = tills.pairing_message(code=code, public_key=self.public_key, label=label)
        signature = self.sign(message)
        return house.write(
            lambda session: tills.pair(
                session,
                code=code,
                key=self.till_key,
                label=label,
                signature=signature,
                session_key=SESSION_KEY,
                pepper=PEPPER,
                at=at,
            )
        )


class WeakPhone(Phone):
    """A phone that keeps no key (a private window): it signs with a secret."""

    def __init__(self) -> None:
        self.secret = secrets.token_bytes(32)

    @property
    def public_key(self) -> bytes:
        """What it shows in place of one."""
        return hashlib.sha256(self.secret).digest()

    @property
    def till_key(self) -> TillKey:
        return till_keys.weak_key(self.secret, pepper=PEPPER)

    def sign(self, message: bytes) -> bytes:
        """The 32 bytes of an HMAC."""
        return hmac.digest(self.secret, message, "sha256")


@dataclass(frozen=True, slots=True)
class PairedPhone:
    """A phone and the till it became."""

    phone: Phone
    till: PairedTill

    def request(
        self,
        *,
        method: str = "POST",
        path: str = "/api/v1/till/redemptions",
        body: bytes = b"",
        key: str = "",
        at: datetime = NOON,
    ) -> SignedRequest:
        """A fresh signed request."""
        unsigned = SignedRequest(
            till_id=self.till.till_id,
            method=method,
            path=path,
            time_ms=clock.micros(at) // 1_000,
            nonce=urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("="),
            key=key,
            body=body,
            signature=b"",
        )
        return self.signed(unsigned)

    def signed(self, request: SignedRequest) -> SignedRequest:
        """The same request, signed by this phone."""
        lines = {name: getattr(request, name) for name in SignedRequest.__slots__}
        return SignedRequest(**lines | {"signature": self.phone.sign(tills.signed_message(request))})


def a_pairing_code(house: Database, *, programme_id: int, merchant_id: int, at: datetime = NOON) -> str:
    """A code for one more till of the merchant."""
    return house.write(
        lambda session: tills.make_pairing(
            session,
            programme_id=programme_id,
            merchant_id=merchant_id,
            session_key=SESSION_KEY,
            actor="staff:1001",
            at=at,
        )
    ).code


def a_till(
    house: Database,
    *,
    programme_id: int,
    merchant_id: int | None = None,
    kind: type[Phone] = Phone,
    at: datetime = NOON,
) -> PairedPhone:
    """A phone paired with a merchant (a new one if none is named)."""
    shop = merchant_id or a_merchant(house, programme_id=programme_id, at=at)
    code = a_pairing_code(house, programme_id=programme_id, merchant_id=shop, at=at)
    phone = kind()
    return PairedPhone(phone, phone.paired(house, code=code, at=at))


@cache
def a_pin(pin: str = "2468") -> PinHash:
    """Four digits, hashed once for all tests."""
    return pins.hashed(pin, field="pin")


def a_cashier(house: Database, *, programme_id: int, merchant_id: int, name: str = "Paul", at: datetime = NOON) -> int:
    """Someone at the tills of a merchant; gives their number."""
    return house.write(
        lambda session: cashiers.name_cashier(
            session,
            programme_id=programme_id,
            merchant_id=merchant_id,
            name=name,
            pin=a_pin(),
            actor="staff:1001",
            at=at,
        )
    ).id


# ── Orders and batches ───────────────────────────────────────────────────────────────────────────────────────────────
def an_order(
    house: Database,
    *,
    programme_id: int,
    buyer_id: int,
    upto: str = "paid",
    lines: Sequence[Line] = (Line(1_000, 10),),
    fee_cents: int = 0,
    purchase_order: str | None = None,
) -> Order:
    """An order `upto` draft, placed, approved, accepted or paid. staff:1 places, staff:2 approves, staff:3 accepts."""
    made = house.write(
        lambda s: order.draft(
            s,
            programme_id=programme_id,
            buyer_id=buyer_id,
            lines=lines,
            fee_cents=fee_cents,
            purchase_order=purchase_order,
            actor="staff:1",
            at=NOON,
        )
    )
    what: dict[str, Any] = {"programme_id": programme_id, "number": made.number, "at": NOON}
    if upto == "draft":
        return made
    made = house.write(lambda s: order.place(s, actor="staff:1", **what))
    if upto == "placed":
        return made
    made = house.write(lambda s: order.approve(s, actor="staff:2", **what))
    if upto == "approved":
        return made
    if upto == "accepted":
        return house.write(lambda s: order.accept(s, actor="staff:3", **what))
    return house.write(
        lambda s: order.record_payment(
            s,
            cents=made.total_cents,
            bank_reference=f"TRANSFER {made.number}",
            received_on=TODAY,
            actor="staff:3",
            **what,
        )
    )


def a_batch(
    house: Database, *, paid: Order, upto: str = "active", size: int = issue.CHUNK, expires_on: date | None = None
) -> Batch:
    """The batch of an order `upto` issuing (no voucher yet), issued, printed or active. staff:4 activates it."""
    programme_id = paid.programme_id
    fresh = house.write(
        lambda s: issue.begin(
            s, programme_id=programme_id, order_number=paid.number, actor="staff:3", at=NOON, expires_on=expires_on
        )
    )
    if upto == "issuing":
        return fresh
    for quantity in issue.chunks_left(fresh, size=size):
        fresh = a_chunk(house, begun=fresh, quantity=quantity)
    what: dict[str, Any] = {"programme_id": programme_id, "batch_number": fresh.number, "at": NOON}
    if upto == "issued":
        return fresh
    fresh = house.write(lambda s: issue.hand_over(s, actor="staff:3", **what))
    return fresh if upto == "printed" else house.write(lambda s: issue.activate(s, actor="staff:4", **what))


def a_chunk(house: Database, *, begun: Batch, quantity: int) -> Batch:
    """The next vouchers of a batch, by staff:3."""
    fresh = codes.new_secrets(quantity)
    return house.write(
        lambda s: issue.issue_chunk(
            s,
            programme_id=begun.programme_id,
            batch_number=begun.number,
            secrets=fresh,
            pepper=PEPPER,
            actor="staff:3",
            at=NOON,
        )
    )


# ── What the books say ───────────────────────────────────────────────────────────────────────────────────────────────
def cents_on(house: Database, *, programme_id: int, account: str) -> int:
    """The balance of an account."""
    return house.read(lambda s: ledger.balance(s, programme_id=programme_id, account=account))


def books_hold(session: ReadSession, *, programme_id: int) -> bool:
    """The float is what the vouchers hold, whatever a batch says it issued exists, and suspense is empty."""
    held = select(func.coalesce(func.sum(voucher.c.balance_cents), 0)).where(voucher.c.programme_id == programme_id)
    counted = select(func.count()).where(voucher.c.programme_id == programme_id, voucher.c.replaces_serial.is_(None))
    said = select(func.coalesce(func.sum(batch.c.issued_count), 0)).where(batch.c.programme_id == programme_id)
    return (
        session.execute(held).scalar_one() == ledger.balance(session, programme_id=programme_id, account=chart.FLOAT)
        and session.execute(counted).scalar_one() == session.execute(said).scalar_one()
        and ledger.balance(session, programme_id=programme_id, account=chart.SUSPENSE) == 0
    )


def vouchers_of(house: Database, *, programme_id: int) -> list[tuple[int, str, int]]:
    """(serial, state, balance) in serial order."""
    wanted = select(voucher.c.serial, voucher.c.state, voucher.c.balance_cents).where(
        voucher.c.programme_id == programme_id
    )
    return house.read(lambda s: [tuple(row) for row in s.execute(wanted.order_by(voucher.c.serial))])


def facts_of(house: Database, *, programme_id: int, kind: str) -> list[tuple[str, str]]:
    """(subject, reason) of the facts of a kind, in their order."""
    wanted = select(journal.c.subject, journal.c.reason).where(
        journal.c.programme_id == programme_id, journal.c.kind == kind
    )
    return house.read(lambda s: [tuple(row) for row in s.execute(wanted.order_by(journal.c.id))])


def moves_of(house: Database, *, programme_id: int, kind: str) -> list[tuple[str, str, int, int | None]]:
    """(debit, credit, cents, serial) posted by the facts of a kind, in their order."""
    wanted = (
        select(posting.c.debit, posting.c.credit, posting.c.cents, posting.c.serial)
        .join(journal, (journal.c.programme_id == posting.c.programme_id) & (journal.c.id == posting.c.journal_id))
        .where(journal.c.programme_id == programme_id, journal.c.kind == kind)
        .order_by(posting.c.journal_id, posting.c.line)
    )
    return house.read(lambda s: [tuple(row) for row in s.execute(wanted)])


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def later(*, hours: int = 0, minutes: int = 0, seconds: int = 0) -> datetime:
    """So long after NOON."""
    return NOON + timedelta(hours=hours, minutes=minutes, seconds=seconds)
