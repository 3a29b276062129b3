"""Names that would be a script, a formula, a text that turns around, or a line without end: harmless wherever they go.

They come in by every form, and then each page, spreadsheet and paper that can be reached is looked at.
"""

import csv
import io
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urldefrag, urlsplit

import openpyxl
import pypdfium2

from tests.api.doors import Doors
from tests.makers import a_siret, an_iban
from tests.pages.browsing import Browser, Page, sits_down
from vouchers.paper.voucher_sheet import read_codes
from vouchers.verify import verify

SCRIPT: Final = "<script>alert(1)</script>"
FORMULA: Final = '=HYPERLINK("http://x")'
ENDLESS: Final = "W" * 120
"""The longest name that is taken, with nowhere to break it."""
TURNED: Final = "Zoé \u202egap"
TOO_LONG: Final = "W" * 300
NAMES: Final = (SCRIPT, FORMULA, ENDLESS)
_FORMULA_STARTS: Final = ("=", "+", "@", "\t", "\r")
_OF_A_KIND: Final = 4
"""Pages of one kind that are looked at: one for each name, and one more."""
_PATIENCE_S: Final = 60
_TRY_S: Final = 0.2


# ── Coming in ────────────────────────────────────────────────────────────────────────────────────────────────────
def refused(page: Page, field: str, said: str) -> None:
    """The form comes back, with the sentence beside its field and what was typed still there."""
    assert page.status == 422, page.text
    assert said in page.refusal, page.refusal
    assert field in page.tree.xpath("//*[@aria-invalid]/@name"), page.refusal


def sent(browser: Browser, page: Page, action: str, **typed: Any) -> Page:
    """A form that goes through."""
    came = browser.send(page, action, **typed)
    assert (came.status, came.refusal) == (200, ""), f"{page.path}: {came.refusal}"
    return came


def enrols(treasurer: Browser, home: str, name: str) -> Page:
    """A buyer of this name, at the desk."""
    return treasurer.send(
        treasurer.open(f"{home}/acheteurs/nouveau"), "/nouveau", name=name, address=f"{name}\n14170 Falaise"
    )


def joins(stranger: Browser, programme_id: int, name: str) -> Page:
    """A shop of this name, by the public form."""
    return stranger.send(
        stranger.open(f"/rejoindre/{programme_id}"),
        shop_name=name, legal_name=name, siret=a_siret(), trade=name[:60], trade_other=name[:60], street=name,
        postcode="14170", commune=name[:80], contact_name=name, email="a@example.fr", phone="02 31 00 00 00",
        about=name * 3, account_holder=name[:70], iban=an_iban(), consent="1",
    )  # fmt: skip


def a_list() -> bytes:
    """Five people, as a spreadsheet saves them: three names to be taken, two to be put right."""
    out = io.StringIO()
    lines = csv.writer(out, delimiter=";")
    lines.writerow(("Nom", "Prénom", "Adresse", "CP", "Ville", "Tournée", "Nombre", "Valeur"))
    for name in (*NAMES, TURNED, TOO_LONG):
        lines.writerow(
            (name[:80] if name in NAMES else name, name[:80], name, "14170", name[:80], name[:60], "2", "10")
        )
    return out.getvalue().encode()


def bought(doors: Doors, programme_id: int, buyer_id: int, folder: Path) -> list[str]:
    """The list is brought, put right, ordered, paid, issued, printed, handed over, given out; gives the codes."""
    home = f"/p/{programme_id}"
    clerk = sits_down(doors, programme_id, "buyer_clerk", buyer_id=buyer_id)
    deputy = sits_down(doors, programme_id, "buyer_approver", buyer_id=buyer_id)
    treasurer, approver = sits_down(doors, programme_id, "treasurer"), sits_down(doors, programme_id, "approver")
    new = clerk.open(f"{home}/listes/nouvelle")
    columns = sent(clerk, new, "/nouvelle", name=SCRIPT, files={"file": ("=liste.csv", a_list(), "text/csv")})
    check = sent(clerk, columns, "/colonnes")
    assert "inversion du sens" in check.text
    assert "de 1 à 80 caractères" in check.text
    for line in (5, 6):
        check = sent(clerk, clerk.open(f"{columns.path.removesuffix('/colonnes')}/lignes/{line}"), "/decision")
    order = sent(clerk, check, "/commande", purchase_order=FORMULA)
    sent(clerk, clerk.open(order.path), "/placement")
    sent(deputy, deputy.open(order.path), "/approbation")
    sent(treasurer, treasurer.open(order.path), "/paiement", bank_reference=f"{SCRIPT} {buyer_id}")
    begun = sent(treasurer, treasurer.open(f"{order.path}/emission"), "/emission")
    lot = begun.path
    until = time.monotonic() + _PATIENCE_S
    while "Imprimer les planches" not in (issued := treasurer.open(lot)).text:
        assert time.monotonic() < until, issued.text
        time.sleep(_TRY_S)
    sheets = folder / "planches.pdf"
    sheets.write_bytes(sent(treasurer, issued, "/planches").response.content)
    sent(treasurer, treasurer.open(lot), "/remise", kept="1")
    sent(treasurer, treasurer.open(order.path), "/livraison")
    sent(approver, approver.open(lot), "/activation", received="1")
    sent(clerk, clerk.open(order.path), "/attribution")
    look_over(sheets.name, sheets.read_bytes())
    return [text.rpartition("#")[2] for text in read_codes(sheets)]


# ── Looked at ────────────────────────────────────────────────────────────────────────────────────────────────────
def look_over(name: str, content: bytes) -> None:
    """A file that came: a spreadsheet without a formula, a paper with nothing off its edge."""
    if content.startswith(b"%PDF"):
        assert off_the_edge(content) == [], name
    elif content.startswith(b"PK"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert cells, name
        assert [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink] == [], name
    else:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
        assert rows, name
        assert [cell for row in rows for cell in row if cell.startswith(_FORMULA_STARTS)] == [], name


def off_the_edge(content: bytes) -> list[str]:
    """What of a paper's text is not within its pages."""
    found = []
    with pypdfium2.PdfDocument(content) as document:
        for number, page in enumerate(document, start=1):
            wide, high = page.get_size()
            text = page.get_textpage()
            for rank in range(text.count_rects()):
                left, bottom, right, top = text.get_rect(rank)
                if not (0 <= left <= right <= wide and 0 <= bottom <= top <= high):
                    found.append(f"page {number}: {text.get_text_bounded(left, bottom, right, top)!r}")
    return found


def walk(browser: Browser, *starts: str) -> Iterator[tuple[str, Page]]:
    """Every page and file reached from here by links, a few of each kind."""
    waiting, known, kinds = list(starts), set[str](), Counter[str]()
    while waiting:
        address = urldefrag(waiting.pop(0)).url
        path = urlsplit(address).path
        kind = re.sub(r"\d+", "0", path)
        if not address.startswith("/") or address in known or kinds[kind] >= _OF_A_KIND:
            continue
        known.add(address)
        kinds[kind] += 1
        page = browser.open(address)
        assert page.status == 200, f"{address}: {page.status}"
        yield path, page
        if page.response.headers["content-type"].startswith("text/html"):
            waiting += page.links()


def looked_at(browser: Browser, *starts: str) -> Counter[str]:
    """All of it; gives how many pages show each name as plain text."""
    shown = Counter[str]()
    for path, page in walk(browser, *starts):
        kind = page.response.headers["content-type"].partition(";")[0]
        if kind == "text/html":
            assert [one for one in page.tree.xpath("//script/text()") if "alert" in one] == [], path
            assert not page.tree.xpath("//@*[starts-with(name(), 'on')]"), path
            assert [link for link in page.links() if link.startswith(("javascript:", "data:"))] == [], path
            shown.update(name for name in NAMES if name in page.text)
        elif kind in {"text/csv", "application/pdf"} or "spreadsheet" in kind:
            shown[kind] += 1
            look_over(path, page.response.content)
    return shown


def test_names_that_are_scripts_formulae_or_endless_are_harmless_on_pages_in_spreadsheets_and_on_paper(
    doors: Doors, stranger: Browser, tmp_path: Path
) -> None:
    programme_id = doors.programme()
    home = f"/p/{programme_id}"
    treasurer, approver = sits_down(doors, programme_id, "treasurer"), sits_down(doors, programme_id, "approver")
    for name, said in ((TURNED, "inversion du sens"), (TOO_LONG, "de 1 à 120 caractères")):
        refused(enrols(treasurer, home, name), "name", said)
        refused(joins(stranger, programme_id, name), "shop_name", said)
    buyers = [int(enrols(treasurer, home, name).path.rpartition("/")[2]) for name in NAMES]
    shops = []
    for application, name in enumerate(NAMES, start=1):
        joined = joins(stranger, programme_id, name)
        assert joined.path.endswith("/merci"), joined.refusal
        at = treasurer.open(f"{home}/candidatures/{application}")
        shops.append(int(sent(treasurer, at, "/acceptation").path.rpartition("/")[2]))
        account = approver.open(f"{home}/comptes/{application}")
        sent(approver, account, "/confirmation", reason=name)
    taken = []
    for buyer_id in buyers:
        secrets = bought(doors, programme_id, buyer_id, tmp_path)
        for shop, code in zip(shops, secrets, strict=False):
            assert doors.till(programme_id, shop).redeem(code).status_code == 201
            taken.append(code)
    assert len(taken) == 9

    for shop, name in zip(shops, NAMES, strict=True):
        at = treasurer.open(f"{home}/commercants/{shop}")
        sent(treasurer, at, "/suspension", reason=name)
    refused(
        treasurer.send(treasurer.open(f"{home}/commercants/{shops[0]}"), "/reprise", reason=TURNED),
        "reason",
        "inversion du sens",
    )
    none_to_pay = treasurer.send(treasurer.open(f"{home}/reglements"), "/reglements")
    assert "seulement à des commerces suspendus" in none_to_pay.refusal
    for shop, name in zip(shops, NAMES, strict=True):
        sent(treasurer, treasurer.open(f"{home}/commercants/{shop}"), "/reprise", reason=name)
    held = treasurer.open(f"{home}/retenues/commercants/{shops[0]}")
    one = next(link for link in held.links() if "ligne=" in link)
    sent(treasurer, treasurer.open(one), f"/commercants/{shops[0]}", because=SCRIPT)
    proposed = sent(treasurer, treasurer.open(f"{home}/reglements"), "/reglements")
    run = proposed.path
    sent(approver, approver.open(run), "/approbation")
    sent(treasurer, treasurer.open(run), "/fichier")
    sent(treasurer, treasurer.open(run), "/execution")

    auditor = sits_down(doors, programme_id, "auditor")
    shown = sum((looked_at(one, home, f"{home}/chiffres") for one in (treasurer, auditor)), Counter[str]())
    clerk = sits_down(doors, programme_id, "buyer_clerk", buyer_id=buyers[0])
    shown += looked_at(clerk, f"{home}/campagne", f"{home}/listes")
    shown += looked_at(stranger, f"/commerces/{programme_id}", f"/jauge/{programme_id}")
    for name in NAMES:
        assert shown[name] > 20, shown
    assert min(shown["text/csv"], shown["application/pdf"]) > 10, shown
    assert [str(fault) for fault in doors.house.read(verify)] == []
