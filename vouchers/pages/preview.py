"""A picture of the voucher as it would be printed, for whoever sets it up."""

from datetime import date
from typing import Final

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers.paper.voucher_sheet import SheetText, preview
from vouchers.rules import Rules, Terms

SAMPLE_CENTS: Final = 1_000
SAMPLE_BUYER: Final = "Commune de Sainte-Mère"


def sheet_text(known: Rules, terms: Terms) -> SheetText:
    """What stands on the vouchers of a programme, offered by nobody in particular."""
    return text_of(
        name=known.name,
        issuer_name=known.issuer_name,
        issuer_address=known.issuer_address,
        shops_url=known.shops_url,
        host=known.host,
        expires_on=known.expires_on,
        terms=terms,
    )


def text_of(
    *, name: str, issuer_name: str, issuer_address: str, shops_url: str, host: str, expires_on: date, terms: Terms
) -> SheetText:
    """The same from values that may not be kept anywhere yet."""
    return SheetText(
        programme_name=name,
        offered_by=SAMPLE_BUYER,
        issuer_name=issuer_name,
        issuer_address=", ".join(issuer_address.splitlines()),
        shops_address=shops_url.removeprefix("https://"),
        host=host.upper(),
        expires_on=expires_on,
        accent=terms.colour,
        wording=terms.legal_wording,
        logo=terms.logo,
    )


async def picture(text: SheetText, *, face_cents: int) -> Response:
    """The picture as an answer that no browser keeps."""
    return Response(await run_in_threadpool(preview, text, face_cents=face_cents), media_type="image/png")
