"""A buyer's campaign: what to do next, what became of its vouchers, the letters to who still holds some, the closing.

The chamber sees the same figures of every buyer. Never who spent where: what a week or a trade may show is decided in
`campaign.py`, and the page says by which rule.
"""

import io
from typing import Final, NamedTuple

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import campaign, campaign_papers, clock, order_book, people, privacy, reminders
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner
from vouchers.campaign_papers import Campaign
from vouchers.db import ReadSession
from vouchers.pages.desk import AtDesk, PageDesk, download, page
from vouchers.pages.language import _
from vouchers.paper.closing_report import closing_report
from vouchers.paper.reminder import write_reminders
from vouchers.paper.spreadsheet import XLSX, spreadsheet_csv, xlsx

router: Final = APIRouter(prefix="/p/{programme_id}/campagne")
_CSV: Final = "text/csv; charset=utf-8"
_PDF: Final = "application/pdf"
_MOST_BUYERS: Final = 200


class Next(NamedTuple):
    """What to do: a title, why, where it is done, and what stands on the button."""

    title: str
    why: str
    path: str
    button: str


def _own(buyer_id: int) -> Owner:
    return lambda _session: Own(buyer_id=buyer_id)


@router.get("", **page(Act.CAMPAIGN_READ))
async def mine(desk: AtDesk) -> Response:
    """The campaign of one's own town hall; where there are several to see, which ones."""
    reach = desk.reach
    if not reach.everything and len(reach.buyer_ids) == 1:
        return await _show(desk, next(iter(reach.buyer_ids)))
    query = desk.screen.request.query_params.get("after", "0")
    after = int(query) if query.isascii() and query.isdigit() and len(query) < 16 else 0
    found = await desk.house.read(
        lambda session: people.buyers(session, programme_id=desk.programme_id, after=after, limit=_MOST_BUYERS)
    )
    shown = [one for one in found if reach.everything or one.buyer_id in reach.buyer_ids]
    following = found[-1].buyer_id if len(found) == _MOST_BUYERS else None
    return await desk.show("campaign/buyers.html", buyers=shown, next=following)


@router.get("/{buyer_id}", **page(Act.CAMPAIGN_READ))
async def one(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """The campaign of one buyer."""
    await desk.read(lambda _session: None, of=_own(buyer_id))
    return await _show(desk, buyer_id)


async def _show(desk: PageDesk, buyer_id: int) -> Response:
    def seen(session: ReadSession) -> tuple[Campaign, list[Next]]:
        found = campaign_papers.campaign_of(session, programme_id=desk.programme_id, buyer_id=buyer_id, at=desk.at)
        return found, _to_do(session, desk, found)

    found, waiting = await desk.read(seen, of=_own(buyer_id))
    return await desk.show(
        "campaign/campaign.html",
        campaign=found,
        base=f"{desk.home}/campagne/{buyer_id}",
        waiting=waiting,
        least_uses=campaign.LEAST_USES,
        least_shops=campaign.LEAST_SHOPS,
        trades=[(one.name or desk.say(_("Autres métiers")), one.cents) for one in found.trades],
    )


def _to_do(session: ReadSession, desk: PageDesk, found: Campaign) -> list[Next]:
    """What waits, the most urgent first."""
    buyer_id, base = found.buyer.buyer_id, f"{desk.home}/campagne/{found.buyer.buyer_id}"
    waiting: list[Next] = []
    orders = order_book.listed(session, programme_id=desk.programme_id, buyer_id=buyer_id, limit=order_book.MOST_LISTED)
    for one in orders:
        path, number = f"{desk.home}/commandes/{one.number}", one.number
        if one.state == "placed" and desk.may(Act.ORDER_APPROVE):
            title = desk.say(_("Approuver la commande n° {number}"), number=number)
            why = desk.say(_("Une personne l'a passée ; il en faut une autre pour l'approuver."))
            waiting.append(Next(title, why, path, desk.say(_("Voir la commande"))))
        elif one.state == "draft" and desk.may(Act.ORDER_PLACE):
            title = desk.say(_("Terminer la commande n° {number}"), number=number)
            why = desk.say(_("Elle est commencée, et n'est pas encore passée."))
            waiting.append(Next(title, why, path, desk.say(_("Voir la commande"))))
    lapsing = [one.next_last_on for one in found.orders if one.figures.lapsing.cents and one.next_last_on]
    if lapsing and desk.may(Act.RECIPIENTS_READ):
        title = desk.say(_("Relancer les personnes qui ont encore des chèques"))
        why = desk.say(_("Une partie de l'argent se perd bientôt : une lettre suffit souvent."))
        waiting.append(Next(title, why, f"{base}/relances", desk.say(_("Préparer les lettres"))))
    if desk.may(Act.RECIPIENTS_PURGE):
        kept = privacy.lists_kept(session, programme_id=desk.programme_id, buyer_ids=[buyer_id])
        if any(one.state != "purged" and one.due_on <= clock.book_day(desk.at) for one in kept):
            title = desk.say(_("Effacer les listes de personnes"))
            why = desk.say(_("La campagne est finie : les noms ne servent plus."))
            waiting.append(Next(title, why, f"{desk.home}/donnees", desk.say(_("Voir les données"))))
    if not orders and desk.may(Act.ORDER_PLACE):
        title = desk.say(_("Préparer une première commande"))
        why = desk.say(_("Par quantité, ou à partir d'une liste de personnes."))
        waiting.append(Next(title, why, f"{desk.home}/commandes", desk.say(_("Commander"))))
    return waiting


# ── Files ────────────────────────────────────────────────────────────────────────────────────────────────────────
async def _found(desk: PageDesk, buyer_id: int) -> Campaign:
    return await desk.read(
        lambda session: campaign_papers.campaign_of(
            session, programme_id=desk.programme_id, buyer_id=buyer_id, at=desk.at
        ),
        of=_own(buyer_id),
    )


@router.get("/{buyer_id}/chiffres.csv", **page(Act.CAMPAIGN_READ))
async def as_csv(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """The figures by order, for a French spreadsheet."""
    _name, header, rows = campaign_papers.tables(await _found(desk, buyer_id))[0]
    return download(b"".join(spreadsheet_csv(header, rows)), name="campagne.csv", media=_CSV)


@router.get("/{buyer_id}/chiffres.xlsx", **page(Act.CAMPAIGN_READ))
async def as_workbook(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """The figures by order, by week and by trade."""
    made = await run_in_threadpool(xlsx, campaign_papers.tables(await _found(desk, buyer_id)))
    return download(made, name="campagne.xlsx", media=XLSX)


@router.get("/{buyer_id}/cloture.pdf", **page(Act.CAMPAIGN_READ))
async def closing(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """The closing report, to be signed."""
    told = await desk.read(
        lambda session: campaign_papers.closing_of(
            session, programme_id=desk.programme_id, buyer_id=buyer_id, at=desk.at
        ),
        of=_own(buyer_id),
    )
    return download(await run_in_threadpool(closing_report, told), name="bilan-de-cloture.pdf", media=_PDF)


# ── Letters ──────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/{buyer_id}/relances", **page(Act.RECIPIENTS_READ))
async def letters(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """The lists whose people still hold vouchers, and their letters."""

    def seen(session: ReadSession) -> tuple[people.Buyer, list[reminders.Holding]]:
        buyer = people.find_buyer(session, programme_id=desk.programme_id, buyer_id=buyer_id)
        return buyer, reminders.holdings(session, programme_id=desk.programme_id, buyer_id=buyer_id, at=desk.at)

    buyer, held = await desk.read(seen, of=_own(buyer_id))
    return await desk.show(
        "campaign/letters.html", buyer=buyer, held=held, base=f"{desk.home}/campagne/{buyer_id}", list_id=None
    )


@router.get("/{buyer_id}/relances.pdf", **page(Act.RECIPIENTS_READ))
async def letters_pdf(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """A letter a page, for everybody or for one list; back to the lists where nobody is to be written to."""
    sender, written = await desk.read(
        lambda session: campaign_papers.letters_of(
            session, programme_id=desk.programme_id, buyer_id=buyer_id, at=desk.at, list_id=_list(desk)
        ),
        of=_own(buyer_id),
    )
    if not written:
        return desk.go(f"{desk.home}/campagne/{buyer_id}/relances")
    out = io.BytesIO()
    await run_in_threadpool(write_reminders, out, sender=sender, letters=written)
    return download(out.getvalue(), name="relances.pdf", media=_PDF)


@router.get("/{buyer_id}/relances.csv", **page(Act.RECIPIENTS_READ))
async def letters_csv(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """The same people for a mail house."""
    held = await desk.read(
        lambda session: reminders.holders(
            session, programme_id=desk.programme_id, buyer_id=buyer_id, at=desk.at, list_id=_list(desk)
        ),
        of=_own(buyer_id),
    )
    rows = campaign_papers.mailing_rows(held)
    made = b"".join(spreadsheet_csv(campaign_papers.MAILING_HEADER, rows))
    return download(made, name="relances.csv", media=_CSV)


def _list(desk: PageDesk) -> int | None:
    given = desk.screen.request.query_params.get("liste", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 16 else None
