"""Who plays in the demonstration: a chamber, a commune, its people with their roles, seventy shops with a phone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vouchers import (
    bank_accounts,
    clock,
    codes,
    demo_town,
    offline,
    passwords,
    people,
    programmes,
    roles,
    sign_in,
    till_keys,
    tills,
)
from vouchers.db import Database
from vouchers.guarantee import OfflineRule

SHOPS: Final = 70
TARGET_CENTS: Final = 6_000_000
HOST: Final = "CHEQUES.EXAMPLE.FR"

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
class Cast:
    """Who is who, once enrolled."""

    programme_id: int
    buyer_id: int
    sign_ins: tuple[SignIn, ...]
    tills: tuple[tills.PairedTill, ...]

    def actor(self, role: str) -> str:
        """What the journal keeps of whoever holds `role`."""
        return next(one.actor for one in self.sign_ins if one.role == role)


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


_OFFLINE: Final = OfflineRule(
    till_count=20,
    till_cents=30_000,
    programme_count=400,
    programme_cents=400_000,
    max_age_minutes=24 * 60,
    guarantee_cents=20_000,
)
"""A stall takes 300 € at most on a morning without network; conflicts cost the chamber 200 € at most in all."""


def enrol(house: Database, *, chance: Random, pepper: bytes, session_key: bytes, at: datetime, watch: Watch) -> Cast:
    """Everybody, enrolled and confirmed as the rules want it, in an empty house."""
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
        fee_bp=100,
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
    keys = {"pepper": pepper, "session_key": session_key}
    paired = _enrol_shops(house, programme_id=programme_id, chance=chance, keys=keys, at=at, watch=watch)
    sign_ins = _enrol_staff(house, programme_id=programme_id, buyer_id=buyer_id, shop=paired[0], at=at)
    cast = Cast(programme_id, buyer_id, sign_ins, paired)
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
    house.write(offline.allow, programme_id=programme_id, rule=_OFFLINE, actor=cast.actor("trésorier"), at=at)
    return cast


def _enrol_staff(
    house: Database, *, programme_id: int, buyer_id: int, shop: tills.PairedTill, at: datetime
) -> tuple[SignIn, ...]:
    sign_ins = []
    for role, (_, name, account) in _STAFF.items():
        password = codes.new_password()
        hashed = passwords.hashed(password)
        staff_id = house.write(
            people.enrol_staff,
            programme_id=programme_id,
            email=f"{account}@demo.example",
            name=name,
            password_hash=hashed,
            actor="system",
            at=at,
        )
        # Each has chosen it: a password that somebody else gave opens no role.
        house.write(sign_in.choose_password, staff_id=staff_id, password_hash=hashed, at=at)
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
    house: Database, *, programme_id: int, chance: Random, keys: dict[str, bytes], at: datetime, watch: Watch
) -> tuple[tills.PairedTill, ...]:
    step = watch("70 commerces adhèrent", SHOPS)
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
            session_key=keys["session_key"],
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
                key=till_keys.strong_key(public_key),
                label="Téléphone du comptoir",
                signature=r.to_bytes(32, "big") + s.to_bytes(32, "big"),
                **keys,
                at=at,
            )
        )
        step(rank, SHOPS)
    return tuple(paired)
