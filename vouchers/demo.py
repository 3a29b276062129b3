"""The demonstration: a commune buys 4 000 vouchers of 10 € for its elders, 70 shops take them, the chamber pays.

The whole road on real input, by the same verbs as every other door: order, payment, issue, printed sheets, activation,
redemptions read from those very sheets, a settlement with its bank file, a returned transfer, the books. The story is
told over the six weeks before today; only the pairing code at its end is of this minute.
"""

import secrets as randomness
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vouchers import (
    bank_accounts,
    clock,
    codes,
    demo_town,
    exports,
    issue,
    keys,
    order,
    order_book,
    passwords,
    pay,
    people,
    programmes,
    redeem,
    reverse,
    roles,
    tills,
    workshop,
)
from vouchers.config import Settings
from vouchers.db import Database, WriteSession
from vouchers.keys import Answer, Key
from vouchers.paper.voucher_sheet import read_codes
from vouchers.redeem import Presented
from vouchers.runs import Run

VOUCHERS: Final = 4_000
FACE_CENTS: Final = 1_000
SHOPS: Final = 70
TARGET_CENTS: Final = 6_000_000
HOST: Final = "CHEQUES.EXAMPLE.FR"
_SEED: Final = 2026
_SPENT_OF_TEN: Final = 7

Hear = Callable[[int, int], None]
"""Hears (done, of) of one step."""
Watch = Callable[[str, int | None], Hear]
"""Told the title of a step and how much it is, None when it is done at once."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A person of the demonstration, with the password made for this run."""

    role: str
    email: str
    password: str
    actor: str


@dataclass(frozen=True, slots=True)
class Story:
    """What the demonstration left behind."""

    programme_id: int
    sign_ins: tuple[SignIn, ...]
    batch_number: int
    redeemed: int
    refused: dict[str, int]
    run: Run
    returned_shop: str
    pairing_code: str
    pairing_shop: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Cast:
    """Who is who, once enrolled."""

    programme_id: int
    buyer_id: int
    sign_ins: tuple[SignIn, ...]
    tills: tuple[tills.PairedTill, ...]

    def actor(self, role: str) -> str:
        return next(one.actor for one in self.sign_ins if one.role == role)


def tell(house: Database, *, settings: Settings, folder: Path, now: datetime, watch: Watch) -> Story:
    """Tell the story in an empty, migrated `house`; papers go to `folder`."""
    chance = Random(_SEED)
    pepper, session_key = settings.secret_bytes()
    begins = now - timedelta(days=42)
    watch("La chambre ouvre le dispositif, le personnel, l'acheteur", None)
    cast = _enrol(house, chance=chance, session_key=session_key, at=begins, watch=watch)
    batch = _order_and_issue(house, cast=cast, pepper=pepper, at=begins + timedelta(days=2), watch=watch)
    sheets = folder / "planches.pdf"
    step = watch("Les planches sont imprimées et chaque QR relu", 2 * VOUCHERS)
    workshop.print_sheets(
        house, programme_id=cast.programme_id, batch_number=batch, pepper=pepper, out=sheets, progress=step
    )
    delivered = begins + timedelta(days=5)
    _deliver_and_activate(house, cast=cast, batch=batch, at=delivered)
    step = watch("Les commerçants lisent les planches", VOUCHERS)
    scanned = []
    for text in read_codes(sheets, processes=2):
        scanned.append(text)
        step(len(scanned), VOUCHERS)
    redeemed, refused = _spend(
        house, cast=cast, scanned=scanned, pepper=pepper, chance=chance, begins=delivered, ends=now, watch=watch
    )
    run, returned = _settle(house, cast=cast, to_on=clock.book_day(now) - timedelta(days=1), at=now, watch=watch)
    files = _papers(house, settings=settings, cast=cast, run=run, folder=folder, now=now, watch=watch)
    last = cast.tills[0]
    pairing = house.write(
        tills.make_pairing,
        programme_id=cast.programme_id,
        merchant_id=last.merchant_id,
        session_key=session_key,
        actor=cast.actor("trésorier"),
        at=now,
    )
    return Story(
        programme_id=cast.programme_id,
        sign_ins=cast.sign_ins,
        batch_number=batch,
        redeemed=redeemed,
        refused=refused,
        run=run,
        returned_shop=returned,
        pairing_code=pairing.code,
        pairing_shop=last.shop_name,
        files=(sheets, *files),
    )


# ── Who is there ─────────────────────────────────────────────────────────────────────────────────────────────────
_STAFF: Final = {
    "administratrice": ("administrator", "Anne Ledoux", "anne"),
    "administrateur": ("administrator", "Bruno Marie", "bruno"),
    "trésorier": ("treasurer", "Claude Hébert", "claude"),
    "approbatrice": ("approver", "Denise Quesnel", "denise"),
    "auditeur": ("auditor", "Éric Vasseur", "eric"),
    "agente de la commune": ("buyer_clerk", "Fanny Duchêne", "fanny"),
    "adjoint de la commune": ("buyer_approver", "Gilles Bénard", "gilles"),
    "commerçante": ("merchant_owner", "Hélène Lecœur", "helene"),
}


def _enrol(house: Database, *, chance: Random, session_key: bytes, at: datetime, watch: Watch) -> _Cast:
    day = clock.book_day(at)
    issuer_id = house.write(
        programmes.enrol_issuer,
        name="Chambre de commerce du Pays d'Auge (démonstration)",
        address="1 place de la Halle\n14170 Saint-Pierre-en-Auge",
        siret=demo_town.siret(18_140_001, establishment=1),
        account_holder="CCI du Pays d'Auge",
        iban=demo_town.iban(chance),
    )
    programme_id = house.write(
        programmes.open_programme,
        issuer_id=issuer_id,
        name="Noël au Pays d'Auge",
        target_cents=TARGET_CENTS,
        starts_on=day,
        expires_on=day + timedelta(days=240),
        presentation_deadline_on=day + timedelta(days=300),
        host=HOST,
        shops_url="https://cheques.example.fr/commerces",
        use_rule="whole",
        commission_bp=500,
        vat_bp=2_000,
        reversal_window_minutes=15,
        lapse_to="buyer",
        actor="system",
        at=at,
    )
    buyer_id = house.write(
        people.enrol_buyer,
        programme_id=programme_id,
        name="Commune de Saint-Pierre-en-Auge",
        address="Hôtel de ville\n14170 Saint-Pierre-en-Auge",
        siret=demo_town.siret(21_140_012, establishment=1),
        actor="system",
        at=at,
    )
    paired = _enrol_shops(house, programme_id=programme_id, chance=chance, session_key=session_key, at=at, watch=watch)
    sign_ins = _enrol_staff(house, programme_id=programme_id, buyer_id=buyer_id, shop=paired[0], at=at)
    cast = _Cast(programme_id, buyer_id, sign_ins, paired)
    for phone in paired:
        for account in house.read(bank_accounts.accounts_of, programme_id=programme_id, merchant_id=phone.merchant_id):
            house.write(
                bank_accounts.confirm_account,
                programme_id=programme_id,
                account_id=account.account_id,
                reason="RIB vérifié par téléphone",
                actor=cast.actor("approbatrice"),
                at=at,
            )
    return cast


def _enrol_staff(
    house: Database, *, programme_id: int, buyer_id: int, shop: tills.PairedTill, at: datetime
) -> tuple[SignIn, ...]:
    sign_ins = []
    for role, (_, name, account) in _STAFF.items():
        password = randomness.token_urlsafe(12)
        staff_id = house.write(
            people.enrol_staff,
            programme_id=programme_id,
            email=f"{account}@demo.example",
            name=name,
            password_hash=passwords.hashed(password),
            actor="system",
            at=at,
        )
        sign_ins.append(SignIn(role, f"{account}@demo.example", password, f"staff:{staff_id}"))
    ids = [int(one.actor.partition(":")[2]) for one in sign_ins]
    house.write(roles.grant_first_administrators, programme_id=programme_id, staff_ids=(ids[0], ids[1]), at=at)
    for one, staff_id in list(zip(sign_ins, ids, strict=True))[2:]:
        name = _STAFF[one.role][0]
        asked = house.write(
            roles.ask_role,
            programme_id=programme_id,
            staff_id=staff_id,
            name=name,
            buyer_id=buyer_id if name.startswith("buyer") else None,
            merchant_id=shop.merchant_id if name.startswith("merchant") else None,
            actor=sign_ins[0].actor,
            at=at,
        )
        house.write(roles.confirm_role, programme_id=programme_id, role_id=asked, actor=sign_ins[1].actor, at=at)
    return tuple(sign_ins)


def _enrol_shops(
    house: Database, *, programme_id: int, chance: Random, session_key: bytes, at: datetime, watch: Watch
) -> tuple[tills.PairedTill, ...]:
    step = watch("Soixante-dix commerces adhèrent et appairent leur téléphone", SHOPS)
    paired = []
    for rank, shop in enumerate(demo_town.shops(SHOPS, chance=chance), start=1):
        merchant_id = house.write(
            people.enrol_merchant,
            programme_id=programme_id,
            legal_name=shop.legal_name,
            shop_name=shop.shop_name,
            siret=shop.siret,
            trade=shop.trade,
            commune=shop.commune,
            actor="system",
            at=at,
        )
        house.write(
            bank_accounts.ask_account,
            programme_id=programme_id,
            merchant_id=merchant_id,
            account_holder=shop.account_holder,
            iban=shop.iban,
            actor="system",
            at=at,
        )
        code = house.write(
            tills.make_pairing,
            programme_id=programme_id,
            merchant_id=merchant_id,
            session_key=session_key,
            actor="system",
            at=at,
        ).code
        phone = ec.generate_private_key(ec.SECP256R1())
        public_key = phone.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        message = tills.pairing_message(code=code, public_key=public_key, label="Téléphone du comptoir")
        r, s = decode_dss_signature(phone.sign(message, ec.ECDSA(hashes.SHA256())))
        paired.append(
            house.write(
                tills.pair,
                code=code,
                public_key=public_key,
                label="Téléphone du comptoir",
                signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"),
                session_key=session_key,
                at=at,
            )
        )
        step(rank, SHOPS)
    return tuple(paired)


# ── The commune buys ─────────────────────────────────────────────────────────────────────────────────────────────
def _order_and_issue(house: Database, *, cast: _Cast, pepper: bytes, at: datetime, watch: Watch) -> int:
    programme_id, clerk = cast.programme_id, cast.actor("agente de la commune")
    drafted = house.write(
        order.draft,
        programme_id=programme_id,
        buyer_id=cast.buyer_id,
        lines=[order_book.Line(FACE_CENTS, VOUCHERS)],
        fee_cents=40_000,
        purchase_order="BC-2026-0417",
        actor=clerk,
        at=at,
    )
    number = drafted.number
    house.write(order.place, programme_id=programme_id, number=number, actor=clerk, at=at)
    house.write(
        order.approve, programme_id=programme_id, number=number, actor=cast.actor("adjoint de la commune"), at=at
    )
    house.write(
        order.record_payment,
        programme_id=programme_id,
        number=number,
        cents=drafted.total_cents,
        bank_reference=drafted.rf_reference,
        received_on=clock.book_day(at + timedelta(days=1)),
        actor=cast.actor("trésorier"),
        at=at + timedelta(days=1),
    )
    later = at + timedelta(days=2)
    batch = house.write(
        issue.begin, programme_id=programme_id, order_number=number, actor=cast.actor("trésorier"), at=later
    )
    step = watch("4 000 chèques de 10 € sont émis", VOUCHERS)
    workshop.issue_whole(
        house,
        programme_id=programme_id,
        batch_number=batch.number,
        pepper=pepper,
        actor=cast.actor("trésorier"),
        now=lambda: later,
        progress=step,
    )
    return batch.number


def _deliver_and_activate(house: Database, *, cast: _Cast, batch: int, at: datetime) -> None:
    programme_id = cast.programme_id
    printed = house.write(
        issue.hand_over, programme_id=programme_id, batch_number=batch, actor=cast.actor("trésorier"), at=at
    )
    house.write(
        order.deliver, programme_id=programme_id, number=printed.order_number, actor=cast.actor("trésorier"), at=at
    )
    house.write(issue.activate, programme_id=programme_id, batch_number=batch, actor=cast.actor("approbatrice"), at=at)


# ── The elders spend ─────────────────────────────────────────────────────────────────────────────────────────────
def _spend(
    house: Database,
    *,
    cast: _Cast,
    scanned: list[str],
    pepper: bytes,
    chance: Random,
    begins: datetime,
    ends: datetime,
    watch: Watch,
) -> tuple[int, dict[str, int]]:
    """Seven vouchers of ten, in baskets of one to four; some tried twice, a few undone, lost or replaced."""
    drawer = chance.sample(scanned, len(scanned))
    spent = drawer[: len(drawer) * _SPENT_OF_TEN // 10]
    step = watch("Les aînés dépensent leurs chèques", len(spent))
    seconds = int((ends - begins).total_seconds()) - 86_400
    refused: dict[str, int] = {}
    done = 0
    instants = sorted(begins + timedelta(seconds=chance.randrange(3_600, seconds)) for _ in spent)
    while done < len(spent):
        basket = spent[done : done + chance.choice((1, 1, 1, 2, 2, 3, 4))]
        if chance.random() < 0.02 and done:
            # A paper already spent is held out once more, at whatever shop.
            basket = [chance.choice(spent[:done])]
            fresh = 0
        else:
            fresh = len(basket)
        till = chance.choice(cast.tills)
        at = instants[done]
        answer = _scan(house, till=till, texts=basket, pepper=pepper, chance=chance, at=at)
        if answer.refusal is not None:
            refused[answer.refusal.reason] = refused.get(answer.refusal.reason, 0) + 1
        elif chance.random() < 0.01:
            # The customer changed her mind; the shop undoes it, and she pays with the same vouchers again.
            house.write(
                reverse.reverse_at_shop,
                programme_id=cast.programme_id,
                redemption_id=answer.accepted()["redemption"],
                serials=None,
                merchant_id=till.merchant_id,
                actor=f"till:{till.till_id}",
                reason="erreur de montant",
                at=at + timedelta(minutes=2),
            )
            _scan(house, till=till, texts=basket, pepper=pepper, chance=chance, at=at + timedelta(minutes=4))
        done += fresh
        step(done, len(spent))
    return done, refused


def _scan(
    house: Database, *, till: tills.PairedTill, texts: list[str], pepper: bytes, chance: Random, at: datetime
) -> Answer:
    basket = [Presented(code_hash=codes.code_hash(pepper, text.rpartition("#")[2])) for text in texts]
    sale = len(texts) * FACE_CENTS + chance.randrange(0, 4_000) if chance.random() < 0.6 else None
    key = Key(
        scope=f"till:{till.till_id}",
        key=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        request_hash=codes.request_hash("\n".join([*texts, str(sale)]).encode()),
    )

    def act(session: WriteSession) -> Answer:
        def once() -> dict[str, Any]:
            done = redeem.redeem(
                session,
                programme_id=till.programme_id,
                merchant_id=till.merchant_id,
                till_id=till.till_id,
                basket=basket,
                sale_cents=sale,
                at=at,
            )
            return {"redemption": done.redemption_id, "cents": done.cents}

        return keys.once(session, programme_id=till.programme_id, key=key, at=at, act=once)

    return house.write(act)


# ── The chamber pays ─────────────────────────────────────────────────────────────────────────────────────────────
def _settle(house: Database, *, cast: _Cast, to_on: date, at: datetime, watch: Watch) -> tuple[Run, str]:
    watch("Le règlement est proposé, approuvé, exporté, exécuté ; un virement revient", None)
    programme_id, treasurer, approver = cast.programme_id, cast.actor("trésorier"), cast.actor("approbatrice")
    proposed = workshop.propose_run(house, programme_id=programme_id, to_on=to_on, actor=treasurer, now=lambda: at)
    number = proposed.number
    workshop.approve_run(
        house, programme_id=programme_id, number=number, execution_on=None, actor=approver, now=lambda: at
    )
    workshop.export_bank_file(house, programme_id=programme_id, number=number, actor=treasurer, now=lambda: at)
    house.write(pay.execute, programme_id=programme_id, number=number, actor=treasurer, at=at)
    unlucky = proposed.to_pay[-1]
    run = house.write(
        pay.returned,
        programme_id=programme_id,
        number=number,
        merchant_id=unlucky.merchant_id,
        reason="AC04 compte clos",
        actor=treasurer,
        at=at,
    )
    return run, unlucky.shop_name


def _papers(
    house: Database, *, settings: Settings, cast: _Cast, run: Run, folder: Path, now: datetime, watch: Watch
) -> tuple[Path, ...]:
    programme_id = cast.programme_id
    bank, statements = folder / "virements.pain.001.xml", folder / "releves.pdf"
    bank.write_bytes(workshop.bank_file(run))
    step = watch("Chaque commerçant a son relevé", len(run.to_pay))
    with statements.open("wb") as file:
        workshop.print_statements(house, programme_id=programme_id, number=run.number, out=file, progress=step)
    watch("Les livres sont scellés, vérifiés, exportés", None)
    workshop.seal_books(house, programme_id=programme_id, anchors=settings.anchors_path(), now=lambda: now)
    books = exports.write_all(house, programme_id=programme_id, folder=folder, at=now)
    return (bank, statements, *books)
