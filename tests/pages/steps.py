"""What people do at the desks in a real browser, and the papers in their hands, so that a journey reads as the trade.

A `Seat` is one person's page; a `Paper` one printed voucher of the demonstration, read off its sheet.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pypdfium2
import zxingcpp
from playwright.sync_api import Download, Locator, Page, expect
from sqlalchemy import select

from tests.demonstration import TownHall
from vouchers import clock, codes, redeem, sign_in
from vouchers.demo_cast import SignIn
from vouchers.paper.voucher_sheet import CHEQUES_A_PAGE
from vouchers.redeem import Presented
from vouchers.tables import till, voucher

LONG_AGO: Final = timedelta(minutes=40)
"""Longer than a sign-in is fresh (`access.FRESH`), shorter than a session."""
_PRINTED: Final = re.compile(r"N° (\d{7})\s+(\w{5} \w{5})")


# ── A person's page ──────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Seat:
    """One person before one page. What is typed is found by the name of its field, what is pressed by its words."""

    page: Page

    def menu(self, *labels: str) -> None:
        """Entries of the menu, one after the other."""
        for label in labels:
            self.page.get_by_role("navigation", name="Menu").get_by_role("link", name=label, exact=True).click()

    def types(self, **fields: Any) -> None:
        """Fill in, choose, tick; a path is a file to send. A field of many buttons is given the value of one."""
        for name, value in fields.items():
            field = self.page.locator(f'main [name="{name}"]')
            kind = field.first.evaluate("(one) => one.type")
            if kind == "radio":
                self.page.locator(f'main [name="{name}"][value="{value}"]').check()
            elif kind == "checkbox":
                field.check()
            elif kind == "file":
                field.set_input_files(value)
            elif kind == "select-one":
                field.select_option(value)
            else:
                field.fill(str(value))

    def press(self, name: str) -> None:
        """The button that says exactly this."""
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str | re.Pattern[str]) -> None:
        """The first link of the page that says exactly this."""
        exact = isinstance(name, str)
        self.page.get_by_role("main").get_by_role("link", name=name, exact=exact).first.click()

    def open(self, name: str) -> None:
        """What is folded away under these words."""
        self.page.get_by_role("main").locator("summary", has_text=name).click()

    def gets(self, name: str, kind: str = "button") -> Path:
        """The file that comes when this is pressed."""
        with self.page.expect_download() as coming:
            self.press(name) if kind == "button" else self.follow(name)
        came: Download = coming.value
        assert came.failure() is None, came.failure()
        return Path(came.path())

    def done(self, said: str) -> None:
        """The page says that it is done."""
        expect(self.page.locator("main > [role=status]")).to_contain_text(said)

    def to_do(self, said: str | re.Pattern[str]) -> Locator:
        """What the page says is next."""
        there = self.page.get_by_role("region", name="À faire maintenant")
        expect(there.get_by_role("heading")).to_have_text(said)
        return there

    def reads(self, *said: str) -> None:
        """All this stands on the page."""
        for words in said:
            expect(self.page.get_by_role("main")).to_contain_text(words)

    def proves_again(self, signs_in: SignIn) -> None:
        """The page asks who is there; the password answers."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Confirmez que c'est bien vous")
        self.types(password=signs_in.password)
        self.press("C'est bien moi")
        self.done("Merci, c'est bien vous.")


def signs_in_of(desks: TownHall, role: str) -> SignIn:
    """The person of the demonstration's cast, with the password made for it."""
    return next(one for one in desks.demonstration.story.sign_ins if one.role == role)


def seat(desks: TownHall, role: str, **how: Any) -> Seat:
    """Somebody who has just signed in, at the first page of their day."""
    return Seat(desks.page_of(role, **{"locale": "fr-FR", **how}))


def seat_since_this_morning(desks: TownHall, role: str) -> Seat:
    """Somebody who signed in too long ago to move money without proving again who they are."""
    _, session_key = desks.demonstration.settings.secret_bytes()
    opened = desks.house.write(
        sign_in.open_session,
        staff_id=desks.staff_id(role),
        means="password",
        label="essai",
        session_key=session_key,
        lasts=timedelta(hours=8),
        at=clock.now() - LONG_AGO,
    )
    context = desks.browser.new_context(locale="fr-FR")
    context.add_cookies([{"name": "session", "value": opened.secret, "url": desks.server.address}])
    page = context.new_page()
    page.goto(desks.home)
    return Seat(page)


def signs_in_by_password(desks: TownHall, role: str, **how: Any) -> Seat:
    """Somebody at the door, typing."""
    who = signs_in_of(desks, role)
    at = Seat(desks.sits_down(None, **{"locale": "fr-FR", **how}).new_page())
    at.page.goto(f"{desks.server.address}/connexion")
    at.types(email=who.email, password=who.password)
    at.press("Se connecter")
    at.page.wait_for_url(f"{desks.home}**")
    return at


# ── The keyboard ─────────────────────────────────────────────────────────────────────────────────────────────────
_FOCUSED: Final = """() => {
  const on = document.activeElement;
  const style = getComputedStyle(on), box = on.getBoundingClientRect();
  const label = on.labels?.[0]?.innerText ?? "";
  return {
    said: [on.innerText, on.name, on.value, label].filter(Boolean).join(" | "),
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0
      && box.bottom > 0 && box.top < innerHeight,
  };
}"""
_MOST_TABS: Final = 80


def tab_to(page: Page, wanted: str) -> None:
    """Tab until what has the focus says `wanted`; wherever the focus rests on the way, it is seen."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        assert focused["seen"], f"the focus on {focused['said']!r} of {page.url} is not seen"
        if wanted in focused["said"]:
            return
    raise AssertionError(f"no {wanted!r} within {_MOST_TABS} tabs on {page.url}")


# ── Papers ───────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Paper:
    """One printed voucher: its number, the control code beside it, and what is behind the # of its QR code."""

    serial: int
    control_code: str
    code: str

    @property
    def number(self) -> str:
        """As printed."""
        return codes.pretty_serial(self.serial)


def papers(desks: TownHall, *, state: str, few: int = 1) -> list[Paper]:
    """Some vouchers of the demonstration's batch that are in this state."""
    wanted = select(voucher.c.serial, voucher.c.code_hash).where(
        voucher.c.programme_id == desks.demonstration.story.programme_id,
        voucher.c.batch_number == desks.demonstration.story.batch_number,
        voucher.c.state == state,
        voucher.c.replaces_serial.is_(None),
    )
    rows = desks.house.read(lambda session: session.execute(wanted.order_by(voucher.c.serial).limit(few)).all())
    assert len(rows) == few, f"the story left {len(rows)} vouchers {state}"
    return [_paper(desks, serial, code_hash) for serial, code_hash in rows]


def _paper(desks: TownHall, serial: int, code_hash: bytes) -> Paper:
    pepper, _ = desks.demonstration.settings.secret_bytes()
    with pypdfium2.PdfDocument(desks.demonstration.folder / "planches.pdf") as sheets:
        page = sheets[(serial - 1) // CHEQUES_A_PAGE]
        controls = dict(_PRINTED.findall(page.get_textpage().get_text_bounded()))
        read = [one.text.rpartition("#")[2] for one in zxingcpp.read_barcodes(page.render(scale=2).to_pil())]
    code = next(one for one in read if codes.code_hash(pepper, one) == code_hash)
    return Paper(serial, controls[codes.pretty_serial(serial)], code)


def spend(desks: TownHall, paid_with: list[Paper], *, at_till: int) -> int:
    """These vouchers are taken at the shop of this till, whole; gives the shop."""
    pepper, _ = desks.demonstration.settings.secret_bytes()
    asked = select(till.c.merchant_id).where(till.c.id == at_till)
    merchant_id: int = desks.house.read(lambda session: session.execute(asked).scalar_one())
    desks.house.write(
        redeem.redeem,
        programme_id=desks.demonstration.story.programme_id,
        merchant_id=merchant_id,
        till_id=at_till,
        basket=[Presented(code_hash=codes.code_hash(pepper, one.code)) for one in paid_with],
        sale_cents=None,
        at=clock.now(),
    )
    return merchant_id


def pdf_text(path: Path) -> str:
    """The words of a PDF, spaces of every kind as one."""
    with pypdfium2.PdfDocument(path) as document:
        return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)
