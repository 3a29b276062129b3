"""The till without network, in a real browser: nothing is lost, nothing paid twice, nothing green before its time.

The network goes twice: the server is killed, and the browser is told that it is offline.
"""

import re
import shutil
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.phone import ANSWERED_MS, CHECKOUT, SHOWN_AGAIN_MS, OpenPhone, Phone, Stall, needs_chromium
from vouchers import chart

pytestmark = needs_chromium

TEN = "10\u00a0€"


def test_three_vouchers_of_the_film_taken_without_network_outlive_a_killed_browser_and_are_paid_once(
    stall: Stall, open_phone: OpenPhone
) -> None:
    stall.allow_offline()
    phone = open_phone(stall.market.film_of(1, 2, 3, away_s=3))
    page = phone.page
    phone.pair(stall.pairing_code())
    phone.holds_list()
    stall.server.kill()
    phone.lose_network()

    for _ in range(3):
        expect(page.get_by_test_id("voucher-offline")).to_be_visible(timeout=SHOWN_AGAIN_MS)
        phone.take(TEN, tone="offline")
        expect(page.get_by_test_id("verdict-title")).to_have_text("Accepté, à confirmer")
        phone.tap("verdict-continue")
    expect(phone.verdict("refused")).to_be_visible(timeout=SHOWN_AGAIN_MS)
    expect(page.get_by_test_id("verdict-reason")).to_have_text("Déjà pris ici")
    assert stall.taken() == []

    phone.kill()
    page = phone.open(offline=True, blind=True).page
    phone.visit()
    waits = page.get_by_test_id("waiting-pill")
    expect(waits).to_have_text(re.compile(r"3 en attente depuis \d\d:\d\d · 30\s€"), timeout=ANSWERED_MS)
    assert stall.taken() == []

    stall.server.start()
    phone.find_network()
    expect(waits).to_be_hidden(timeout=ANSWERED_MS)
    expect(page.get_by_test_id("today-total")).to_have_text("30\u00a0€", timeout=ANSWERED_MS)
    assert sorted(stall.taken()) == [1, 2, 3]
    assert stall.town.owed(0) == 3_000
    stall.town.books_hold()
    phone.kept_to_itself()


def test_of_two_tills_that_take_one_voucher_without_network_one_is_paid_and_the_other_has_a_dispute_or_the_guarantee(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """Two vouchers shown in both shops: the guarantee pays for one of them, and has no money for the other."""
    stall.allow_offline(guarantee_cents=1_500)
    here, there = open_phone(), open_phone()
    for shop, phone in enumerate((here, there)):
        phone.pair(stall.pairing_code(shop))
        phone.holds_list()
    stall.server.kill()
    for phone in (here, there):
        phone.lose_network()
        phone.visit()
        expect(phone.page.get_by_test_id("offline")).to_contain_text("liste de", timeout=ANSWERED_MS)
        for serial in (1, 2):
            take_offline(phone, stall.market.qr_text(serial))

    waits = here.page.get_by_test_id("waiting-pill")
    expect(waits).to_contain_text("2 en attente", timeout=ANSWERED_MS)  # once the amber has left by itself
    stall.server.start()
    here.find_network()
    expect(waits).to_be_hidden(timeout=ANSWERED_MS)
    assert (stall.town.owed(0), stall.town.owed(1)) == (2_000, 0)

    there.find_network()
    page = there.page
    told = []
    for serial in (1, 2):
        expect(there.verdict("dispute")).to_contain_text(f"N°\u00a0{serial:07d}", timeout=ANSWERED_MS)
        expect(page.get_by_test_id("verdict-reason")).to_have_text("Déjà utilisé")
        expect(page.get_by_test_id("verdict-used")).to_contain_text("Déjà pris chez Commerce 0")
        told.append(page.get_by_test_id("verdict-guarantee").inner_text())
        there.tap("verdict-continue")
    assert told == [
        f"La garantie vous paie {TEN}.",
        "La chambre décidera s’il est payé. Gardez le chèque.",
    ]
    there.on("counter")
    there.tap("open-today", "open-disputes")
    expect(page.get_by_test_id("dispute")).to_have_count(2, timeout=ANSWERED_MS)
    expect(page.get_by_test_id("dispute").filter(has_text="Payé par la garantie")).to_have_count(1)

    assert (stall.town.owed(0), stall.town.owed(1)) == (2_000, 1_000)
    assert stall.town.balance(chart.GUARANTEE) == 1_000, "within its cap of 15 €"
    assert sorted(stall.taken()) == [1, 2], "each once"
    stall.town.books_hold()


def test_a_phone_that_was_removed_hears_of_it_at_once_and_what_it_took_before_goes_to_review(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """The owner removes it on the other phone of the shop, and pairs it again with a code shown there."""
    stall.allow_offline()
    owners, lost = open_phone(), open_phone()
    owners.pair(stall.pairing_code())
    lost.pair(stall.pairing_code())
    lost.holds_list()
    lost.lose_network()
    take_offline(lost, stall.market.qr_text(1))
    lost.tap("verdict-continue")

    owners.enter_shop(*stall.owner())
    tills = owners.page.get_by_test_id("owner-till")
    other = tills.filter(has_text="Téléphone de la caisse").filter(has_not_text="ce téléphone")
    other.get_by_test_id("till-edit").click()
    removal = tills.get_by_test_id("remove")
    removal.click()
    removal.click()
    expect(other).to_have_count(0, timeout=ANSWERED_MS)
    owners.tap("till-add")
    code = re.findall(r"[0-9A-Z]{5}", owners.page.get_by_test_id("new-code").locator(".big-code").inner_text())

    lost.find_network()
    expect(lost.page.get_by_test_id("screen-pairing")).to_be_visible(timeout=ANSWERED_MS)
    expect(lost.page.get_by_role("heading", level=1)).to_have_text("Ce téléphone n’est plus appairé")
    assert stall.disputes() == [("till_revoked", "open")]
    lost.page.get_by_test_id("pairing-code").fill("".join(code))
    lost.tap("pair-go")
    expect(lost.verdict("dispute")).to_be_visible(timeout=ANSWERED_MS)
    expect(lost.page.get_by_test_id("verdict-reason")).to_have_text("Téléphone retiré avant l’envoi")
    lost.tap("verdict-continue")
    lost.on("counter")

    lost.shown(stall.market.qr_text(2))
    lost.take(TEN)
    assert (stall.taken(), stall.town.owed(0)) == ([2], 1_000), "the voucher in review was not paid"
    stall.town.books_hold()


def test_a_new_version_waits_until_every_answer_has_come_and_nobody_is_served(
    stall: Stall, open_phone: OpenPhone, tmp_path: Path
) -> None:
    phone = open_phone()
    page = phone.page
    phone.pair(stall.pairing_code())
    page.route("**/api/v1/till/redemptions", _lost)
    phone.shown(stall.market.qr_text(1))
    phone.tap("redeem")
    expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)

    stall.server.kill()
    stall.server.release = newer_release(tmp_path)
    stall.server.start()
    phone.tap("put-aside")
    phone.on("counter")
    page.evaluate("navigator.serviceWorker.getRegistration().then((worker) => worker.update())")
    phone.comes(_NEWER_WAITS)
    for _ in range(2):
        page.wait_for_timeout(2_500)
        assert not is_newer(page), "it is not taken while a redemption has no answer, not even by a till opened anew"
        page.reload()
        expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)

    page.unroute("**/api/v1/till/redemptions")
    expect(phone.verdict("accepted")).to_be_visible(timeout=60_000)
    assert not is_newer(page)
    phone.tap("verdict-continue")
    expect(page.locator("meta[name=release]")).to_be_attached(timeout=ANSWERED_MS)
    phone.on("counter")
    assert stall.taken() == [1]
    phone.shown(stall.market.qr_text(2))
    phone.take(TEN)
    stall.town.books_hold()


def test_of_two_tabs_one_is_the_till_and_the_other_takes_over_what_waits(stall: Stall, open_phone: OpenPhone) -> None:
    stall.allow_offline()
    phone = open_phone()
    phone.pair(stall.pairing_code())
    phone.holds_list()
    phone.lose_network()
    take_offline(phone, stall.market.qr_text(1))
    phone.tap("verdict-continue")
    phone.on("counter")

    second = phone.context.new_page()
    second.goto(f"{phone.home}/till/")
    expect(second.get_by_test_id("verdict-title")).to_have_text("Caisse ouverte dans un autre onglet")
    second.get_by_test_id("take-over").click()
    expect(second.get_by_test_id("waiting-pill")).to_contain_text("1 en attente", timeout=ANSWERED_MS)
    expect(phone.page.get_by_test_id("verdict-title")).to_have_text("Caisse ouverte dans un autre onglet")

    phone.find_network()
    expect(second.get_by_test_id("waiting-pill")).to_be_hidden(timeout=ANSWERED_MS)
    assert stall.taken() == [1]
    stall.town.books_hold()


def test_a_phone_that_keeps_nothing_says_so_and_takes_nothing(stall: Stall, open_phone: OpenPhone) -> None:
    """One whose owner blocks storage; and one whose storage is full."""
    closed = open_phone(storage=False)
    closed.visit()
    expect(closed.page.get_by_test_id("verdict-title")).to_have_text("Ce téléphone ne peut pas noter")
    assert not [address for address in closed.asked if "/api/" in address]
    closed.close()

    full = open_phone()
    full.pair(stall.pairing_code())
    full.close()
    full.open().fill_up()
    full.visit()
    full.on("counter")
    full.shown(stall.market.qr_text(1))
    expect(full.page.get_by_test_id("voucher-card")).to_be_visible(timeout=ANSWERED_MS)
    full.tap("redeem")
    expect(full.page.get_by_test_id("verdict-title")).to_have_text("Ce téléphone ne peut pas noter")
    assert not [address for address in full.asked if address.endswith("/redemptions")]
    assert stall.taken() == []
    stall.town.books_hold()


# ── What several journeys do ─────────────────────────────────────────────────────────────────────────────────────────
def take_offline(phone: Phone, qr_text: str) -> None:
    """A voucher judged by the list on the phone and taken: amber."""
    phone.shown(qr_text)
    expect(phone.page.get_by_test_id("voucher-offline")).to_be_visible(timeout=ANSWERED_MS)
    phone.take(TEN, tone="offline")


def newer_release(folder: Path) -> Path:
    """The application as it would be with a newer till: another build, another page."""
    release = folder / "release"
    shutil.copytree(CHECKOUT / "vouchers", release / "vouchers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "migrations", release / "migrations", ignore=shutil.ignore_patterns("__pycache__"))
    till = release / "vouchers" / "static" / "till"
    worker, page = till / "service-worker.js", till / "index.html"
    for packed in [*till.glob("*.gz"), *till.glob("*.br")]:
        packed.unlink()  # of the older files
    worker.write_text(re.sub(r"till-[0-9a-f]{12}", "till-ffffffffffff", worker.read_text()))
    page.write_text(page.read_text().replace("<title>", '<meta name="release" content="newer"><title>'))
    return release


_NEWER_WAITS = "navigator.serviceWorker.getRegistration().then((worker) => worker.waiting !== null)"


def is_newer(page: Page) -> bool:
    """Whether the newer till is on the screen."""
    return page.locator("meta[name=release]").count() == 1


def _lost(route: Route) -> None:
    route.abort("connectionreset")
