"""Papers that bind: invoices and credit notes made, every paper read as it was first made, and how they are wanted."""

import mimetypes
from base64 import b64encode
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field, StrictInt, StrictStr

from vouchers import archive, billing, invoicing, paper_settings
from vouchers.access import Act
from vouchers.api.fields import LINE_OR_NONE, MAX_ID, Body, Cents, Empty, Limit, Line, NumberInPath
from vouchers.api.guard import AtDesk, AtKeyedDesk, Own, Owner, does, of_order
from vouchers.api.shapes import Made, Page, page
from vouchers.archive import Document
from vouchers.db import ReadSession, WriteSession
from vouchers.paper_settings import Billing, PaperSettings

router: Final = APIRouter(prefix="/programmes/{programme_id}", tags=["Papers"])

Named = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", examples=["F1-2026-00001"])]
Kind = Literal[
    "face_value", "fee", "face_value_and_fee", "commission", "face_value_credit", "fee_credit",
    "face_value_and_fee_credit", "commission_credit", "statement", "bank_file", "dossier",
]  # fmt: skip
Seen = Annotated[int, Query(ge=0, le=MAX_ID, description="How many were seen already; 0 to begin")]
LineOrNone = Annotated[StrictStr, Field(max_length=200, pattern=LINE_OR_NONE)]
Sentence = Annotated[StrictStr, Field(min_length=1, max_length=400)]


class Invoicing(Body):
    """The buyer's engagement number, where the order has none or another."""

    purchase_order: Annotated[Line, Field(examples=["EJ-2026-0042"])] | None = None


class WantedBilling(Body):
    """What a buyer's accountant wants on invoices."""

    chorus_rule: Literal["none", "service", "engagement", "both", "either"] = "none"
    service_code: Line | None = None
    market: Line | None = None
    vat_number: Line | None = None
    email: Line | None = None


class Account(Body):
    """An account as the chamber's bookkeeper has it."""

    number: Annotated[Line, Field(examples=["512100"])]
    name: Annotated[Line, Field(examples=["Banque"])]


class WantedPapers(Body):
    """How the chamber wants its papers and books; what is left out has its default."""

    seller_form: LineOrNone = ""
    seller_street: LineOrNone = ""
    seller_postcode: LineOrNone = ""
    seller_town: LineOrNone = ""
    vat_number: Line | None = None
    invoice_form: Literal["apart", "together"] = "apart"
    vat_due: Literal["collection", "debits"] = "collection"
    payment_days: Annotated[StrictInt, Field(ge=0, le=billing.LONGEST_DAYS)] = 30
    legal_reference: Sentence = paper_settings.MULTI_PURPOSE
    recovery_terms: Sentence = paper_settings.RECOVERY
    late_terms: Sentence = paper_settings.LATE
    discount_terms: Sentence = paper_settings.NO_DISCOUNT
    face_value_bar: Annotated[Line, Field(examples=["OUTOFSCOPE"])] = "OUTOFSCOPE"
    letter_place: LineOrNone = ""
    letter_text: Annotated[StrictStr, Field(max_length=2_000)] = ""
    letter_signatory: LineOrNone = ""
    accounts: dict[str, Account] = Field(default_factory=dict, max_length=50)
    threshold_cents: Cents = 100_000_000


def of_document(programme_id: int, name: str) -> Owner:
    """A paper is its buyer's, or its merchant's; else the chamber's alone."""

    def whose(session: ReadSession) -> Own:
        found = archive.find(session, programme_id=programme_id, name=name)
        return Own(buyer_id=found.buyer_id, merchant_id=found.merchant_id)

    return whose


def of_buyer(buyer_id: int) -> Owner:
    """A buyer is its own people's."""
    return lambda _session: Own(buyer_id=buyer_id)


# ── Papers ───────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/documents", **does(Act.DOCUMENT_READ, gives=Page[Document]))
async def listed(desk: AtDesk, kind: Kind | None = None, after: Seen = 0, limit: Limit = 50) -> Response:
    """The papers, newest first; to a buyer's or a shop's people, their own."""

    def found(session: ReadSession, reach: Any) -> Any:
        own: dict[str, Any] = {}
        if not reach.everything:
            own = {"buyer_ids": sorted(reach.buyer_ids), "merchant_ids": sorted(reach.merchant_ids)}
        papers = archive.listed(
            session,
            programme_id=desk.programme_id,
            kinds=() if kind is None else (kind,),
            offset=after,
            limit=limit,
            **own,
        )
        return page(papers, limit=limit, number=lambda _paper: after + limit)

    return await desk.answer_within(found)


@router.get("/documents/{document}", **does(Act.DOCUMENT_READ, media="application/pdf"))
async def file(desk: AtDesk, document: Named) -> Response:
    """The file as it was first made; its ETag is the SHA-256 that the journal has, its digest RFC 9530's."""

    def found(session: ReadSession) -> tuple[Document, bytes]:
        of: dict[str, Any] = {"programme_id": desk.programme_id, "name": document}
        return archive.find(session, **of), archive.file_of(session, **of)

    paper, content = await desk.read(found, of=of_document(desk.programme_id, document))
    headers = {
        "Content-Disposition": f'attachment; filename="{paper.file_name}"',
        "ETag": f'"{paper.sha256}"',
        "Content-Digest": f"sha-256=:{b64encode(bytes.fromhex(paper.sha256)).decode()}:",
    }
    media = mimetypes.guess_type(paper.file_name)[0] or "application/octet-stream"
    return Response(content, media_type=media, headers=headers)


@router.post("/orders/{number}/invoices", **does(Act.INVOICE_ISSUE, gives=Page[Document], status=201))
async def invoice(body: Invoicing, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Make the invoices of an order: numbered without a gap, kept, never made again."""
    return await desk.once(
        lambda session: page(
            invoicing.issue_invoices(session, **desk.doing, number=number, purchase_order=body.purchase_order)
        ),
        of=of_order(desk.programme_id, number),
        status=201,
    )


@router.post("/orders/{number}/credit-notes", **does(Act.INVOICE_ISSUE, gives=Page[Document], status=201))
async def credit(_body: Empty, desk: AtKeyedDesk, number: NumberInPath) -> Response:
    """Take back what is no longer sold, each credit note correcting an invoice."""
    return await desk.once(
        lambda session: page(invoicing.issue_credit_notes(session, **desk.doing, number=number)),
        of=of_order(desk.programme_id, number),
        status=201,
    )


# ── How they are wanted ──────────────────────────────────────────────────────────────────────────────────────────
@router.get("/buyers/{buyer_id}/billing", **does(Act.BILLING_READ, gives=Billing))
async def billing_in_force(desk: AtDesk, buyer_id: NumberInPath) -> Response:
    """What a buyer's accountant wants on invoices."""
    return await desk.answer(
        lambda session: paper_settings.billing_of(session, programme_id=desk.programme_id, buyer_id=buyer_id),
        of=of_buyer(buyer_id),
    )


@router.put("/buyers/{buyer_id}/billing", **does(Act.BILLING_SET, gives=Made))
async def set_billing(body: WantedBilling, desk: AtKeyedDesk, buyer_id: NumberInPath) -> Response:
    """Set it, whole."""

    def act(session: WriteSession) -> Made:
        billing.set_billing(session, **desk.doing, buyer_id=buyer_id, wanted=Billing(**body.model_dump()))
        # The answer is kept under its key: the e-mail is not in it.
        return Made(buyer_id)

    return await desk.once(act, of=of_buyer(buyer_id))


@router.get("/paper-settings", **does(Act.PAPER_SETTINGS_READ, gives=PaperSettings))
async def settings_in_force(desk: AtDesk) -> Response:
    """How the chamber wants its papers and books."""
    return await desk.answer(lambda session: paper_settings.settings_of(session, programme_id=desk.programme_id))


@router.put("/paper-settings", **does(Act.PAPER_SETTINGS_SET, gives=Made))
async def set_settings(body: WantedPapers, desk: AtKeyedDesk) -> Response:
    """Set it, whole; papers that are made stay as they are."""
    accounts = {word: (account.number, account.name) for word, account in body.accounts.items()}
    wanted = PaperSettings(**{**body.model_dump(exclude={"accounts"}), "accounts": accounts})

    def act(session: WriteSession) -> Made:
        billing.set_paper_settings(session, **desk.doing, settings=wanted)
        return Made(desk.programme_id)

    return await desk.once(act)
