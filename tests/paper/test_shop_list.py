"""The list for the envelope, read back from the PDF: in its order, with its pages counted, large, and never heavy."""

import io
import re
import tracemalloc
from datetime import date

import pypdfium2
import pytest

from tests.paper.test_statement import read
from vouchers.paper.shop_list import LARGE, SMALL, Cover, Entry, Layout, write_shop_list

COVER = Cover(
    programme="Noël à Saint-Pierre-en-Auge",
    issuer="CCI Seine Estuaire",
    shops_url="https://cheques.example.fr/commerces",
    expires_on=date(2027, 6, 30),
    on=date(2026, 11, 21),
)


def shops(count: int) -> list[Entry]:
    """So many shops, as they come: by commune, then by trade."""
    return [
        Entry(
            name=f"Maison {number}",
            trade=f"Métier {number * 8 // count % 4}",
            commune="L’Oudon" if number * 2 < count else "Évrecy",
            street=f"{number} rue de l’Église" if number % 3 else None,
            phone="02 31 00 00 00" if number % 2 else None,
        )
        for number in range(count)
    ]


def written(entries: list[Entry], *, layout: Layout = LARGE) -> bytes:
    out = io.BytesIO()
    write_shop_list(out, cover=COVER, entries=entries, layout=layout)
    return out.getvalue()


def test_the_list_goes_by_commune_then_trade_and_each_page_says_which_it_is() -> None:
    pages = read(written(shops(70)))
    whole = "\n".join(pages)
    said = (
        "Où dépenser vos chèques cadeaux", "Noël à Saint-Pierre-en-Auge", "À dépenser jusqu’au 30 juin 2027",
        "70 commerces, liste du 21 novembre 2026", "L’Oudon", "Métier 0", "Maison 1",
        "1 rue de l’Église · 02 31 00 00 00", "Évrecy", "Maison 69",
    )  # fmt: skip
    assert [whole.index(one) for one in said] == sorted(whole.index(one) for one in said)
    assert all(f"Page {number}/{len(pages)}" in page for number, page in enumerate(pages, start=1))
    assert sorted(map(int, re.findall(r"Maison (\d+)", whole))) == list(range(70))
    assert any("(suite)" in page for page in pages[1:])


@pytest.mark.parametrize(("layout", "least"), [(LARGE, 14), (SMALL, 12)])
def test_what_is_read_in_the_list_is_large(layout: Layout, least: int) -> None:
    document = pypdfium2.PdfDocument(written(shops(30), layout=layout))
    try:
        for page in document:
            sizes = [round(found.get_font_size()) for found in page.get_objects() if hasattr(found, "get_font_size")]
            assert min(sizes, default=12) >= 12
            assert {layout.name, layout.detail} <= set(sizes)
            assert min(layout.name, layout.detail) >= least
    finally:
        document.close()


def test_two_columns_take_fewer_sheets() -> None:
    large, small = (len(read(written(shops(200), layout=layout))) for layout in (LARGE, SMALL))
    assert small * 2 < large


def test_hostile_and_endless_names_stay_in_their_place() -> None:
    hostile = Entry("<b>Gras</b> \u202eRTL & " + "très long nom " * 20, "=1+1", "Caen\x00", "x" * 300, None)
    (page,) = read(written([hostile], layout=SMALL))
    assert "<b>Gras</b> RTL &" in page and "=1+1" in page and "\u202e" not in page


def test_a_town_without_shops_has_a_list_that_says_so() -> None:
    (page,) = read(written([]))
    assert "Aucun commerce" in page and "Page 1/1" in page


def test_a_list_of_ten_thousand_is_written_without_being_heavy() -> None:
    entries = shops(10_000)
    tracemalloc.start()
    try:
        pdf = written(entries)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(pdf) < 3_000_000
    assert most < 20_000_000
