"""The till in a real browser, before a real server: a printed voucher held before the camera becomes money owed.

Its picture of the camera is a film of the voucher, drawn from the very PDF that the house printed and checked.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pypdfium2
import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Route, expect, sync_playwright

from tests.camera import film
from tests.makers import PEPPER, SESSION_KEY, a_pairing_code, moves_of
from tests.town import APPROVER, TREASURER, Town, a_town
from vouchers import clock, codes, issue, workshop
from vouchers.api.app import TILL_FILES
from vouchers.db import Database

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOST: Final = "cheques.example.fr"
SHOWN_AGAIN_MS: Final = 40_000
"""The film shows the voucher every 6 s; a busy machine plays it more slowly."""
ANSWERED_MS: Final = 25_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on the PATH (chromium, chromium-browser or google-chrome)"
    ),
]


def test_a_printed_voucher_is_read_and_taken_undone_taken_again_then_refused_with_when_and_where(
    stall: "Stall", open_phone: "OpenPhone"
) -> None:
    """The day of one voucher, and of its neighbour on the sheet, whose QR code is torn."""
    phone = open_phone(stall.film_of(2))
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

    phone.type_in(*stall.printed(1))
    expect(page.get_by_test_id("voucher-serial")).to_have_text("N°\u00a00000001")
    phone.take("10\u00a0€")
    assert stall.taken() == [2, 2, 1]
    assert stall.town.owed(0) == 2_000
    stall.town.books_hold()
    phone.kept_to_itself()
    assert not phone.complaints


def test_an_answer_that_is_lost_is_amber_and_asked_again_until_it_comes_and_the_money_moves_once(
    stall: "Stall", open_phone: "OpenPhone"
) -> None:
    """First the network fails before the server heard; then the server dies once it wrote, and the till is reopened."""
    phone = open_phone(None)
    page = phone.page
    phone.pair(stall.pairing_code())

    phone.type_in(*stall.printed(1))
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

    phone.type_in(*stall.printed(3))
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


# ── The stall ────────────────────────────────────────────────────────────────────────────────────────────────────
class Server:
    """The application in a process of its own, so that it can be killed."""

    def __init__(self, database_url: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self._settings = {
            "VOUCHERS_DATABASE_URL": database_url,
            "VOUCHERS_PEPPER": PEPPER.hex(),
            "VOUCHERS_SESSION_KEY": SESSION_KEY.hex(),
            "VOUCHERS_ANCHORS_FILE": str(folder / "anchors.json"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it can work."""
        asked = ["uvicorn", "vouchers.api.app:create_app", "--factory", "--port", self.address.rpartition(":")[2]]
        quiet = ["--host", "127.0.0.1", "--no-access-log", "--log-level", "warning"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *asked, *quiet], env=os.environ | self._settings, cwd=Path(__file__).parents[1]
        )
        until = time.monotonic() + 60
        while not self._ready():
            assert self._process.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < until, "the server is not ready after a minute"
            time.sleep(0.1)

    def kill(self) -> None:
        """At once, whatever it was doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/api/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Stall:
    """A shop in a town whose vouchers were printed and checked, then handed over and activated."""

    town: Town
    server: Server
    sheet: Path

    def pairing_code(self) -> str:
        """A one-time code for one more phone of the shop."""
        town = self.town
        return a_pairing_code(town.house, programme_id=town.programme_id, merchant_id=town.merchants[0], at=clock.now())

    def film_of(self, serial: int) -> Path:
        """The printed voucher, held before a camera."""
        made = self.sheet.with_suffix(".mjpeg")
        film(self.sheet, qr_text=codes.qr_text(HOST, self.town.secrets[serial].code), out=made)
        return made

    def printed(self, serial: int) -> tuple[str, str]:
        """The number and the control code of a voucher, read off the paper."""
        with pypdfium2.PdfDocument(self.sheet) as pdf:
            words = pdf[0].get_textpage().get_text_bounded()
        read = re.findall(r"N° (\d{7})\s+(\w{5} \w{5})", words)
        number, control_code = read[serial - 1]
        return number, control_code

    def taken(self) -> list[int]:
        """The serial of every voucher taken, undone or not, in the order of the journal."""
        moves = moves_of(self.town.house, programme_id=self.town.programme_id, kind="redeemed")
        return [serial for _, _, _, serial in moves if serial is not None]


@pytest.fixture
def stall(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Stall]:
    """Three vouchers of 10 € on one sheet, and the application in front of them."""
    assert (TILL_FILES / "index.html").is_file(), "the till is not built: run `python hatch_build.py` (make does)"
    database_url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'house.db')}"
    house = Database(database_url)
    server = Server(database_url, tmp_path)
    try:
        now = clock.now()
        today = clock.book_day(now)
        town = a_town(
            house,
            vouchers=3,
            shops=1,
            active=False,
            at=now,
            host=HOST,
            starts_on=today,
            expires_on=today + timedelta(days=200),
            presentation_deadline_on=today + timedelta(days=260),
        )
        lot: dict[str, Any] = {"programme_id": town.programme_id, "batch_number": town.batch_number}
        sheet = tmp_path / "sheets.pdf"
        workshop.print_sheets(house, **lot, pepper=PEPPER, out=sheet, processes=1)
        house.write(issue.hand_over, **lot, actor=TREASURER, at=now)
        house.write(issue.activate, **lot, actor=APPROVER, at=now)
        server.start()
        yield Stall(town, server, sheet)
    finally:
        server.kill()
        house.close()


# ── The phone ────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Phone:
    """A merchant's phone, with what its console complained of and every address it asked for."""

    page: Page
    home: str
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def pair(self, code: str) -> None:
        """Becomes a till of the shop, by the code typed from the chamber's letter."""
        self.page.goto(f"{self.home}/till/")
        self.page.get_by_test_id("pairing-code").fill(code)
        self.page.get_by_test_id("pair-go").click()
        expect(self.page.get_by_test_id("screen-counter")).to_be_visible(timeout=ANSWERED_MS)
        self.page.evaluate("navigator.serviceWorker.ready.then(() => null)")

    def type_in(self, serial: str, control_code: str) -> None:
        """Looks a voucher up by what is printed under its QR code."""
        self.page.get_by_test_id("open-typed").click()
        self.page.get_by_test_id("typed-serial").fill(serial)
        self.page.get_by_test_id("typed-control").fill(control_code)
        self.page.get_by_test_id("typed-go").click()
        expect(self.page.get_by_test_id("voucher-card")).to_be_visible(timeout=ANSWERED_MS)

    def take(self, amount: str) -> None:
        """Redeems what lies on the counter; it must be accepted."""
        self.page.get_by_test_id("redeem").click()
        expect(self.verdict("accepted")).to_be_visible(timeout=ANSWERED_MS)
        expect(self.page.get_by_test_id("verdict-amount")).to_have_text(amount)

    def verdict(self, tone: str) -> Locator:
        """The full-screen answer of a colour."""
        return self.page.locator(f'[data-testid="screen-verdict"][data-tone="{tone}"]')

    def kept_to_itself(self) -> None:
        """Nothing was asked of any other origin."""
        assert self.asked
        assert [address for address in self.asked if not address.startswith(f"{self.home}/")] == []


OpenPhone = Callable[[Path | None], Phone]


@pytest.fixture
def open_phone(stall: Stall) -> Iterator[OpenPhone]:
    """Opens a browser as a phone whose camera sees that film, or nothing that is a code."""
    with ExitStack() as opened:
        browsers = opened.enter_context(sync_playwright()).chromium

        def opened_phone(seen: Path | None) -> Phone:
            flags = [
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
            ]
            if seen is not None:
                flags.append(f"--use-file-for-fake-video-capture={seen}")
            browser = browsers.launch(executable_path=CHROMIUM, headless=True, args=flags)
            opened.callback(browser.close)
            context: BrowserContext = browser.new_context(
                locale="fr-FR",
                timezone_id="Europe/Paris",
                viewport={"width": 360, "height": 740},
                has_touch=True,
                permissions=["camera"],
            )
            phone = Phone(context.new_page(), stall.server.address)

            def hears(message: ConsoleMessage) -> None:
                if message.type in {"error", "warning"}:
                    phone.complaints.append(message.text)

            def asks(request: Request) -> None:
                if not request.url.startswith(("data:", "blob:")):
                    phone.asked.append(request.url)

            context.on("console", hears)
            context.on("weberror", lambda raised: phone.complaints.append(str(raised.error)))
            context.on("request", asks)
            return phone

        yield opened_phone
