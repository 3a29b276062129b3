"""The terms of a programme, set anew while it runs: what it says of itself, what it sells, how often it pays.

The rules that move money (dates, rates, where lapsed money goes) are not here: they stay as they were opened.
"""

import json
from datetime import datetime

from sqlalchemy import update

from vouchers import founding, ledger
from vouchers.db import WriteSession
from vouchers.ledger import Fact
from vouchers.rules import Terms, take_turn
from vouchers.tables import programme_terms


def set_terms(session: WriteSession, *, programme_id: int, terms: Terms, actor: str, at: datetime) -> None:
    """These terms from now on, whole: what is printed and ordered from here on follows them.

    The fact's reason is rhythm, colour and face values in cents, so that terms changed behind the house's back are
    told. Refuses `BadInput`, `NotFound` (programme).
    """
    kept = founding.terms(terms)
    take_turn(session, programme_id=programme_id)
    face_values = json.dumps(kept.face_values, separators=(",", ":"))
    values = {
        "face_values": face_values,
        "rhythm": kept.rhythm,
        "legal_wording": kept.legal_wording,
        "colour": kept.colour,
        "logo": kept.logo,
        "outline": kept.outline,
    }
    changed = session.execute(
        update(programme_terms).where(programme_terms.c.programme_id == programme_id).values(**values)
    ).rowcount
    if not changed:
        session.execute(programme_terms.insert().values(programme_id=programme_id, **values))
    fact = Fact("terms_set", at, actor, f"programme:{programme_id}", f"{kept.rhythm} {kept.colour} {face_values}")
    ledger.post(session, programme_id=programme_id, fact=fact)
