"""Paper that came by post, held before a real browser's camera at the chamber's desk."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.makers import SESSION_KEY, a_staff_member
from tests.phone import ANSWERED_MS, SHOWN_AGAIN_MS, OpenPhone, Stall, needs_chromium
from tests.pile import a_pile, pass_paper
from vouchers import clock, remit, sign_in

pytestmark = [*needs_chromium, pytest.mark.usefixtures("market")]


def test_three_vouchers_before_the_camera_are_counted_against_the_slip(stall: Stall, open_phone: OpenPhone) -> None:
    town, at = stall.town, clock.now()
    town.spend(3, shop=1, at=at)
    number = a_pile(town, slip=(3, 3_000), at=at)
    pass_paper(town, number, 4, at=at)
    of = {"programme_id": town.programme_id, "role_names": ("treasurer",)}
    opened = town.house.write(
        sign_in.open_session,
        staff_id=a_staff_member(town.house, **of, at=at),
        means="passkey",
        label="poste du trésorier",
        session_key=SESSION_KEY,
        lasts=timedelta(hours=1),
        at=at,
    )
    desk = open_phone(stall.market.film_of(1, 2, 3), viewport={"width": 1280, "height": 900})
    desk.context.add_cookies([{"name": "session", "value": opened.secret, "url": stall.server.address}])
    page = desk.page
    page.goto(f"{stall.server.address}/p/{town.programme_id}/remises/{number}")
    papers, figures = page.locator("#papers li"), page.locator("dl.figures dd")
    for serial in ("0000001", "0000002", "0000003"):
        expect(papers.filter(has_text=serial)).to_have_count(1, timeout=SHOWN_AGAIN_MS)
    expect(figures.nth(0)).to_contain_text("3", timeout=ANSWERED_MS)
    expect(figures.nth(1)).to_contain_text("30,00")
    expect(figures.nth(3)).to_contain_text("1")
    expect(page.locator("#aside")).to_contain_text("chez Commerce 1")
    expect(page.locator("#verdict")).to_contain_text("Déjà dans cette pile", timeout=SHOWN_AGAIN_MS)

    # A hand scanner types into the field, and a hand may too.
    page.fill("#f-read", stall.market.qr_text(5))
    page.press("#f-read", "Enter")
    expect(papers.filter(has_text="0000005")).to_have_count(1, timeout=ANSWERED_MS)
    page.fill("#f-read", " ".join(stall.market.printed(6)))
    page.press("#f-read", "Enter")
    expect(papers.filter(has_text="0000006")).to_have_count(1, timeout=ANSWERED_MS)
    assert page.input_value("#f-read") == ""
    assert not any(secret.code in address for secret in town.secrets.values() for address in desk.asked)
    assert desk.complaints == []
    pile = town.house.read(remit.find_remittance, programme_id=town.programme_id, number=number)
    assert (pile.count, pile.cents, pile.refused_count) == (5, 5_000, 1)
    town.books_hold()
