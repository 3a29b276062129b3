"""A merchant's phone in a real browser before the real application: what the journeys of the till are made of.

A `Market` is a town whose vouchers were printed once; each test stands at a `Stall` of its own, on a copy of the house,
with the application in a process that can be killed, and phones whose browsers can be killed as well.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import pypdfium2
import pytest
from playwright.sync_api import (
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)
from sqlalchemy import select

from tests.camera import AWAY_S, HELD_S, film, photo
from tests.makers import PASSWORD, PEPPER, SESSION_KEY, a_pairing_code, a_staff_member, moves_of
from tests.town import APPROVER, TREASURER, Town, a_town
from vouchers import clock, codes, issue, offline, tills, workshop
from vouchers.db import Database
from vouchers.guarantee import OfflineRule
from vouchers.tables import dispute, till

CHROMIUM: Final = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOST: Final = "cheques.example.fr"
SHOWN_AGAIN_MS: Final = 40_000
"""A film shows its voucher every few seconds; a busy machine plays it more slowly."""
ANSWERED_MS: Final = 25_000
CHECKOUT: Final = Path(__file__).parents[1]
needs_chromium: Final = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium on the PATH (chromium, chromium-browser or google-chrome)"
    ),
]
"""The marks of a file of journeys: `pytestmark = needs_chromium`."""


# ── The market ───────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Market:
    """Vouchers of 10 €, printed, checked, handed over and active; and the films that were made of them."""

    town: Town
    house: Path
    sheet: Path

    def film_of(self, *serials: int, held_s: float = HELD_S, away_s: float = AWAY_S) -> Path:
        """These printed vouchers, one after the other before a camera; made once."""
        made = self.sheet.with_name(f"{'-'.join(map(str, serials))}-{held_s}-{away_s}.mjpeg")
        if not made.exists():
            film(self.sheet, qr_texts=list(map(self.qr_text, serials)), out=made, held_s=held_s, away_s=away_s)
        return made

    def photo_of(self, serial: int) -> Path:
        """A photograph of this printed voucher."""
        return photo(self.sheet, qr_text=self.qr_text(serial), out=self.sheet.with_name(f"{serial}.jpg"))

    def qr_text(self, serial: int) -> str:
        """What the QR code of a voucher says."""
        return codes.qr_text(HOST, self.town.secrets[serial].code)

    def printed(self, serial: int) -> tuple[str, str]:
        """The number and the control code of a voucher, read off the paper."""
        with pypdfium2.PdfDocument(self.sheet) as pdf:
            words = " ".join(page.get_textpage().get_text_bounded() for page in pdf)
        read = dict(re.findall(r"N° (\d{7})\s+(\w{5} \w{5})", words))
        return f"{serial:07d}", read[f"{serial:07d}"]


def open_market(folder: Path, migrated: Path, *, vouchers: int, shops: int, at: datetime) -> Market:
    """A town of today with so many vouchers and shops."""
    path = Path(shutil.copy(migrated, folder / "market.db"))
    house = Database(f"sqlite:///{path}")
    today = clock.book_day(at)
    town = a_town(
        house,
        vouchers=vouchers,
        shops=shops,
        active=False,
        at=at,
        host=HOST,
        starts_on=today - timedelta(days=1),
        expires_on=today + timedelta(days=200),
        presentation_deadline_on=today + timedelta(days=260),
    )
    lot: dict[str, Any] = {"programme_id": town.programme_id, "batch_number": town.batch_number}
    workshop.print_sheets(house, **lot, pepper=PEPPER, out=folder / "sheets.pdf", processes=1)
    house.write(issue.hand_over, **lot, actor=TREASURER, at=at)
    house.write(issue.activate, **lot, actor=APPROVER, at=at)
    house.close()
    return Market(town, path, folder / "sheets.pdf")


# ── The stall ────────────────────────────────────────────────────────────────────────────────────────────────────────
class Server:
    """The application in a process of its own, so that it can be killed; of another release where a folder is named."""

    def __init__(self, database_url: str, folder: Path, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.release = CHECKOUT
        self._settings = {
            "VOUCHERS_DATABASE_URL": database_url,
            "VOUCHERS_PEPPER": PEPPER.hex(),
            "VOUCHERS_SESSION_KEY": SESSION_KEY.hex(),
            "VOUCHERS_ANCHORS_FILE": str(folder / "anchors.json"),
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it can work."""
        asked = ["uvicorn", "vouchers.api.app:create_app", "--factory", "--port", self.address.rpartition(":")[2]]
        quiet = ["--host", "127.0.0.1", "--no-access-log", "--log-level", "warning"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *asked, *quiet], env=os.environ | self._settings, cwd=self.release
        )
        until = time.monotonic() + 60
        while not self._ready():
            assert self._process.poll() is None, "the server ended before it was ready"
            assert time.monotonic() < until, "the server is not ready after a minute"
            time.sleep(0.05)

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
    """Shops of the market, and the application in front of them."""

    town: Town
    server: Server
    market: Market

    def pairing_code(self, shop: int = 0) -> str:
        """A one-time code for one more phone of the shop."""
        town = self.town
        return a_pairing_code(
            town.house, programme_id=town.programme_id, merchant_id=town.merchants[shop], at=clock.now()
        )

    def allow_offline(self, **caps: int) -> None:
        """The programme lets its tills accept without network."""
        most = {"till_count": 20, "till_cents": 30_000, "programme_count": 200, "programme_cents": 300_000}
        rule = OfflineRule(**most | {"max_age_minutes": 1_440, "guarantee_cents": 0} | caps)
        town = self.town
        town.house.write(offline.allow, programme_id=town.programme_id, rule=rule, actor=APPROVER, at=clock.now())

    def owner(self, shop: int = 0) -> tuple[str, str]:
        """The e-mail address and the password of the shop's owner."""
        email = f"patron{shop}@example.fr"
        town, roles = self.town, ("merchant_owner",)
        of: dict[str, Any] = {"programme_id": town.programme_id, "merchant_id": town.merchants[shop]}
        a_staff_member(town.house, **of, role_names=roles, email=email, at=clock.now())
        return email, PASSWORD

    def remove_tills(self, shop: int = 0) -> None:
        """The chamber removes every till of the shop."""
        town, at = self.town, clock.now()
        ours = select(till.c.id).where(till.c.merchant_id == town.merchants[shop])
        of: dict[str, Any] = {"programme_id": town.programme_id, "reason": "perdu", "actor": APPROVER, "at": at}
        for till_id in town.house.read(lambda session: session.execute(ours).scalars().all()):
            town.house.write(tills.revoke_till, till_id=till_id, **of)

    def disputes(self) -> list[tuple[str, str]]:
        """(reason, state) of each, in their order."""
        wanted = select(dispute.c.because, dispute.c.state).order_by(dispute.c.number)
        return self.town.house.read(lambda session: [tuple(row) for row in session.execute(wanted)])

    def taken(self) -> list[int]:
        """The serial of every voucher taken, undone or not, in the order of the journal."""
        moves = moves_of(self.town.house, programme_id=self.town.programme_id, kind="redeemed")
        return [serial for _, _, _, serial in moves if serial is not None]


@contextmanager
def open_stall(market: Market, folder: Path) -> Iterator[Stall]:
    """A copy of the market's house, served."""
    database_url = f"sqlite:///{shutil.copy(market.house, folder / 'house.db')}"
    house = Database(database_url)
    server = Server(database_url, folder)
    try:
        server.start()
        yield Stall(replace(market.town, house=house), server, market)
    finally:
        server.kill()
        house.close()


# ── The phone ────────────────────────────────────────────────────────────────────────────────────────────────────────
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
_NO_STORAGE: Final = {"profile": {"default_content_setting_values": {"cookies": 2}}}
"""What Chromium writes down when its owner blocks cookies; IndexedDB and service workers go with them."""


_TYPED: Final = """(text) => {
  for (const key of [...text, "Enter"]) {
    (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  }
}"""
"""In one go: keys sent one by one from outside come too slowly on a busy machine to be taken for a scanner's."""
_OUT_OF_VIEW_MS: Final = 3_200
_HELD: Final = """() => new Promise((done) => {
  const asked = indexedDB.open("till");
  asked.onerror = () => done(false);
  asked.onsuccess = () => {
    const db = asked.result;
    const end = (held) => { db.close(); done(held); };
    if (!db.objectStoreNames.contains("notes")) return end(false);
    const read = db.transaction("notes").objectStore("notes").get("list");
    read.onsuccess = () => end(Boolean(read.result));
    read.onerror = () => end(false);
  };
})"""


class Phone:
    """A merchant's phone, with what its console complained of and every address it asked for."""

    def __init__(self, browsers: BrowserType, home: str, profile: Path, *, seen: Path | None, **look: Any) -> None:
        self.home = home
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self._browsers, self._profile = browsers, profile
        self._sees = [f"--use-file-for-fake-video-capture={seen}"] if seen else []
        self._look: dict[str, Any] = {"locale": "fr-FR", "viewport": {"width": 360, "height": 740}} | look
        self._opened: tuple[BrowserContext, Page] | None = None

    def refuse_storage(self) -> Self:
        """Its owner forbids pages to keep anything; said before it is opened."""
        (self._profile / "Default").mkdir(parents=True)
        (self._profile / "Default" / "Preferences").write_text(json.dumps(_NO_STORAGE))
        return self

    def open(self, *, offline: bool = False, blind: bool = False) -> Self:
        """Starts the browser on what the phone keeps; the page is still empty. `blind`: no film before the camera."""
        context = self._browsers.launch_persistent_context(
            self._profile,
            executable_path=CHROMIUM,
            headless=True,
            args=[*_FLAGS, *([] if blind else self._sees)],
            timezone_id="Europe/Paris",
            has_touch=True,
            permissions=["camera"],
            offline=offline,
            **self._look,
        )
        context.on("console", self._hears)
        context.on("weberror", lambda raised: self.complaints.append(str(raised.error)))
        context.on("request", self._asks)
        self._opened = context, context.pages[0]
        return self

    def fill_up(self) -> None:
        """Not a byte is left for the till; said before it is visited."""
        full = {"origin": self.home, "quotaSize": 1}
        self.context.new_cdp_session(self.page).send("Storage.overrideQuotaForOrigin", full)

    @property
    def page(self) -> Page:
        """What is on the screen."""
        assert self._opened is not None, "the browser is not open"
        return self._opened[1]

    @property
    def context(self) -> BrowserContext:
        """The browser, all its tabs."""
        return self.page.context

    def close(self) -> None:
        """Puts the phone away as one does."""
        if self._opened is not None:
            with suppress(Error):  # it was killed
                self._opened[0].close()
            self._opened = None

    def kill(self) -> None:
        """`kill -9` of every process of the browser: nothing is tidied up."""
        mine = f"--user-data-dir={self._profile}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mine in (process / "cmdline").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
        self.close()

    def visit(self) -> None:
        """Opens the till."""
        self.page.goto(f"{self.home}/till/")

    def pair(self, code: str) -> None:
        """Becomes a till of the shop, by the code typed from the chamber's letter."""
        if not self.page.url.startswith(self.home):
            self.visit()
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
        expect(self.page.get_by_test_id("screen-basket")).to_be_visible(timeout=ANSWERED_MS)

    def shown(self, text: str) -> None:
        """A scanner that types, as some counters have one: the text of a code at once, then Enter."""
        self.page.evaluate(_TYPED, text)

    def shown_again(self, text: str) -> None:
        """The same paper once more, after it was out of view for as long as makes it a new read."""
        self.page.wait_for_timeout(_OUT_OF_VIEW_MS)
        self.shown(text)

    def tap(self, *names: str) -> None:
        """One button after the other."""
        for name in names:
            self.page.get_by_test_id(name).click()

    def on(self, screen: str) -> Locator:
        """A screen, waited for."""
        there = self.page.get_by_test_id(f"screen-{screen}")
        expect(there).to_be_visible(timeout=ANSWERED_MS)
        return there

    def digits(self, pin: str) -> None:
        """Four digits on the large keys."""
        self.tap(*(f"pad-{digit}" for digit in pin))

    def enter_shop(self, email: str, password: str) -> None:
        """The owner signs in on the shop's own phone."""
        self.tap("open-menu", "menu-owner")
        self.page.get_by_test_id("email").fill(email)
        self.page.get_by_test_id("password").fill(password)
        self.tap("sign-in")
        expect(self.page.get_by_test_id("sign-out")).to_be_visible(timeout=ANSWERED_MS)

    def leave_shop(self) -> None:
        """Signs out, and back to the counter."""
        self.tap("sign-out", "back")
        self.on("counter")

    def lose_network(self) -> None:
        """From now on nothing gets out."""
        self.context.set_offline(True)

    def find_network(self) -> None:
        """Back among bars of signal."""
        self.context.set_offline(False)

    def comes(self, true: str) -> None:
        """Waits until an expression of the page's is true."""
        until = time.monotonic() + ANSWERED_MS / 1_000
        while not self.page.evaluate(true):
            assert time.monotonic() < until, f"never true: {true}"
            self.page.wait_for_timeout(50)

    def holds_list(self) -> None:
        """Waits until the signed list of spendable vouchers is on the phone."""
        self.comes(_HELD)

    def take(self, amount: str, tone: str = "accepted") -> None:
        """Redeems what lies on the counter, and is told so in that colour."""
        self.page.get_by_test_id("redeem").click()
        expect(self.verdict(tone)).to_be_visible(timeout=ANSWERED_MS)
        expect(self.page.get_by_test_id("verdict-amount")).to_have_text(amount)

    def verdict(self, tone: str) -> Locator:
        """The full-screen answer of a colour."""
        return self.page.locator(f'[data-testid="screen-verdict"][data-tone="{tone}"]')

    def kept_to_itself(self) -> None:
        """Nothing was asked of any other origin."""
        assert self.asked
        assert [address for address in self.asked if not address.startswith(f"{self.home}/")] == []

    def _hears(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _asks(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:", "about:")):
            self.asked.append(request.url)


OpenPhone = Callable[..., Phone]
"""Opens a phone: `seen` is the film before its camera, the rest is how it looks (locale, color_scheme, viewport)."""


@contextmanager
def phone_shop(home: str, folder: Path) -> Iterator[OpenPhone]:
    """Phones that know that address, each with a storage of its own; all closed at the end."""
    with ExitStack() as opened:
        browsers = opened.enter_context(sync_playwright()).chromium

        def new_phone(seen: Path | None = None, *, storage: bool = True, **look: Any) -> Phone:
            profile = folder / f"phone-{len(list(folder.glob('phone-*')))}"
            profile.mkdir()
            phone = Phone(browsers, home, profile, seen=seen, **look)
            opened.callback(phone.close)
            return (phone if storage else phone.refuse_storage()).open()

        yield new_phone
