"""The demonstration's town, told once, and served to real browsers: one copy of it for each test."""

import os
import pickle
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.phone import CHROMIUM, Server
from vouchers import clock, demo, sign_in
from vouchers.config import Settings
from vouchers.db import Database
from vouchers.demo import Story
from vouchers.schema import migrate

_PATIENCE_S: Final = 240


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What was told, where its papers lie, and the settings of its house."""

    story: Story
    folder: Path
    settings: Settings


def told(folder: Path) -> Demonstration:
    """Tells the whole story in `folder`; a minute."""
    settings = demo.stage(folder)
    house = Database(settings.database_url)
    migrate(house)
    story = demo.tell(
        house, settings=settings, folder=folder, now=clock.now(), watch=lambda _title, _of: lambda _done, _whole: None
    )
    house.close()
    return Demonstration(story, folder, settings)


@dataclass
class TownHall:
    """The demonstration, served; and browsers in which its people sit."""

    demonstration: Demonstration
    server: Server
    house: Database
    browser: Browser

    @property
    def home(self) -> str:
        """The address of the programme's desk."""
        return f"{self.server.address}/p/{self.demonstration.story.programme_id}"

    def staff_id(self, role: str) -> int:
        """The person of the demonstration's cast."""
        actor = next(one.actor for one in self.demonstration.story.sign_ins if one.role == role)
        return int(actor.partition(":")[2])

    def sits_down(self, staff_id: int | None, **how: object) -> BrowserContext:
        """A browser in which this person has just signed in; nobody, for None."""
        context = self.browser.new_context(**how)
        if staff_id is not None:
            _, session_key = self.demonstration.settings.secret_bytes()
            opened = self.house.write(
                sign_in.open_session,
                staff_id=staff_id,
                means="passkey",
                label="essai",
                session_key=session_key,
                lasts=timedelta(hours=2),
                at=clock.now(),
            )
            context.add_cookies([{"name": "session", "value": opened.secret, "url": self.server.address}])
        return context

    def page_of(self, role: str, **how: object) -> Page:
        """A page of the person with this role, at the desk."""
        page = self.sits_down(self.staff_id(role), **how).new_page()
        page.goto(self.home)
        return page


@contextmanager
def town_hall(demonstration: Demonstration, folder: Path) -> Iterator[TownHall]:
    """A copy of the demonstration's house, served until the end."""
    path = folder / "house.db"
    shutil.copy(demonstration.folder / "house.db", path)
    pepper, session_key = demonstration.settings.secret_bytes()
    url = f"sqlite:///{path}"
    secrets = {"VOUCHERS_PEPPER": pepper.hex(), "VOUCHERS_SESSION_KEY": session_key.hex()}
    server = Server(url, folder, **secrets)
    server.start()
    house = Database(url)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            try:
                yield TownHall(demonstration, server, house, browser)
            finally:
                browser.close()
    finally:
        house.close()
        server.kill()


def told_once(folder: Path) -> Demonstration:
    """The same for all processes of a test run, whichever comes first: `folder` is theirs together."""
    marker = folder / "told"
    lock = folder / "telling"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        until = time.monotonic() + _PATIENCE_S
        while not marker.is_file():
            assert time.monotonic() < until, "another process began to tell the demonstration and did not end"
            time.sleep(0.2)
    else:
        marker_part = folder / "told.part"
        marker_part.write_bytes(pickle.dumps(told(folder / "demo")))
        marker_part.rename(marker)
    found = pickle.loads(marker.read_bytes())
    assert isinstance(found, Demonstration)
    return found
