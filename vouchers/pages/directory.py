"""The shops that take the vouchers, for everybody: a list to search, each shop's own page, a map, a list to print.

None of these pages has a form that changes anything, so none sets a cookie, and anybody may keep them for a minute.
Everything is in the list; the map is drawn by a script from what the list shows, and nothing is asked of another host
unless a server of tiles is set. Where people are is never asked: they choose their commune.
"""

import io
import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import JSONResponse, RedirectResponse, Response

from vouchers import clock, codes, directory, opening
from vouchers.api.fields import NumberInPath
from vouchers.db import ReadSession
from vouchers.directory import Found, Season, Shop, Wanted, Window
from vouchers.errors import NotFound
from vouchers.pages.desk import AtScreen, Screen, page
from vouchers.paper import shop_list
from vouchers.rules import rules, terms

router: Final = APIRouter()
ON_A_PAGE: Final = 40
MOST_ON_THE_MAP: Final = 300
_KEPT_SECONDS: Final = 60
_MOST_CHARACTERS: Final = 100
_MOST_CHIPS: Final = 12
_NAMED: Final = ("q", "metier", "commune", "ouvert", "langue", "after")
"""What an address may ask of the list."""
_DIALLED: Final = re.compile(r"[^0-9+]+", re.ASCII)


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/commerces", **page("public"))
async def seasons(screen: AtScreen) -> Response:
    """The programmes whose season is on; straight to the shops where there is but one."""
    shown = screen.for_all()
    found = await screen.house.read(lambda session: directory.seasons(session, at=screen.at))
    if len(found) == 1:
        asked = {"langue": shown.language} if "langue" in screen.request.query_params else {}
        moved = RedirectResponse(_address(f"/commerces/{found[0].programme_id}", asked), status_code=303)
        moved.headers["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}"
        return moved
    return _show(shown, "public/seasons.html", seasons=found)


@router.get("/commerces/{programme_id}", **page("public"))
async def listed(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """The shops of a programme, searched by name, trade, commune and whether they are open now."""
    shown, given = screen.for_all(), _given(screen)

    def found(session: ReadSession) -> tuple[Season, Found, bool]:
        season = directory.season(session, programme_id=programme_id)
        some = directory.shops(
            session,
            programme_id=programme_id,
            wanted=_wanted(given, screen.at),
            after=_number(given.get("after", "")),
            limit=ON_A_PAGE,
        )
        return season, some, terms(session, programme_id=programme_id).outline is not None

    season, some, has_outline = await screen.house.read(found)
    asked = {name: value for name, value in given.items() if name != "after"}
    searched = {name: value for name, value in asked.items() if name != "langue"}
    return _show(
        shown,
        "public/shops.html",
        programme=season,
        found=some,
        given={name: given.get(name, "") for name in _NAMED},
        searched=searched,
        over=clock.book_day(screen.at) > season.expires_on,
        chips=some.communes if not searched and 1 < len(some.communes) <= _MOST_CHIPS else [],
        again=_address(f"/commerces/{programme_id}", asked),
        map_address=_address(f"/commerces/{programme_id}/carte.json", asked) if some.placed or has_outline else None,
        chosen=lambda **more: _address(f"/commerces/{programme_id}", {**asked, **more}),
    )


@router.get("/commerces/{programme_id}/carte.json", **page("public"))
async def places(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """What the map draws: the outline of the town, and the shops of the same search that are placed on it.

    `?seul=` and its number: that shop alone.
    """
    wanted = replace(_wanted(_given(screen), screen.at), on_the_map="only")
    only = _number(screen.request.query_params.get("seul", ""))

    def found(session: ReadSession) -> tuple[list[Shop], int, str | None]:
        outline = terms(session, programme_id=programme_id).outline
        if only:
            return [directory.window(session, programme_id=programme_id, merchant_id=only).shop], 1, outline
        some = directory.shops(session, programme_id=programme_id, wanted=wanted, limit=MOST_ON_THE_MAP)
        return some.shops, some.matching, outline

    shops, matching, outline = await screen.house.read(found)
    shown = [
        {
            "id": one.merchant_id,
            "name": one.name,
            "trade": one.trade,
            "latitude_e6": one.latitude_e6,
            "longitude_e6": one.longitude_e6,
        }
        for one in shops
    ]
    told = {"outline": json.loads(outline) if outline else None, "shops": shown, "matching": matching}
    return _kept(JSONResponse(told))


@router.get("/commerces/{programme_id}/liste.pdf", **page("public"))
async def printable(screen: AtScreen, programme_id: NumberInPath) -> Response:
    """Every shop on paper, for the envelope: large type, or `?format=petit` in two columns on fewer sheets."""
    small = screen.request.query_params.get("format") == "petit"
    day, language = clock.book_day(screen.at), screen.for_all().language

    def drawn(session: ReadSession) -> bytes:
        known = rules(session, programme_id=programme_id)
        every = directory.by_place(session, programme_id=programme_id)
        cover = shop_list.Cover(known.name, known.issuer_name, known.shops_url, known.expires_on, day)
        entries = [shop_list.Entry(one.name, one.trade, one.commune, one.street, one.phone) for one in every]
        out = io.BytesIO()
        layout = shop_list.SMALL if small else shop_list.LARGE
        shop_list.write_shop_list(out, cover=cover, entries=entries, layout=layout, language=language)
        return out.getvalue()

    content = await screen.house.read(drawn)
    name = f"commerces-{programme_id}{'-petit' if small else ''}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return _kept(Response(content, media_type="application/pdf", headers=headers))


# ── A shop ───────────────────────────────────────────────────────────────────────────────────────────────────────
@router.get("/commerces/{programme_id}/{merchant_id}", **page("public"))
async def shop(screen: AtScreen, programme_id: NumberInPath, merchant_id: NumberInPath) -> Response:
    """One shop: where, when, how to reach it. A shop that takes no vouchers any more is not there."""
    shown = screen.for_all()

    def found(session: ReadSession) -> tuple[Season, Window]:
        season = directory.season(session, programme_id=programme_id)
        return season, directory.window(session, programme_id=programme_id, merchant_id=merchant_id)

    season, window = await screen.house.read(found)
    one = window.shop
    asked = {"langue": shown.language} if "langue" in screen.request.query_params else {}
    home = f"/commerces/{programme_id}"
    return _show(
        shown,
        "public/shop.html",
        programme=season,
        window=window,
        shop=one,
        lines=opening.lines_en(one.hours) if shown.language == "en" else opening.lines_fr(one.hours),
        dialled=_DIALLED.sub("", one.phone or ""),
        website=_website(window.website),
        photo=f"{home}/{merchant_id}/photo/{_photo_name(window.photo)}" if window.photo else None,
        back=_address(home, asked),
        map_address=f"{home}/carte.json?seul={one.merchant_id}" if one.latitude_e6 is not None else None,
    )


@router.get("/commerces/{programme_id}/{merchant_id}/photo/{name}", **page("public"))
async def photo(screen: AtScreen, programme_id: NumberInPath, merchant_id: NumberInPath, name: str) -> Response:
    """The photo of a shop, under a name that changes with it, so that a browser keeps it for good."""

    def found(session: ReadSession) -> bytes:
        kept = directory.window(session, programme_id=programme_id, merchant_id=merchant_id).photo
        if kept is None or name != _photo_name(kept):
            raise NotFound(what="photo", id=merchant_id)
        return kept

    content = await screen.house.read(found)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type="image/jpeg", headers=headers)


def _photo_name(content: bytes) -> str:
    return f"{codes.file_hash(content)[:16]}.jpg"


def _website(given: str | None) -> str | None:
    """An address to follow; whatever is not of the web is not one."""
    return given if given and given.lower().startswith(("http://", "https://")) else None


# ── What was asked, and how it is shown ──────────────────────────────────────────────────────────────────────────
def _given(screen: Screen) -> dict[str, str]:
    asked = screen.request.query_params
    given = {name: asked.get(name, "").strip()[:_MOST_CHARACTERS] for name in _NAMED}
    return {name: value for name, value in given.items() if value}


def _wanted(given: dict[str, str], at: datetime) -> Wanted:
    return Wanted(
        words=given.get("q", ""),
        trade=given.get("metier", ""),
        commune=given.get("commune", ""),
        open_at=at if given.get("ouvert") == "1" else None,
    )


def _number(text: str) -> int:
    """A number as it stands in an address; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def _address(path: str, asked: dict[str, Any]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def _show(screen: Screen, template: str, **values: Any) -> Response:
    request, settings = screen.request, screen.request.app.state.settings
    other = "fr" if screen.language == "en" else "en"
    asked = {name: value for name, value in request.query_params.items() if name not in {"langue", "after"}}

    def is_open(one: Shop) -> bool | None:
        return opening.is_open(one.hours, screen.at) if one.hours.known else None

    told = {
        "is_open": is_open,
        "tongue": f"?langue={screen.language}" if "langue" in request.query_params else "",
        "other_language": _address(request.url.path, {**asked, "langue": other}),
        "tiles": settings.tiles_url,
        "tiles_credit": settings.tiles_credit,
        "over": False,
        **values,
    }
    return _kept(screen.show(template, **told))


def _kept(answer: Response) -> Response:
    """For a minute by anybody; not at all where it answers one browser alone."""
    # Whoever keeps it must not give it to a reader of the other language: the list on paper is in one, too.
    answer.headers["Vary"] = "Accept-Language, Cookie"
    if "set-cookie" not in answer.headers:
        answer.headers["Cache-Control"] = f"public, max-age={_KEPT_SECONDS}"
    return answer
