"""Every screen of the till is for everyone: axe finds nothing, a thumb finds the buttons, nothing runs off the edge.

One walk through all the screens in each language; at each of them, in light and in dark, axe-core with the rules of
WCAG 2.0 to 2.2, A and AA. With `TILL_PICTURES=folder` every screen is also kept as a picture, to be looked at.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from tests.makers import PASSWORD
from tests.phone import ANSWERED_MS, CHECKOUT, HOST, OpenPhone, Phone, Stall, needs_chromium
from vouchers import clock

pytestmark = needs_chromium

AXE: Final = CHECKOUT / "scanner_pwa" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES: Final = os.environ.get("TILL_PICTURES")
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
THUMB_PX: Final = 56
NARROWEST_PX: Final = 320
Screen = tuple[str, Page]

_FOUND: Final = """async (rules) => {
  const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  const said = ({ target, any }) => `${target.join(" ")} ${any[0]?.message ?? ""}`;
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${said(node)}`));
}"""
_SMALL: Final = """(least) => [...document.querySelectorAll("button:is(.primary, .danger, .amber, .solid)")]
  .map((button) => [button.textContent.trim(), button.getBoundingClientRect()])
  .filter(([, { width, height }]) => width > 0 && Math.min(width, height) < least)
  .map(([text, { width, height }]) => `${text} ${width}x${height}`)"""
_TOO_WIDE: Final = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""
_VERDICTS_STAY: Final = """{
  const own = setTimeout;
  window.setTimeout = (job, ms, ...rest) => own(job, ms === 4000 ? 1e9 : ms, ...rest);
}"""
"""A good verdict leaves by itself after 4 s; here it is looked at for longer."""


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_every_screen_is_for_everyone_in_light_and_dark_at_any_width(
    stall: Stall, open_phone: OpenPhone, locale: str
) -> None:
    assert AXE.is_file(), "axe-core is not installed: npm ci in scanner_pwa (make till does)"
    found: list[str] = []
    seen: list[str] = []
    for name, page in screens(stall, open_phone, locale):
        seen.append(name)
        page.evaluate(AXE.read_text())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{name}, {scheme}: {what}" for what in page.evaluate(_FOUND, RULES)]
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{len(seen):02d}-{name}-{locale[:2]}-{scheme}.png")
        found += [f"{name}: small: {what}" for what in page.evaluate(_SMALL, THUMB_PX)]
        page.set_viewport_size({"width": NARROWEST_PX, "height": 740})
        if wider := page.evaluate(_TOO_WIDE):
            found.append(f"{name}: runs {wider} px off the edge at {NARROWEST_PX} px")
        page.set_viewport_size({"width": 360, "height": 740})
        page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)
    assert len(seen) == len(set(seen)) > 40


# ── The walk ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def screens(stall: Stall, open_phone: OpenPhone, locale: str) -> Iterator[Screen]:
    """Every screen there is, one after the other, on one phone where that is possible."""
    email, _ = stall.owner()
    phone = open_phone(locale=locale)
    yield from at_first(stall, phone)
    yield from at_the_counter(stall, phone)
    yield from when_full(stall, phone)
    yield from at_the_owners(phone, email)
    yield from with_digits(stall, phone)
    yield from in_training(phone)
    yield from with_a_bad_network(stall, phone)
    yield from without_network(stall, phone)
    yield from where_it_cannot_work(stall, phone)
    phone.close()
    closed = open_phone(storage=False, locale=locale)
    closed.visit()
    expect(closed.page.get_by_test_id("storage-retry")).to_be_visible()
    yield "storage-refused", closed.page


def at_first(stall: Stall, phone: Phone) -> Iterator[Screen]:
    phone.context.add_init_script(_VERDICTS_STAY)
    page = phone.page
    phone.visit()
    phone.on("pairing")
    yield "pairing", page
    page.get_by_test_id("pairing-code").fill("ABC")
    phone.tap("pair-go")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "pairing-mistake", page
    phone.tap("pair-scan")
    expect(page.locator('[data-camera="on"]')).to_be_visible(timeout=ANSWERED_MS)
    yield "pairing-scan", page
    phone.tap("back")
    phone.pair(stall.pairing_code())
    expect(page.locator('[data-camera="on"]')).to_be_visible(timeout=ANSWERED_MS)
    yield "counter", page


def at_the_counter(stall: Stall, phone: Phone) -> Iterator[Screen]:
    page = phone.page
    phone.tap("open-typed")
    yield "typed", page
    phone.tap("typed-go")
    yield "typed-mistake", page
    phone.tap("back")

    phone.shown(stall.market.qr_text(1))
    phone.on("basket")
    yield "voucher", page
    page.get_by_test_id("sale-total").fill("x")
    yield "voucher-wrong-sale", page
    page.get_by_test_id("sale-total").fill("35")
    yield "voucher-towards-a-sale", page
    phone.tap("add-another")
    yield "counter-with-basket", page
    phone.shown(stall.market.qr_text(2))
    expect(page.get_by_test_id("basket-line")).to_have_count(2, timeout=ANSWERED_MS)
    yield "basket", page
    stall.town.spend(2, shop=1, at=clock.now())
    phone.tap("redeem")
    expect(phone.verdict("refused")).to_be_visible(timeout=ANSWERED_MS)
    yield "refused-for-one", page
    phone.tap("verdict-continue", "redeem")
    expect(phone.verdict("accepted")).to_be_visible(timeout=ANSWERED_MS)
    yield "accepted", page
    phone.tap("undo")
    yield "undo", page
    phone.tap("undo-no")

    phone.shown_again(stall.market.qr_text(1))
    expect(phone.verdict("refused")).to_be_visible(timeout=ANSWERED_MS)
    yield "refused", page
    phone.tap("verdict-continue")
    for name, text in (
        ("foreign", "https://menu.example.fr/"),
        ("foreign-pairing", f"HTTPS://{HOST.upper()}/TILL/#ABCDE23456"),
        ("foreign-training", f"HTTPS://{HOST.upper()}/TILL/#TRAINING-1000-7"),
    ):
        phone.shown(text)
        expect(phone.verdict("foreign")).to_be_visible()
        yield name, page
        phone.tap("verdict-continue")

    phone.tap("open-today")
    expect(page.get_by_test_id("day-item")).to_be_visible(timeout=ANSWERED_MS)
    yield "today", page
    phone.tap("open-search")
    yield "search", page
    page.get_by_test_id("search-serial").fill("1")
    phone.tap("search-go")
    expect(page.get_by_test_id("day-item")).to_be_visible(timeout=ANSWERED_MS)
    yield "search-found", page
    phone.tap("back", "open-account")
    expect(page.get_by_test_id("account-net")).to_be_visible(timeout=ANSWERED_MS)
    yield "account", page
    phone.tap("back", "open-disputes")
    expect(page.get_by_role("status").last).to_be_visible(timeout=ANSWERED_MS)
    yield "disputes-none", page
    phone.tap("back", "back")


def when_full(stall: Stall, phone: Phone) -> Iterator[Screen]:
    phone.close()
    phone.open().fill_up()
    phone.visit()
    phone.on("counter")
    phone.shown(stall.market.qr_text(5))
    phone.tap("redeem")
    expect(phone.verdict("refused")).to_be_visible(timeout=ANSWERED_MS)
    yield "storage-full", phone.page
    phone.close()
    phone.open().context.add_init_script(_VERDICTS_STAY)
    phone.visit()
    phone.on("counter")


def at_the_owners(phone: Phone, email: str) -> Iterator[Screen]:
    page = phone.page
    phone.tap("open-menu")
    yield "menu", page
    phone.tap("menu-owner")
    phone.on("owner")
    expect(page.get_by_test_id("sign-in")).to_be_visible(timeout=ANSWERED_MS)
    yield "owner-sign-in", page
    page.get_by_test_id("email").fill(email)
    page.get_by_test_id("password").fill("faux")
    phone.tap("sign-in")
    expect(page.get_by_role("alert")).to_be_visible(timeout=ANSWERED_MS)
    yield "owner-sign-in-mistake", page
    page.get_by_test_id("password").fill(PASSWORD)
    phone.tap("sign-in")
    expect(page.get_by_test_id("sign-out")).to_be_visible(timeout=ANSWERED_MS)
    yield "owner", page
    page.get_by_test_id("till-edit").first.click()
    yield "owner-till", page
    phone.tap("till-add")
    expect(page.get_by_test_id("new-code")).to_be_visible(timeout=ANSWERED_MS)
    yield "owner-code", page
    page.get_by_test_id("cashier-name").fill("Paul")
    page.get_by_test_id("cashier-pin").fill("2468")
    phone.tap("cashier-add")
    expect(page.get_by_test_id("owner-cashier")).to_be_visible(timeout=ANSWERED_MS)
    phone.tap("ask-cashier")
    expect(page.get_by_test_id("ask-cashier")).to_be_enabled(timeout=ANSWERED_MS)
    page.get_by_test_id("undo-pin").fill("9753")
    phone.tap("undo-pin-set")
    expect(page.get_by_test_id("undo-pin")).to_have_value("", timeout=ANSWERED_MS)
    yield "owner-cashiers", page
    phone.tap("sign-out")


def with_digits(stall: Stall, phone: Phone) -> Iterator[Screen]:
    page = phone.page
    page.reload()
    phone.on("cashier")
    yield "cashier", page
    phone.tap("cashier-choice")
    yield "cashier-pin", page
    phone.digits("1111")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "cashier-pin-wrong", page
    phone.digits("2468")
    phone.on("counter")
    yield "counter-with-cashier", page
    phone.tap("open-today", "day-undo")
    yield "undo-pin", page
    phone.digits("0000")
    expect(page.get_by_role("alert")).to_be_visible(timeout=ANSWERED_MS)
    yield "undo-pin-wrong", page
    phone.digits("9753")
    expect(phone.verdict("undone")).to_be_visible(timeout=ANSWERED_MS)
    yield "undone", page
    phone.tap("verdict-continue")


def in_training(phone: Phone) -> Iterator[Screen]:
    page = phone.page
    phone.tap("open-menu", "menu-training")
    phone.on("counter")
    yield "training", page
    phone.shown(f"HTTPS://{HOST.upper()}/TILL/#TRAINING-1000-7")
    phone.on("basket")
    yield "training-voucher", page
    phone.tap("redeem")
    expect(phone.verdict("accepted")).to_be_visible()
    yield "training-accepted", page
    phone.tap("verdict-continue", "open-menu", "menu-training")
    phone.on("counter")


def with_a_bad_network(stall: Stall, phone: Phone) -> Iterator[Screen]:
    page = phone.page
    held: list[Route] = []
    lost = False

    def bad(route: Route) -> None:
        if lost:
            route.abort("connectionreset")
        else:
            held.append(route)

    page.route("**/look-up", bad)
    phone.shown(stall.market.qr_text(3))
    expect(page.get_by_test_id("looking")).to_be_visible()
    yield "looking", page
    lost = True
    held.pop().abort()
    expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)
    yield "not-verified", page
    page.unroute("**/look-up")
    phone.tap("verdict-retry")
    phone.on("basket")

    lost = False
    page.route("**/redemptions", bad)
    phone.tap("redeem")
    phone.on("asking")
    yield "asking", page
    lost = True
    held.pop().abort()
    expect(phone.verdict("unknown")).to_be_visible(timeout=ANSWERED_MS)
    yield "unknown", page
    phone.tap("put-aside")
    expect(page.get_by_test_id("waiting-pill")).to_be_visible()
    yield "counter-with-waiting", page
    page.unroute("**/redemptions")
    expect(phone.verdict("accepted")).to_be_visible(timeout=60_000)
    yield "accepted-late", page
    phone.tap("verdict-continue")


def without_network(stall: Stall, phone: Phone) -> Iterator[Screen]:
    page = phone.page
    phone.on("counter")  # the verdict that was read is off the phone
    stall.allow_offline()
    page.reload()
    signed_on(phone)
    phone.holds_list()
    phone.lose_network()
    phone.shown(stall.market.qr_text(4))
    expect(page.get_by_test_id("voucher-offline")).to_be_visible(timeout=ANSWERED_MS)
    yield "voucher-offline", page
    phone.tap("redeem")
    expect(phone.verdict("offline")).to_be_visible(timeout=ANSWERED_MS)
    yield "accepted-offline", page
    phone.tap("verdict-continue")
    yield "counter-offline", page
    phone.tap("waiting-pill")
    phone.on("queue")
    yield "queue", page
    phone.tap("back")
    phone.shown_again(stall.market.qr_text(4))
    expect(phone.verdict("refused")).to_be_visible(timeout=ANSWERED_MS)
    yield "refused-offline", page
    phone.tap("verdict-continue")
    stall.town.spend(4, shop=1, at=clock.now())
    phone.find_network()
    expect(phone.verdict("dispute")).to_be_visible(timeout=ANSWERED_MS)
    yield "dispute", page
    phone.tap("verdict-continue", "open-today", "open-disputes")
    expect(page.get_by_test_id("dispute")).to_be_visible(timeout=ANSWERED_MS)
    yield "disputes", page
    phone.tap("back", "back")


def where_it_cannot_work(stall: Stall, phone: Phone) -> Iterator[Screen]:
    page = phone.page
    second = phone.context.new_page()
    second.goto(f"{phone.home}/till/")
    expect(second.get_by_test_id("take-over")).to_be_visible()
    second.set_viewport_size({"width": 360, "height": 740})
    yield "elsewhere", second
    second.close()

    stall.remove_tills()
    phone.shown(stall.market.qr_text(6))
    phone.on("pairing")
    yield "revoked", page


def signed_on(phone: Phone) -> None:
    """Paul opens the till for the day."""
    phone.tap("cashier-choice")
    phone.digits("2468")
    phone.on("counter")
