"""How the chamber wants its papers and books, and what a buyer's accountant wants on invoices: both are set here.

`paper_settings` has what they mean, their defaults, and reads them. Each change is a fact, whose reason holds words and
numbers alone (no name, no e-mail): enough to tell what was changed behind the house's back.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import update

from vouchers import chart, identity, ledger, letter_words
from vouchers.db import WriteSession
from vouchers.errors import BadInput, NotFound
from vouchers.ledger import Fact
from vouchers.money import MAX_CENTS
from vouchers.paper_settings import Billing, PaperSettings, billing_of, settings_of
from vouchers.rules import take_turn
from vouchers.tables import CHORUS_RULES, INVOICE_FORMS, VAT_DUE, billing, buyer, paper_settings

LONGEST_DAYS: Final = 60
"""To pay an invoice (code de commerce, L.441-10)."""
SENTENCE_CHARS: Final = 400
CODE_CHARS: Final = 50
"""Of a code service and of a market (BT-10 and BT-12 as Chorus Pro reads them; the length is unverified)."""
ACCOUNT_NAME_CHARS: Final = 80
BARS: Final = ("B2B", "B2BINT", "B2C", "B2CINT", "OUTOFSCOPE", "ARCHIVEONLY")
"""What the note BAR may say (French rules of EN 16931, BR-FR-20)."""
_POSTCODE: Final = re.compile(r"[0-9]{5}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[1-7][0-9]{2,9}", re.ASCII)


def set_paper_settings(
    session: WriteSession, *, programme_id: int, settings: PaperSettings, actor: str, at: datetime
) -> PaperSettings:
    """These settings from now on, whole; papers that are made stay as they are. The same again: nothing changes.

    Accounts that are given as the chart has them are not kept. Refuses `BadInput`, `NotFound` (programme).
    """
    kept = _checked(settings)
    take_turn(session, programme_id=programme_id)
    if kept == settings_of(session, programme_id=programme_id):
        return kept
    values = asdict(kept) | {"accounts": _json(kept.accounts)}
    changed = session.execute(
        update(paper_settings).where(paper_settings.c.programme_id == programme_id).values(**values)
    ).rowcount
    if not changed:
        session.execute(paper_settings.insert().values(programme_id=programme_id, **values))
    numbers = ",".join(f"{word}={number}" for word, (number, _name) in sorted(kept.accounts.items()))
    said = (kept.invoice_form, kept.vat_due, kept.payment_days, kept.threshold_cents, kept.vat_number or "-")
    reason = " ".join([*map(str, said), numbers or "-"])
    fact = Fact("paper_settings_set", at, actor, f"programme:{programme_id}", reason)
    ledger.post(session, programme_id=programme_id, fact=fact)
    return kept


def set_billing(
    session: WriteSession, *, programme_id: int, buyer_id: int, wanted: Billing, actor: str, at: datetime
) -> Billing:
    """What this buyer's accountant wants on invoices from now on. The same again: nothing changes.

    Refuses `BadInput`, `NotFound` (buyer).
    """
    kept = _billing(wanted)
    # The buyer's row is the lock: two changes at once are told in the order in which they were made.
    held = sa.select(buyer.c.id).where(buyer.c.programme_id == programme_id, buyer.c.id == buyer_id)
    if session.execute(held.with_for_update(key_share=True)).first() is None:
        raise NotFound(what="buyer", id=buyer_id)
    if kept == billing_of(session, programme_id=programme_id, buyer_id=buyer_id):
        return kept
    of_buyer = billing.c.programme_id == programme_id, billing.c.buyer_id == buyer_id
    values = asdict(kept)
    if not session.execute(update(billing).where(*of_buyer).values(**values)).rowcount:
        session.execute(billing.insert().values(programme_id=programme_id, buyer_id=buyer_id, **values))
    said = (kept.chorus_rule, kept.service_code, kept.market, kept.vat_number)
    fact = Fact("billing_set", at, actor, f"buyer:{buyer_id}", " · ".join(word or "-" for word in said))
    ledger.post(session, programme_id=programme_id, fact=fact)
    return kept


# ── Checks ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _checked(given: PaperSettings) -> PaperSettings:
    for field, word, known in (
        ("invoice_form", given.invoice_form, INVOICE_FORMS),
        ("vat_due", given.vat_due, VAT_DUE),
        ("face_value_bar", given.face_value_bar, BARS),
    ):
        _one_of(field, word, known)
    for field, number, least, most in (
        ("payment_days", given.payment_days, 0, LONGEST_DAYS),
        ("threshold_cents", given.threshold_cents, 1, MAX_CENTS),
    ):
        if isinstance(number, bool) or not isinstance(number, int):
            raise BadInput(field=field, problem="not_whole")
        if not least <= number <= most:
            limits = {"least_cents": least, "most_cents": most} if field.endswith("cents") else {}
            problem = "amount_range" if limits else "range"
            raise BadInput(field=field, problem=problem, **(limits or {"least": least, "most": most}))
    vat_number = given.vat_number and given.vat_number.strip()
    texts: dict[str, Any] = {
        "seller_form": _line(given.seller_form, field="seller_form", most=200),
        "seller_street": _line(given.seller_street, field="seller_street"),
        "seller_town": _line(given.seller_town, field="seller_town"),
        "letter_place": _line(given.letter_place, field="letter_place", most=60),
        "letter_signatory": _line(given.letter_signatory, field="letter_signatory"),
        "letter_text": _paragraphs(given.letter_text),
        **{
            field: identity.name(" ".join(getattr(given, field).split()), field=field, most=SENTENCE_CHARS)
            for field in ("legal_reference", "recovery_terms", "late_terms", "discount_terms")
        },
        "vat_number": identity.vat_number(vat_number) if vat_number else None,
    }
    return replace(given, **texts, seller_postcode=_postcode(given), accounts=_accounts(given.accounts))


def _postcode(given: PaperSettings) -> str:
    """The town and its postcode go together; a street alone is no address."""
    postcode, town = given.seller_postcode.strip(), given.seller_town.strip()
    if postcode and _POSTCODE.fullmatch(postcode) is None:
        raise BadInput(field="seller_postcode", problem="not_a_postcode")
    if not postcode and (town or given.seller_street.strip()):
        raise BadInput(field="seller_postcode", problem="missing")
    if postcode and not town:
        raise BadInput(field="seller_town", problem="missing")
    return postcode


def _accounts(given: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Those that differ from the chart. A number has one name, whichever words stand for it (as the FEC wants it)."""
    standing = {word: (said.number, said.name) for word, said in (chart.WHOLE_ACCOUNTS | chart.OWNED_ACCOUNTS).items()}
    kept = {}
    for word, (number, name) in given.items():
        if word not in standing:
            raise BadInput(field="accounts", problem="one_of", words=", ".join(standing))
        if _ACCOUNT.fullmatch(number.strip()) is None:
            raise BadInput(field=f"number_{word}", problem="not_an_account")
        kept[word] = (number.strip(), identity.name(name, field=f"name_{word}", most=ACCOUNT_NAME_CHARS))
    names: dict[str, str] = {}
    for word, (number, name) in (standing | kept).items():
        if names.setdefault(number, name) != name:
            raise BadInput(field=f"name_{word}", problem="account_named_twice", number=number)
    return {word: said for word, said in sorted(kept.items()) if said != standing[word]}


def _billing(given: Billing) -> Billing:
    _one_of("chorus_rule", given.chorus_rule, CHORUS_RULES)
    codes = {
        field: identity.name(" ".join(typed.split()), field=field, most=CODE_CHARS) if typed and typed.strip() else None
        for field, typed in (("service_code", given.service_code), ("market", given.market))
    }
    vat_number = given.vat_number and given.vat_number.strip()
    email = given.email and given.email.strip()
    return Billing(
        chorus_rule=given.chorus_rule,
        **codes,
        vat_number=identity.vat_number(vat_number) if vat_number else None,
        email=identity.email(email, field="email") if email else None,
    )


def _one_of(field: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise BadInput(field=field, problem="one_of", words=", ".join(known))


def _line(typed: str, *, field: str, most: int = identity.NAME_CHARS) -> str:
    """A text of one line that may be left out."""
    return identity.name(" ".join(typed.split()), field=field, most=most) if typed.strip() else ""


def _paragraphs(typed: str) -> str:
    lines = [_line(line, field="letter_text", most=letter_words.MOST_CHARACTERS) for line in typed.splitlines()]
    text = "\n".join(lines).strip()
    if refusal := letter_words.refusal(text):
        raise refusal
    return text


def _json(accounts: Mapping[str, tuple[str, str]]) -> str:
    return json.dumps(accounts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
