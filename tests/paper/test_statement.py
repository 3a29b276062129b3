"""The merchant's statement, read back from the finished PDF: what is printed adds up, on every page."""

import gc
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pypdfium2
import pytest

from vouchers.money import commission_on
from vouchers.paper.statement import (
    NOT_AN_INVOICE,
    Party,
    Statement,
    StatementDoesNotAdd,
    StatementLine,
    masked,
    pages_of,
    statement_pdf,
    write_statements,
)
from vouchers.paper.window import WINDOW_HEIGHT, WINDOW_LEFT, WINDOW_TOP, WINDOW_WIDTH

IBAN = "FR7630006000011234567890189"
NOON = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)


def a_line(serial: int, *, cents: int = 1_000) -> StatementLine:
    return StatementLine(NOON + timedelta(minutes=serial), "redeemed", serial, "Téléphone de Paul", cents)


def a_statement(*lines: StatementLine, number: str = "2026-11-0017") -> Statement:
    gross = sum(line.cents for line in lines if line.kind != "returned")
    kept = commission_on(gross, commission_bp=500, vat_bp=2_000)
    return Statement(
        number=number,
        issuer=Party("CCI Seine Estuaire", ("181 quai Frissard", "76067 Le Havre Cedex"), "13002145600018"),
        merchant=Party("SARL Œuvre & Fils", ("3 rue de l’Église", "14170 Saint-Pierre-en-Auge"), "35600000000048"),
        shop_name="Boulangerie de l’Abbatiale",
        iban=IBAN,
        period_from=date(2026, 11, 1),
        period_to=date(2026, 11, 15),
        lines=lines,
        commission_bp=500,
        commission_cents=kept.commission_cents,
        vat_bp=2_000,
        vat_cents=kept.vat_cents,
        net_cents=sum(line.cents for line in lines) - kept.commission_cents - kept.vat_cents,
        run="12",
        execution_on=date(2026, 12, 1),
        transfer_reference="RUN12-S17",
        transfer_label="CHEQUES CADEAUX 01-15/11/2026",
        commission_invoice="F2026-0412",
    )


def read(pdf: bytes) -> list[str]:
    """The text of each page, spaces made plain."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = []
        for page in document:
            text = page.get_textpage()
            pages.append(re.sub(r"[\u00a0\u202f]", " ", text.get_text_bounded()).replace("\r\n", "\n"))
            text.close()
            page.close()
        return pages
    finally:
        document.close()


def cents_printed(page: str, pattern: str) -> list[int]:
    """Amounts that end the lines which match `pattern`."""
    rows = [row for row in page.split("\n") if re.search(pattern, row)]
    found = [re.search(r"(−?[0-9 ]+),([0-9]{2})(?: €)?$", row) for row in rows]
    return [int((hit[1] + hit[2]).replace(" ", "").replace("−", "-")) for hit in found if hit]


def test_a_merchant_reads_who_pays_what_why_and_how_to_find_it_on_the_account() -> None:
    later = NOON + timedelta(days=3)
    returned = StatementLine(later, "returned", None, None, 123_450, "compte clôturé", came_back="R1-1-70")
    reversed_ = StatementLine(NOON + timedelta(minutes=5), "reversed", 2, "Téléphone de Paul", -1_000)
    guaranteed = StatementLine(NOON, "guaranteed", 3, "Téléphone de Paul", 1_000)
    lines = (a_line(1), a_line(2), reversed_, a_line(4217, cents=1_000), guaranteed, returned)
    (page,) = read(statement_pdf(a_statement(*lines)))
    for said in (
        "Relevé de remboursement\nn° 2026-11-0017",
        NOT_AN_INVOICE,
        "SARL Œuvre & Fils",
        "Boulangerie de l’Abbatiale",
        "SIRET 356 000 000 00048",
        "du 01/11/2026 au 15/11/2026",
        "1er décembre 2026",
        "Règlement n° 12",
        "facture n° F2026-0412",
        "référence RUN12-S17, libellé « CHEQUES CADEAUX 01-15/11/2026 »",
        "02/11/2026 à 12 h 01 Chèque accepté 0000001 Téléphone de Paul 10,00",
        "Acceptation annulée 0000002 Téléphone de Paul −10,00",
        "Virement du relevé R1-1-70 retourné : compte clôturé 1 234,50",
        "Garantie : chèque accepté hors réseau 0000003 Téléphone de Paul 10,00",
        "Chèques acceptés (3) 30,00 €",
        "Garantie, chèques acceptés hors réseau (1) 10,00 €",
        "Total des opérations 1 264,50 €",
        "Commission 5 % HT de 30,00 € −1,50 €",
        "TVA 20 % sur commission −0,30 €",
        "Net à vous virer 1 262,70 €",
        "Page 1/1",
    ):
        assert said in page


def test_a_long_reason_goes_on_in_a_second_row_and_its_transfer_counts_once() -> None:
    why = "ce compte ne reçoit pas de virement (un livret, par exemple)"
    returned = StatementLine(NOON, "returned", None, None, 5_000, why, came_back="R1-12-1170")
    (page,) = read(statement_pdf(a_statement(a_line(1), returned, a_line(2))))
    assert "Virement du relevé R1-12-1170 retourné : ce compte" in page and why[-16:] in page
    assert "Total des opérations 70,00 €" in page


def test_the_merchant_stands_within_the_window_of_an_envelope_as_the_post_reads_it() -> None:
    shop = "Boulangerie de l’Abbatiale"
    long = Party("Société d'exploitation des établissements Lefèvre", ("Bât. B, 3 bis rue de l’Église", "14170 Caen"))
    for merchant, said in (
        (a_statement().merchant, ["SARL Œuvre & Fils", shop, "3 RUE DE L EGLISE"]),
        (long, ["Société d’exploitation des", "établissements Lefèvre", shop, "Bât. B", "3 BIS RUE DE L EGLISE"]),
    ):
        pdf = statement_pdf(replace(a_statement(a_line(1)), merchant=merchant))
        with pypdfium2.PdfDocument(pdf) as document:
            text = document[0].get_textpage()
            edges = WINDOW_LEFT, WINDOW_TOP - WINDOW_HEIGHT, WINDOW_LEFT + WINDOW_WIDTH, WINDOW_TOP
            within = text.get_text_bounded(*edges).split("\r\n")
        assert within[: len(said)] == said and len(within) <= 6
        assert within[-1] == merchant.address[-1].upper().replace("-", " ")


def test_the_account_of_the_merchant_is_masked_to_its_last_four() -> None:
    assert masked("FR76 3000 6000 0112 3456 7890 189") == "FR••\u00a0••••\u00a00189"
    (page,) = read(statement_pdf(a_statement(a_line(1))))
    assert "0189" in page
    assert "7890" not in page.replace(" ", "")


def test_many_pages_repeat_the_head_carry_the_total_and_add_up_as_printed() -> None:
    statement = a_statement(*(a_line(serial, cents=100 * serial) for serial in range(1, 121)))
    pages = read(statement_pdf(statement))
    assert len(pages) == len(pages_of(120)) > 2
    carried = 0
    for number, page in enumerate(pages, start=1):
        assert f"Page {number}/{len(pages)}" in page
        assert NOT_AN_INVOICE in page
        assert "Chèque n° Caisse Montant (€)" in page
        assert cents_printed(page, "^Report de la page") == ([carried] if number > 1 else [])
        carried += sum(cents_printed(page, r"^\d\d/\d\d/\d{4} à .* Chèque accepté"))
        assert cents_printed(page, "^À reporter") == ([carried] if number < len(pages) else [])
    assert cents_printed(pages[-1], "^Total des opérations") == [carried] == [statement.gross_cents]
    assert re.findall(r"accepté (\d{7})", "".join(pages)) == [f"{serial:07d}" for serial in range(1, 121)]


def test_every_number_of_lines_finds_its_pages_and_the_account_is_never_alone() -> None:
    for lines in range(400):
        counts = pages_of(lines)
        assert sum(counts) == lines
        assert len(counts) == 1 or min(counts) >= 3


def test_a_statement_that_does_not_add_up_is_not_printed() -> None:
    good = a_statement(a_line(1))
    with pytest.raises(StatementDoesNotAdd):
        replace(good, net_cents=good.net_cents + 1)


def test_without_a_transfer_the_balance_is_carried_and_nothing_is_promised() -> None:
    owed = StatementLine(NOON, "reversed", 3, "Téléphone de Paul", -2_000)
    statement = replace(
        a_statement(owed), run=None, execution_on=None, transfer_reference=None, commission_invoice=None
    )
    (page,) = read(statement_pdf(statement))
    assert "Solde reporté, sans virement −18,80 €" in page
    assert page.count("à venir") == 3
    assert "Sur votre relevé bancaire" not in page


def test_hostile_and_endless_names_stay_on_one_page() -> None:
    endless = "Ω\u202e\u0000<b>" + "Pâtisserie " * 60
    party = Party(endless, (endless,) * 4, None)
    line = StatementLine(NOON, "redeemed", 10**12, endless, 99_999_999_999, endless)
    statement = replace(a_statement(line), merchant=party, issuer=party, shop_name=endless, transfer_label=endless)
    assert len(read(statement_pdf(statement))) == 1


def test_the_same_statement_is_the_same_bytes_with_its_fonts_inside() -> None:
    pdf = statement_pdf(a_statement(a_line(1)))
    assert pdf == statement_pdf(a_statement(a_line(1)))
    assert b"Helvetica" not in pdf
    assert b"FiraSans" in pdf


def test_a_town_of_statements_goes_into_one_file_one_at_a_time() -> None:
    alive: list[int] = []

    def town() -> Iterator[Statement]:
        for shop in range(70):
            if shop % 23 == 0:
                alive.append(sum(isinstance(thing, Statement) for thing in gc.get_objects()))
            yield a_statement(*map(a_line, range(1, 31)), number=f"2026-11-{shop:04d}")

    out = io.BytesIO()
    write_statements(out, statements=town())
    document = pypdfium2.PdfDocument(out.getvalue())
    assert len(document) == 70 * len(pages_of(30))
    titles = [entry.get_title() for entry in document.get_toc()]
    assert titles == [f"Boulangerie de l’Abbatiale, relevé 2026-11-{shop:04d}" for shop in range(70)]
    document.close()
    assert max(alive) - alive[0] <= 1


def test_a_file_of_no_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="no statement"):
        write_statements(io.BytesIO(), statements=[])
