"""The papers of the archive: those of an order, those that anybody has, each downloaded as it was first made."""

import mimetypes
from base64 import b64encode
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from vouchers import archive, invoices, invoicing, order_book, people
from vouchers.access import Act
from vouchers.api.fields import NumberInPath
from vouchers.api.guard import Own, Owner, of_order
from vouchers.archive import Document
from vouchers.db import ReadSession
from vouchers.errors import Refusal
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, download, page
from vouchers.pages.language import _
from vouchers.paper_settings import billing_of

router: Final = APIRouter(prefix="/p/{programme_id}")
PAGE: Final = 50
_FILTERS: Final[dict[str, tuple[str, ...]]] = {
    "": (),
    "factures": (*invoices.INVOICES, "commission"),
    "avoirs": tuple(archive.CREDITS.values()),
    "releves": ("statement",),
    "banque": ("bank_file",),
    "dossiers": ("dossier",),
}
_OF_BUYERS: Final = {"", "factures", "avoirs", "dossiers"}
_OF_SHOPS: Final = {"", "factures", "avoirs", "releves"}
Named = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Seen = Annotated[int, Query(ge=0, le=10**9)]


def of_document(programme_id: int, name: str) -> Owner:
    """A paper is its buyer's, or its merchant's; else the chamber's alone."""

    def whose(session: ReadSession) -> Own:
        found = archive.find(session, programme_id=programme_id, name=name)
        return Own(buyer_id=found.buyer_id, merchant_id=found.merchant_id)

    return whose


@router.get("/pieces", **page(Act.DOCUMENT_READ))
async def listed(desk: AtDesk, sorte: str = "", after: Seen = 0) -> Response:
    """Papers, newest first; for a buyer's or a shop's people, their own."""
    reach = desk.reach
    own: dict[str, Any] = {}
    if not reach.everything:
        own = {"buyer_ids": sorted(reach.buyer_ids), "merchant_ids": sorted(reach.merchant_ids)}
    kinds = _FILTERS.get(sorte, ())

    def found(session: ReadSession) -> tuple[list[Document], dict[str, str]]:
        papers = archive.listed(session, programme_id=desk.programme_id, kinds=kinds, offset=after, limit=PAGE, **own)
        return papers, _names(session, papers)

    papers, names = await desk.house.read(found)
    return await desk.show(
        "documents/documents.html",
        papers=papers,
        names=names,
        sort=sorte if sorte in _FILTERS else "",
        sorts=_sorts(desk),
        next=after + PAGE if len(papers) == PAGE else None,
    )


def _sorts(desk: PageDesk) -> set[str]:
    """The filters under which this person may ever find something."""
    if desk.reach.everything:
        return set(_FILTERS)
    return (_OF_BUYERS if desk.reach.buyer_ids else set()) | (_OF_SHOPS if desk.reach.merchant_ids else set())


def _names(session: ReadSession, papers: list[Document]) -> dict[str, str]:
    """Whose each paper is, by its name."""
    buyers = {
        one: people.find_buyer(session, programme_id=papers[0].programme_id, buyer_id=one).name
        for one in {paper.buyer_id for paper in papers if paper.buyer_id is not None}
    }
    shops = {
        one: people.find_merchant(session, programme_id=papers[0].programme_id, merchant_id=one).shop_name
        for one in {paper.merchant_id for paper in papers if paper.merchant_id is not None}
    }
    return {
        paper.name: buyers.get(paper.buyer_id or 0, "") or shops.get(paper.merchant_id or 0, "") for paper in papers
    }


@router.get("/pieces/{document}", **page(Act.DOCUMENT_READ))
async def file(desk: AtDesk, document: Named) -> Response:
    """The file as it was first made, with the hash that the journal has of it (RFC 9530)."""

    def found(session: ReadSession) -> tuple[Document, bytes]:
        of: dict[str, Any] = {"programme_id": desk.programme_id, "name": document}
        return archive.find(session, **of), archive.file_of(session, **of)

    paper, content = await desk.read(found, of=of_document(desk.programme_id, document))
    answer = download(content, name=paper.file_name, media=_media(paper.file_name))
    answer.headers["ETag"] = f'"{paper.sha256}"'
    answer.headers["Content-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(paper.sha256)).decode()}:"
    return answer


def _media(file_name: str) -> str:
    return mimetypes.guess_type(file_name)[0] or "application/octet-stream"


# ── The invoices of an order ─────────────────────────────────────────────────────────────────────────────────────
@router.get("/commandes/{number}/factures", **page(Act.ORDER_READ))
async def of_one_order(desk: AtDesk, number: NumberInPath) -> Response:
    """What is invoiced, what is to be, and what stands in its way."""
    return await _show(desk, number)


async def _show(desk: PageDesk, number: int) -> Response:
    programme_id = desk.programme_id

    def found(session: ReadSession) -> dict[str, Any]:
        made = order_book.find(session, programme_id=programme_id, number=number)
        of: dict[str, Any] = {"programme_id": programme_id, "order_number": number}
        refusal: Refusal | None = None
        due: list[invoices.Due] = []
        standing = invoices.standing(session, **of)
        try:
            if standing == "to_invoice":
                due = invoices.due(session, **of)
            elif standing == "to_credit":
                due = invoices.credit_due(session, **of)
        except Refusal as refused:
            refusal = refused
        return {
            "order": made,
            "buyer": people.find_buyer(session, programme_id=programme_id, buyer_id=made.buyer_id),
            "wanted": billing_of(session, programme_id=programme_id, buyer_id=made.buyer_id),
            "papers": archive.about(session, programme_id=programme_id, subjects=[order_book.subject(number)]),
            "standing": standing,
            "due": due,
            "refusal": refusal,
        }

    shown = await desk.read(found, of=of_order(programme_id, number))
    return await desk.show("documents/order.html", engagement_chars=invoices.ENGAGEMENT_CHARS, **shown)


@router.post("/commandes/{number}/factures", **page(Act.INVOICE_ISSUE))
async def invoice(desk: AtForm, number: NumberInPath) -> Response:
    """Make the invoices of an order: numbered, kept, never made again."""
    return await desk.once(
        lambda session: _told(
            invoicing.issue_invoices(
                session, **desk.doing, number=number, purchase_order=desk.typed.optional("purchase_order")
            )
        ),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}/factures",
        said=_("La commande est facturée. Les fichiers sont prêts à être envoyés."),
        again=lambda desk: _show(desk, number),
    )


@router.post("/commandes/{number}/avoirs", **page(Act.INVOICE_ISSUE))
async def credit(desk: AtForm, number: NumberInPath) -> Response:
    """Take back what is no longer sold."""
    return await desk.once(
        lambda session: _told(invoicing.issue_credit_notes(session, **desk.doing, number=number)),
        of=of_order(desk.programme_id, number),
        then=f"{desk.home}/commandes/{number}/factures",
        said=_("L'avoir est établi. Le fichier est prêt à être envoyé."),
        again=lambda desk: _show(desk, number),
    )


def _told(papers: list[Document]) -> dict[str, list[str]]:
    return {"documents": [one.name for one in papers]}
