"""How the chamber wants its papers and books: who sells, VAT, sentences of the law, letters, accounts, threshold."""

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from vouchers import billing, chart, letter_words
from vouchers.access import Act
from vouchers.db import ReadSession, WriteSession
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import _
from vouchers.paper_settings import PaperSettings, account_numbers, settings_of
from vouchers.rules import rules

router: Final = APIRouter(prefix="/p/{programme_id}/reglages/pieces")
_BARS: Final = {
    "B2B": _("entre entreprises françaises"),
    "B2BINT": _("avec une entreprise étrangère"),
    "B2C": _("avec un particulier"),
    "B2CINT": _("avec un particulier à l'étranger"),
    "OUTOFSCOPE": _("hors champ"),
    "ARCHIVEONLY": _("pour l'archive seulement"),
}
WORDS: Final = (*chart.WHOLE_ACCOUNTS, *chart.OWNED_ACCOUNTS)


@router.get("", **page(Act.PAPER_SETTINGS_READ))
async def one(desk: AtDesk) -> Response:
    """The settings in force, to be changed by whoever may."""
    return await _show(desk)


async def _show(desk: PageDesk) -> Response:
    def found(session: ReadSession) -> dict[str, Any]:
        of = {"programme_id": desk.programme_id}
        return {
            "settings": settings_of(session, **of),
            "accounts": account_numbers(session, **of),
            "rules": rules(session, **of),
        }

    shown = await desk.read(found)
    return await desk.show(
        "set_up/papers.html",
        bars=[(word, f"{word} ({desk.say(_BARS[word])})") for word in billing.BARS],
        letter_words=", ".join(f"{{{word}}}" for word in letter_words.WORDS),
        standing=chart.WHOLE_ACCOUNTS | chart.OWNED_ACCOUNTS,
        **shown,
    )


@router.post("", **page(Act.PAPER_SETTINGS_SET))
async def change(desk: AtForm) -> Response:
    """These from the next paper on."""

    def act(session: WriteSession) -> None:
        # Nothing is given: what an act gives is kept under its key, and the name of who signs must not be.
        billing.set_paper_settings(session, **desk.doing, settings=_typed(desk.typed))

    return await desk.once(
        act,
        then=f"{desk.home}/reglages/pieces",
        said=_("C'est enregistré : les prochaines pièces en tiennent compte."),
        again=_show,
    )


def _typed(typed: Typed) -> PaperSettings:
    def text(name: str) -> str:
        return typed.optional(name) or ""

    return PaperSettings(
        seller_form=text("seller_form"),
        seller_street=text("seller_street"),
        seller_postcode=text("seller_postcode"),
        seller_town=text("seller_town"),
        vat_number=typed.optional("vat_number"),
        invoice_form=typed.text("invoice_form"),
        vat_due=typed.text("vat_due"),
        payment_days=typed.whole("payment_days", most=billing.LONGEST_DAYS),
        legal_reference=typed.text("legal_reference"),
        recovery_terms=typed.text("recovery_terms"),
        late_terms=typed.text("late_terms"),
        discount_terms=typed.text("discount_terms"),
        face_value_bar=typed.text("face_value_bar"),
        letter_place=text("letter_place"),
        letter_text=text("letter_text"),
        letter_signatory=text("letter_signatory"),
        accounts={word: (typed.text(f"number_{word}"), typed.text(f"name_{word}")) for word in WORDS},
        threshold_cents=typed.cents("threshold_cents", least=1),
    )
