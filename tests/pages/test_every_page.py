"""Every page is for everyone: found by following links as its people do, it stands, and axe finds nothing on it.

Each person of the demonstration walks from their first page along every link to a page not seen yet; at each, axe-core
with the rules of WCAG 2.0 to 2.2 A and AA, in light and in dark, narrow and wide; once in each language. Whatever page
the application has and nobody came to is a failure too. With `PAGES_PICTURES=folder` each is kept as a picture.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urldefrag, urlsplit

import pytest
from fastapi.routing import APIRoute
from lxml import html
from playwright.sync_api import Page, expect
from starlette.routing import Match

from tests.demonstration import TownHall
from tests.phone import CHECKOUT, needs_chromium
from vouchers.pages import doors as page_doors

pytestmark = needs_chromium

AXE: Final = CHECKOUT / "scanner_pwa" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES: Final = os.environ.get("PAGES_PICTURES")
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
NARROW, WIDE, NARROWEST = 390, 1280, 320
PEOPLE: Final = (
    None, "administratrice", "trésorier", "approbatrice", "auditeur", "agente de la commune", "adjoint de la commune",
    "commerçante",
)  # fmt: skip
_FOUND: Final = """async (rules) => {
  const { violations } = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
  const said = ({ target, any }) => `${target.join(" ")} ${any[0]?.message ?? ""}`;
  return violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map((node) => `${id} ${said(node)}`));
}"""
_TOO_WIDE: Final = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_A_FEW: Final = 6
_NOT_LINKED: Final = {
    # Framed by another site.
    "/jauge/{programme_id}",
    # Asked for by the map's script.
    "/commerces/{programme_id}/carte.json",
    # Shown where a shop sent a photograph; nobody of the demonstration did.
    "/p/{programme_id}/candidatures/{application_id}/photo",
    "/p/{programme_id}/commercants/{merchant_id}/photo",
    "/commerces/{programme_id}/{merchant_id}/photo/{name}",
    # After an application was sent.
    "/rejoindre/{programme_id}/merci",
    # Only where a shop accepted without network what was spent elsewhere.
    "/p/{programme_id}/litiges/{number}",
}


ROUTES: Final = [route for room in page_doors.ROOMS for route in room.routes if isinstance(route, APIRoute)]


def route_of(path: str) -> str | None:
    """The route of the pages that a path belongs to."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    for route in ROUTES:
        if route.matches(scope)[0] is Match.FULL:
            return route.path
    return None


@dataclass
class Trail:
    """Where people have been: the routes they came to, and those of them that were drawn and looked at."""

    seen: set[str] = field(default_factory=set)
    drawn: set[str] = field(default_factory=set)


def walk(desks: TownHall, page: Page, trail: Trail) -> Iterator[str]:
    """The pages that nobody has come to yet, one after the other, each drawn; every link on the way leads somewhere.

    Pages that somebody came to before are read without being drawn, and a few of each kind: an order that waits to be
    approved leads elsewhere than one that is paid.
    """
    origin = desks.server.address
    waiting = [f"{origin}/", f"{origin}/connexion"] if page.url == "about:blank" else [page.url]
    known, read = set[str](), Counter[str]()
    while waiting:
        address = urldefrag(waiting.pop(0)).url
        route = route_of(urlsplit(address).path)
        if not address.startswith(origin) or address in known or route is None or read[route] >= _A_FEW:
            continue
        known.add(address)
        if route in trail.seen - trail.drawn:
            continue
        read[route] += 1
        answer = page.request.get(address)
        assert answer.status == 200, f"{address}: {answer.status}"
        trail.seen.add(route)
        if "text/html" not in answer.headers["content-type"] or "content-disposition" in answer.headers:
            continue
        tree = html.document_fromstring(answer.body())
        tree.make_links_absolute(answer.url)
        waiting += [str(found) for found in tree.xpath("//a/@href|//img/@src|//object/@data")]
        arrived = route_of(urlsplit(answer.url).path)
        if arrived is not None and arrived not in trail.drawn:
            trail.seen.add(arrived)
            trail.drawn.add(arrived)
            page.goto(address)
            yield arrived


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_every_page_is_for_everyone_in_light_and_dark_narrow_and_wide(desks: TownHall, locale: str) -> None:
    assert AXE.is_file(), "axe-core is not installed: npm ci in scanner_pwa (make till does)"
    axe, found, trail = AXE.read_text(), list[str](), Trail()
    for role in PEOPLE:
        context = desks.sits_down(None if role is None else desks.staff_id(role), locale=locale, bypass_csp=True)
        page = context.new_page()
        if role is not None:
            page.goto(desks.home)
        for route in walk(desks, page, trail):
            expect(page.locator("h1")).to_have_count(1)
            page.evaluate(axe)
            for width in (NARROW, WIDE):
                page.set_viewport_size({"width": width, "height": 900})
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    found += [f"{route} {width} {scheme}: {what}" for what in page.evaluate(_FOUND, RULES)]
                    if PICTURES:
                        name = route.strip("/").replace("/", "-").replace("{", "").replace("}", "") or "front"
                        shot = f"{name}-{locale[:2]}-{width}-{scheme}.png"
                        page.screenshot(path=Path(PICTURES) / shot, full_page=True)
            page.set_viewport_size({"width": NARROWEST, "height": 900})
            if wider := page.evaluate(_TOO_WIDE):
                found.append(f"{route}: runs {wider} px off the edge at {NARROWEST} px")
            page.emulate_media(color_scheme="light")
        context.close()
    assert not found, f"{len(found)}:\n" + "\n".join(found)
    pages = {route.path for route in ROUTES if "GET" in (route.methods or ())}
    assert sorted(pages - trail.seen - _NOT_LINKED) == [], "nobody came to these pages"
