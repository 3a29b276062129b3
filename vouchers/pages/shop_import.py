"""A list of shops brought as a file: columns matched on screen, each line judged, then enrolled, all or the good ones.

Between the steps the table travels in the page itself, as it was read: nothing is kept of a list that is not enrolled,
and nothing is lost by a correction. Cells that are wrong can be typed over in place.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from vouchers import bank_accounts, people, shop_lines, shop_profiles
from vouchers.access import Act
from vouchers.db import ReadSession, WriteSession
from vouchers.errors import BadInput
from vouchers.pages.desk import AtDesk, AtForm, PageDesk, page
from vouchers.pages.forms import Typed
from vouchers.pages.language import Language, _
from vouchers.paper import table_file
from vouchers.shop_lines import Line
from vouchers.wrong import PROBLEMS

router: Final = APIRouter(prefix="/p/{programme_id}/commercants")

PIECE: Final = 250_000
"""Characters of the table in one field: below what a form takes of one, however they are encoded."""
MOST_SHOWN: Final = 100
"""Wrong lines that can be typed over at once; the next ones come when these are right."""
MOST_CELL: Final = 1_000
LABELS: Final = {
    "shop_name": _("Nom du commerce"),
    "legal_name": _("Raison sociale"),
    "siret": _("SIRET"),
    "trade": _("Activité"),
    "street": _("Adresse"),
    "postcode": _("Code postal"),
    "commune": _("Commune"),
    "contact_name": _("Personne responsable"),
    "email": _("Adresse électronique"),
    "phone": _("Téléphone"),
    "website": _("Site web"),
    "hours": _("Horaires"),
    "account_holder": _("Titulaire du compte"),
    "iban": _("IBAN"),
}


class Brought(NamedTuple):
    """The table as it travels, and which column is what."""

    header: list[str]
    rows: list[list[str]]
    numbers: list[int]
    columns: dict[str, int]


@router.get("/import", **page(Act.MERCHANT_ENROL))
async def form(desk: AtDesk) -> Response:
    """Which file."""
    return await _form(desk)


async def _form(desk: PageDesk) -> Response:
    return await desk.show("merchants/import.html", labels=LABELS, required=shop_lines.REQUIRED)


@router.post("/import/apercu", **page(Act.MERCHANT_ENROL))
async def preview(desk: AtForm) -> Response:
    """What the file says, under the columns as they were matched."""

    async def job() -> Response:
        return await _preview(desk, await _brought(desk))

    return await desk.tried(job, again=_form)


@router.post("/import", **page(Act.MERCHANT_ENROL))
async def bring(desk: AtForm) -> Response:
    """The shops are enrolled: all of them or none, or the good ones alone."""

    async def job() -> Response:
        brought = await _brought(desk)
        alone = desk.typed.choice("which", ("all", "good")) == "good"

        def enrolled(session: WriteSession) -> dict[str, int]:
            lines = _judged(session, desk.programme_id, brought)
            good = [line for line in lines if not line.wrong]
            if not good or (len(good) < len(lines) and not alone):
                raise BadInput(field="which", problem="lines_wrong", count=len(lines) - len(good))
            for line in good:
                _enrol(session, desk, line)
            return {"count": len(good)}

        async def again(desk: PageDesk) -> Response:
            return await _preview(desk, brought)

        return await desk.once(
            enrolled,
            then=f"{desk.home}/commercants",
            said=_("La liste est inscrite. Les comptes bancaires attendent la confirmation d'une autre personne."),
            again=again,
        )

    return await desk.tried(job, again=_form)


def _enrol(session: WriteSession, desk: PageDesk, line: Line) -> None:
    assert line.shop is not None
    assert line.told is not None
    shop = line.shop
    merchant_id = people.enrol_merchant(
        session,
        **desk.doing,
        legal_name=shop.legal_name,
        shop_name=shop.shop_name,
        siret=shop.siret,
        trade=shop.trade,
        commune=shop.commune,
    )
    shop_profiles.set_profile(session, **desk.doing, merchant_id=merchant_id, told=line.told)
    if line.payee is not None:
        holder, iban = line.payee.account_holder, line.payee.iban
        bank_accounts.ask_account(session, **desk.doing, merchant_id=merchant_id, account_holder=holder, iban=iban)


# ── The table, from a file or from the page ──────────────────────────────────────────────────────────────────────
async def _brought(desk: PageDesk) -> Brought:
    """The table of the file that was sent, else the one that travels in the page. Refuses `BadInput`."""
    sent = desk.typed.upload("file")
    if sent is None and not desk.typed.has("table"):
        raise BadInput(field="file", problem="missing")
    if sent is None:
        return _travelled(desk.typed)
    table = await run_in_threadpool(table_file.read, sent.content, name=sent.name)
    if len(table.rows) > shop_lines.MOST_LINES:
        raise BadInput(field="file", problem="file_rows", most=shop_lines.MOST_LINES)
    columns = shop_lines.meant(table.header)
    return Brought(list(table.header), [list(row) for row in table.rows], list(table.lines), columns)


def _travelled(typed: Typed) -> Brought:
    """What came back in the page, its columns as they are matched now, and the cells that were typed over."""
    try:
        kept = json.loads("".join(typed.values["table"]))
        header, rows, numbers = kept["header"], kept["rows"], kept["numbers"]
        whole = len(rows) == len(numbers) <= shop_lines.MOST_LINES and _is_texts(header, len(header))
        whole = whole and all(_is_texts(row, len(header)) for row in rows)
        whole = whole and all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise BadInput(field="file", problem="file_not_a_table")
    columns: dict[str, int] = {}
    for field in shop_lines.FIELDS:
        chosen = typed.shown(f"column_{field}")
        if chosen.isascii() and chosen.isdigit() and len(chosen) < 4 and int(chosen) < len(header):
            columns[field] = int(chosen)
    places = {str(number): place for place, number in enumerate(numbers)}
    for name in typed.values:
        kind, _underscore, rest = name.partition("_")
        number, _underscore, field = rest.partition("_")
        if kind == "cell" and number in places and field in columns:
            rows[places[number]][columns[field]] = typed.shown(name)[:MOST_CELL]
    return Brought(header, rows, numbers, columns)


def _is_texts(given: object, count: int) -> bool:
    return isinstance(given, list) and len(given) == count and all(isinstance(one, str) for one in given)


def _judged(session: ReadSession, programme_id: int, brought: Brought) -> list[Line]:
    lines = shop_lines.read(brought.rows, numbers=brought.numbers, columns=brought.columns)
    sirets = [line.shop.siret for line in lines if line.shop is not None]
    known = shop_profiles.enrolled(session, programme_id=programme_id, sirets=sirets)
    return [
        shop_lines.enrolled_already(line) if line.shop is not None and line.shop.siret in known else line
        for line in lines
    ]


async def _preview(desk: PageDesk, brought: Brought) -> Response:
    def found(session: ReadSession) -> list[Line]:
        return _judged(session, desk.programme_id, brought)

    lines = await desk.read(found)
    wrong = [line for line in lines if line.wrong]
    plain = json.dumps(
        {"header": brought.header, "rows": brought.rows, "numbers": brought.numbers},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    missing = [field for field in shop_lines.REQUIRED if field not in brought.columns]
    return await desk.show(
        "merchants/preview.html",
        brought=brought,
        pieces=[plain[begin : begin + PIECE] for begin in range(0, len(plain), PIECE)],
        labels=LABELS,
        required=shop_lines.REQUIRED,
        missing=missing,
        good=[line for line in lines if not line.wrong],
        wrong=[] if missing else [_to_correct(line, brought.columns, desk.language) for line in wrong[:MOST_SHOWN]],
        wrong_count=len(wrong),
        samples=_samples(brought.rows, len(brought.header)),
    )


def _to_correct(line: Line, columns: Mapping[str, int], language: Language) -> dict[str, Any]:
    """A wrong line: what it is called, and each cell that is wrong, with why."""
    cells = [
        (field, line.typed.get(field, ""), _why(refusal, language), field in columns)
        for field, refusal in line.wrong.items()
    ]
    return {"number": line.number, "name": line.typed.get("shop_name", ""), "cells": cells}


def _why(refusal: BadInput, language: Language) -> str:
    """What is wrong, without the name of the field: it stands above."""
    french, english = PROBLEMS[str(refusal.data["problem"])]
    said = (english if language == "en" else french).format(**refusal.data)
    return said[0].upper() + said[1:]


def _samples(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """For each column, the first thing that stands in it."""
    return [next((row[place] for row in rows[:50] if row[place]), "")[:60] for place in range(width)]
