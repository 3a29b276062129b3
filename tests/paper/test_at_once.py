"""Papers made at the same moment in one process: each is what it would have been alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from tests.paper.test_invoice import an_invoice
from tests.paper.test_statement import NOON, a_line, a_statement
from tests.paper.test_voucher_sheet import TEXT
from vouchers.paper.factur_x import invoice_pdf, invoice_xml, schema_faults
from vouchers.paper.pdfium import Drawn
from vouchers.paper.statement import statement_pdf
from vouchers.paper.training_sheet import training_sheet
from vouchers.paper.voucher_sheet import preview

AT_ONCE = 6
pytestmark = pytest.mark.usefixtures("threads_take_turns_often")


def papers() -> list[Callable[[], bytes]]:
    statements = [a_statement(a_line(serial), number=f"2026-11-{serial:04}") for serial in range(1, 9)]
    return [
        *(partial(statement_pdf, each) for each in statements),
        *(partial(invoice_pdf, an_invoice(kind), made_at=NOON) for kind in ("face_value", "fee")),
        partial(training_sheet, host="vouchers.example"),
        *(partial(preview, TEXT, face_cents=euros * 100) for euros in (5, 10, 20)),
    ]


def test_papers_made_at_once_are_those_made_alone() -> None:
    alone = [paper() for paper in papers()]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(3):
            assert list(pool.map(lambda paper: paper(), papers())) == alone


def test_pages_drawn_at_once_are_those_drawn_alone() -> None:
    pdf = statement_pdf(a_statement(*(a_line(serial) for serial in range(1, 121))))
    alone = pictures(pdf)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(pictures, [pdf] * 30)) == [alone] * 30


def test_invoices_checked_at_once_each_hear_of_their_own_faults() -> None:
    right = invoice_xml(an_invoice("fee"))
    wrong = right.replace(b"SellerTradeParty", b"OtherTradeParty")
    check = partial(schema_faults, level="en16931")
    heard = [], check(wrong)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(check, [right, wrong] * 100)) == [*heard] * 100


def pictures(pdf: bytes) -> list[bytes]:
    drawn = []
    with Drawn(pdf) as document:
        for number in range(document.pages):
            with document.page(number, dpi=72) as bitmap:
                drawn.append(bitmap.to_pil().tobytes())
    return drawn
