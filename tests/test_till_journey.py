"""The till in a real browser, before a real server: a printed voucher held before the camera becomes money owed.

Its picture of the camera is a film of the vouchers, drawn from the very PDF that the house printed and checked.
"""

import re
import uuid

import httpx2
import pypdfium2
import zxingcpp
from playwright.sync_api import Route, expect

from bench.tills import wire_headers
from tests.api.doors import pairing_body
from tests.makers import PairedPhone, Phone
from tests.phone import ANSWERED_MS, SHOWN_AGAIN_MS, OpenPhone, Stall, needs_chromium
from vouchers import clock, tills

pytestmark = needs_chromium

TEN = "10\u00a0€"


def test_a_printed_voucher_is_read_and_taken_undone_taken_again_then_refused_with_when_and_where(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """The day of one voucher, and of its neighbour on the sheet, whose QR code is torn."""
    phone = open_phone(stall.market.film_of(2))
    page = phone.page
    phone.pair(stall.pairing_code())
    expect(page.get_by_text("Commerce 0")).to_be_visible()

    expect(page.get_by_test_id("voucher-value")).to_have_text("10\u00a0€", timeout=SHOWN_AGAIN_MS)
    expect(page.get_by_test_id("voucher-serial")).to_have_text("N°\u00a00000002")
    assert stall.town.owed(0) == 0, "looking at a voucher takes nothing"
    phone.take("10\u00a0€")
    page.get_by_test_id("undo").click()
    expect(page.get_by_test_id("screen-undo")).to_be_visible()
    assert (stall.town.owed(0), stall.town.held(2)) == (1_000, ("redeemed", 0))

    page.get_by_test_id("undo-yes").click()
    expect(phone.verdict("undone")).to_be_visible(timeout=ANSWERED_MS)
    assert (stall.town.owed(0), stall.town.held(2)) == (0, ("active", 1_000))
    page.get_by_test_id("verdict-continue").click()

    expect(page.get_by_test_id("voucher-card")).to_be_visible(timeout=SHOWN_AGAIN_MS)
    phone.take("10\u00a0€")
    expect(page.get_by_test_id("today-total")).to_have_text("10\u00a0€", timeout=ANSWERED_MS)

    expect(phone.verdict("refused")).to_be_visible(timeout=SHOWN_AGAIN_MS)
    expect(page.get_by_test_id("verdict-reason")).to_have_text("Déjà utilisé")
    told = page.get_by_test_id("verdict-used")
    expect(told).to_contain_text("Déjà pris dans votre boutique")
    expect(told).to_contain_text(re.compile(r"\d\d:\d\d · 10\s€"))
    page.get_by_test_id("verdict-continue").click()

    phone.type_in(*stall.market.printed(1))
    expect(page.get_by_test_id("voucher-serial")).to_have_text("N°\u00a00000001")
    phone.take("10\u00a0€")
    assert stall.taken() == [2, 2, 1]
    assert stall.town.owed(0) == 2_000
    stall.town.books_hold()
    phone.kept_to_itself()
    assert not phone.complaints


def test_an_answer_that_is_lost_is_amber_and_asked_again_until_it_comes_and_the_money_moves_once(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """First the network fails before the server heard; then the server dies once it wrote, and the till is reopened."""
    phone = open_phone()
    page = phone.page
    phone.pair(stall.pairing_code())

    phone.type_in(*stall.market.printed(1))
    page.context.set_offline(True)
    page.get_by_test_id("redeem").click()
    expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)
    expect(page.get_by_text("Ne rendez pas le chèque")).to_be_visible()
    assert stall.taken() == [], "nobody heard it"
    page.context.set_offline(False)
    expect(phone.verdict("accepted")).to_be_visible(timeout=ANSWERED_MS)
    assert stall.taken() == [1]

    def dies_before_answering(route: Route) -> None:
        assert route.fetch().status == 201
        stall.server.kill()
        route.abort("connectionreset")

    phone.type_in(*stall.market.printed(3))
    page.route("**/api/v1/till/redemptions", dies_before_answering, times=1)
    page.get_by_test_id("redeem").click()
    expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)
    assert stall.taken() == [1, 3], "it was written, and the shop does not know"
    page.reload()
    expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)
    stall.server.start()
    expect(phone.verdict("accepted")).to_be_visible(timeout=ANSWERED_MS)
    expect(page.get_by_test_id("verdict-title")).to_have_text("Finalement accepté")
    assert stall.taken() == [1, 3]
    assert stall.town.owed(0) == 2_000
    stall.town.books_hold()
    phone.kept_to_itself()
    assert all("net::ERR_" in complaint for complaint in phone.complaints), phone.complaints


def test_three_vouchers_of_the_film_are_read_in_their_order_and_each_is_accepted(
    stall: Stall, open_phone: OpenPhone
) -> None:
    phone = open_phone(stall.market.film_of(1, 2, 3, away_s=3))
    phone.pair(stall.pairing_code())
    for serial in (1, 2, 3):
        told = phone.page.get_by_test_id("voucher-serial")
        expect(told).to_have_text(f"N°\u00a0{serial:07d}", timeout=SHOWN_AGAIN_MS)
        phone.take(TEN)
        phone.tap("verdict-continue")
    assert stall.taken() == [1, 2, 3]
    stall.town.books_hold()
    assert not phone.complaints


def test_a_basket_towards_a_sale_is_scanned_photographed_and_typed_and_refused_whole_for_one_voucher_which_is_named(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """A scanner that types, a photo of a code, and what is printed under the third; one is put back, one was spent."""
    phone = open_phone()
    page = phone.page
    phone.pair(stall.pairing_code())
    phone.shown("https://menu.example.fr/carte")
    expect(phone.verdict("foreign")).to_be_visible()
    phone.tap("verdict-continue")

    phone.shown(stall.market.qr_text(1))
    phone.on("basket")
    page.get_by_test_id("sale-total").fill("35")
    expect(page.get_by_test_id("sale-note")).to_have_text(re.compile(r"Reste à payer.*\b25\s€"))
    phone.tap("add-another")
    page.get_by_test_id("photo-file").set_input_files(stall.market.photo_of(2))
    phone.on("basket")
    phone.tap("add-another")
    phone.type_in(*stall.market.printed(3))
    lines = page.get_by_test_id("basket-line")
    expect(lines).to_have_count(3)
    expect(page.get_by_test_id("basket-total")).to_have_text("30\u00a0€")
    expect(page.get_by_test_id("sale-note")).to_have_text(re.compile(r"Reste à payer.*\b5\s€"))
    lines.filter(has_text="0000003").get_by_test_id("take-out").click()
    expect(lines).to_have_count(2)
    expect(page.get_by_test_id("sale-note")).to_have_text(re.compile(r"Reste à payer.*\b15\s€"))

    stall.town.spend(2, shop=1, at=clock.now())
    phone.tap("redeem")
    expect(phone.verdict("refused")).to_be_visible(timeout=ANSWERED_MS)
    expect(page.get_by_test_id("verdict-culprit")).to_contain_text("N°\u00a00000002")
    expect(page.get_by_test_id("verdict-used")).to_contain_text("Déjà pris chez Commerce 1")
    assert stall.town.owed(0) == 0, "all or nothing"
    phone.tap("verdict-continue")
    expect(page.get_by_test_id("voucher-serial")).to_have_text("N°\u00a00000001")
    phone.take(TEN)
    expect(page.get_by_test_id("still-to-pay")).to_contain_text("25\u00a0€")
    assert stall.town.owed(0) == 1_000
    stall.town.books_hold()
    phone.kept_to_itself()


def test_the_owner_names_a_cashier_who_signs_on_and_undoing_asks_for_the_owners_digits(
    stall: Stall, open_phone: OpenPhone
) -> None:
    phone = open_phone()
    page = phone.page
    phone.pair(stall.pairing_code())
    phone.enter_shop(*stall.owner())
    page.get_by_test_id("cashier-name").fill("Paul")
    page.get_by_test_id("cashier-pin").fill("2468")
    phone.tap("cashier-add")
    expect(page.get_by_test_id("owner-cashier")).to_contain_text("Paul", timeout=ANSWERED_MS)
    phone.tap("ask-cashier")
    expect(page.get_by_test_id("ask-cashier")).to_be_enabled(timeout=ANSWERED_MS)
    page.get_by_test_id("undo-pin").fill("9753")
    phone.tap("undo-pin-set")
    expect(page.get_by_text("Demandé à chaque annulation.")).to_be_visible(timeout=ANSWERED_MS)
    phone.tap("sign-out")

    page.reload()
    phone.on("cashier")
    phone.tap("cashier-choice")
    phone.digits("1111")
    expect(page.get_by_role("alert")).to_be_visible()
    phone.digits("2468")
    phone.on("counter")
    expect(page.get_by_test_id("on-duty")).to_have_text("Paul")
    phone.shown(stall.market.qr_text(1))
    phone.take(TEN)
    phone.tap("verdict-continue", "open-today")
    expect(page.get_by_test_id("day-item")).to_contain_text("Paul", timeout=ANSWERED_MS)
    phone.tap("day-undo")
    phone.digits("0000")
    expect(page.get_by_role("alert")).to_have_text("Code faux", timeout=ANSWERED_MS)
    assert stall.town.owed(0) == 1_000
    phone.digits("9753")
    expect(phone.verdict("undone")).to_be_visible(timeout=ANSWERED_MS)
    assert stall.town.owed(0) == 0
    stall.town.books_hold()


def test_training_is_played_on_the_phone_alone_and_its_vouchers_are_worth_nothing_outside(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """The sheet of false vouchers is printed from the till, and their QR codes are read off it."""
    phone = open_phone()
    page = phone.page
    phone.pair(stall.pairing_code())
    phone.tap("open-menu")
    with page.expect_download() as printed:
        phone.tap("menu-sheet")
    with pypdfium2.PdfDocument(printed.value.path()) as pdf:
        sheet = pdf[0].render(scale=3).to_pil().convert("RGB")
    false = sorted(code.text for code in zxingcpp.read_barcodes(sheet))
    assert false and all(text.startswith("HTTPS://CHEQUES.EXAMPLE.FR/TILL/#TRAINING-") for text in false)

    phone.tap("menu-training")
    expect(page.get_by_text("Entraînement\u00a0: rien n’est encaissé")).to_be_visible()
    asked = len(phone.asked)
    phone.shown(false[0])
    phone.tap("redeem")
    expect(phone.verdict("accepted")).to_be_visible()
    phone.tap("verdict-continue")
    phone.shown_again(false[0])
    expect(phone.verdict("refused")).to_be_visible()
    expect(page.get_by_test_id("verdict-reason")).to_have_text("Déjà utilisé")
    phone.tap("verdict-continue")
    phone.shown(stall.market.qr_text(1))
    page.wait_for_timeout(500)
    assert not [address for address in phone.asked[asked:] if "redemptions" in address or "look-up" in address]

    page.reload()
    phone.on("counter")
    phone.shown(false[1])
    expect(page.get_by_test_id("verdict-title")).to_have_text("Chèque d’entraînement")
    assert (stall.taken(), stall.town.owed(0)) == ([], 0)
    stall.town.books_hold()


def test_a_till_of_the_version_before_still_pairs_looks_redeems_undoes_and_lists(stall: Stall) -> None:
    """Its requests as they were, without a field of what came since."""
    phone, town = Phone(), stall.town
    with httpx2.Client(base_url=stall.server.address) as wire:
        paired = wire.post("/api/v1/tills/pair", json=pairing_body(phone, stall.pairing_code()))
        assert paired.status_code == 201
        till = PairedPhone(phone, town.house.read(tills.paired_till, till_id=paired.json()["till_id"]))

        def asks(method: str, path: str, body: bytes = b"", key: str = "") -> httpx2.Response:
            signed = till.request(method=method, path=f"/api/v1/till{path}", body=body, key=key, at=clock.now())
            headers = {name: value for name, value in wire_headers(signed).items() if value}
            return wire.request(method, f"/api/v1/till{path}", content=body, headers=headers)

        assert asks("GET", "").json()["today"] == {"count": 0, "cents": 0}
        code = town.secrets[1].code
        looked = asks("POST", "/look-up", b'{"voucher":{"code":"%s"}}' % code.encode())
        assert looked.json()["spendable"] is True
        basket = b'{"vouchers":[{"code":"%s","cents":null}],"sale_cents":null}' % code.encode()
        taken = asks("POST", "/redemptions", basket, str(uuid.uuid4()))
        assert (taken.status_code, taken.json()["cents"]) == (201, 1_000)
        number = taken.json()["redemption"]
        undone = asks("POST", f"/redemptions/{number}/reversal", b'{"reason":"erreur"}', str(uuid.uuid4()))
        assert (undone.status_code, undone.json()["redemption"]) == (201, number)
        day = clock.book_day(clock.now()).isoformat()
        (item,) = asks("GET", f"/redemptions?day={day}").json()["items"]
        assert (item["redemption"], item["reversed_cents"]) == (number, 1_000)
    town.books_hold()
