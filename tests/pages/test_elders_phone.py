"""An elder's phone on the voucher's page, in a real browser: what it is worth, until when, and a shop near home.

What stands behind the # of the QR goes off the address bar at once, and stays nowhere.
"""

import json
from datetime import timedelta
from typing import Any, Final

from playwright.sync_api import Page, expect

from tests.phone import ANSWERED_MS, OpenPhone, Stall, needs_chromium
from tests.test_directory import tells
from vouchers import clock, shop_profiles
from vouchers.shop_profiles import Place

pytestmark = needs_chromium

ELDERS: Final = {"viewport": {"width": 390, "height": 844}}
_KEPT: Final = """() => JSON.stringify([
  document.documentElement.outerHTML, location.href, history.state, document.title, document.cookie,
  {...localStorage}, {...sessionStorage}, performance.getEntriesByType("resource").map((one) => one.name),
])"""


def seen_nowhere(page: Page, code: str) -> None:
    """Neither on the page, nor in the address, nor in anything that the browser keeps of it."""
    kept = json.loads(page.evaluate(_KEPT))
    assert code not in json.dumps(kept).upper()
    assert page.url.endswith("/")
    assert code not in str(page.context.cookies()).upper()


def test_an_elder_scans_a_voucher_reads_what_it_is_worth_and_finds_a_shop(stall: Stall, open_phone: OpenPhone) -> None:
    """The whole of what the page is for, on a phone of 390 px."""
    town = stall.town
    tells(town.house, town.programme_id, town.merchants[0])
    what: dict[str, Any] = {"programme_id": town.programme_id, "merchant_id": town.merchants[0], "actor": "staff:1"}
    town.house.write(shop_profiles.set_place, **what, place=Place(49_000_000, -300_000), at=clock.now())
    phone = open_phone(**ELDERS)
    page, code = phone.page, town.secrets[1].code
    page.goto(f"{stall.server.address}/#{code}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce chèque est bon", timeout=ANSWERED_MS)
    answer = page.locator("#said")
    last = clock.day_fr(clock.book_day(clock.now()) + timedelta(days=200))
    for said in ("10\u00a0€", last, "Il reste 200 jours."):
        expect(answer).to_contain_text(said)
    seen_nowhere(page, code)
    size = answer.locator("[data-slot=balance]").evaluate("(value) => parseInt(getComputedStyle(value).fontSize)")
    assert int(size) >= 60
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(too_wide) == 0

    page.get_by_role("link", name="Voir les commerces près de chez vous").click()
    expect(page).to_have_url(f"{stall.server.address}/commerces/{town.programme_id}")
    page.get_by_role("link", name="Commerce 0").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Commerce 0")
    pin = page.get_by_role("button", name="Commerce 0")
    pin.scroll_into_view_if_needed()
    pin.press("Enter")
    expect(page.locator(".leaflet-popup").get_by_role("link", name="Commerce 0")).to_be_visible()
    assert page.evaluate(too_wide) == 0
    assert all(asked.startswith((stall.server.address, "data:", "about:")) for asked in phone.asked)
    assert not any(code in asked.upper() for asked in phone.asked)
    assert not [one for one in phone.complaints if "favicon" not in one and "404" not in one]


def test_without_network_nothing_is_lost_and_the_voucher_is_checked_when_it_is_back(
    stall: Stall, open_phone: OpenPhone
) -> None:
    """The page is open already; a second paper is held out where no bar of signal is, then tried again."""
    phone = open_phone(**ELDERS)
    page, code = phone.page, stall.town.secrets[2].code
    page.goto(f"{stall.server.address}/")
    phone.lose_network()
    page.evaluate("(code) => { location.hash = code; }", code)
    expect(page.get_by_role("heading", level=1)).to_have_text("La vérification n'a pas pu se faire")
    seen_nowhere(page, code)
    phone.find_network()
    page.get_by_role("button", name="Recommencer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce chèque est bon", timeout=ANSWERED_MS)
    page.goto(f"{stall.server.address}/#{'A' * 26}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nous ne connaissons pas ce chèque", timeout=ANSWERED_MS)
    page.goto(f"{stall.server.address}/#TRAINING-1000-1")
    expect(page.get_by_role("heading", level=1)).to_have_text("C'est un chèque d'entraînement")
