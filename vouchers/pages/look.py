"""How a page is drawn: the templates, what they may call, and the files that the build left for them."""

import json
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

import vouchers
from vouchers import clock, codes, money
from vouchers.errors import BadInput, Refusal
from vouchers.pages.language import Language, gettext_in, ngettext_in, typographic

TEMPLATES: Final = Path(__file__).parent / "templates"
DESK_FILES: Final = Path(vouchers.__file__).parent / "static" / "desk"
_MANIFEST: Final = "manifest.json"


@cache
def asset(name: str) -> str:
    """The address of a built file: 'desk.css' → '/desk/desk-1a2b3c4d5e.css'. Raises KeyError for one never built."""
    known: dict[str, str] = json.loads((DESK_FILES / _MANIFEST).read_text("utf-8"))
    return f"/desk/{known[name]}"


@cache
def environment(language: Language) -> Environment:
    """The templates in one language. Whatever is shown is escaped; a name that is not given fails."""
    drawn = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    drawn.install_gettext_callables(gettext_in(language), ngettext_in(language), newstyle=True)  # type: ignore[attr-defined]  # the i18n extension adds it
    english = language == "en"
    drawn.globals["ngettext"] = _with_thousands(cast(Callable[..., str], drawn.globals["ngettext"]), language)
    drawn.globals["asset"] = asset
    drawn.globals["language"] = language
    drawn.filters.update(
        euros=money.euros_en if english else money.euros_fr,
        euros_plain=money.euros_csv_fr,
        face_value=money.euros_en if english else money.face_value_fr,
        percent=_percent_en if english else money.percent_fr,
        number=lambda count: number_in(count, language),
        day=lambda day: day_in(day, language),
        month=lambda day: month_in(day, language),
        moment=lambda at: moment_in(at, language),
        serial=codes.pretty_serial,
        iban=lambda iban: " ".join(wrap(iban.replace(" ", ""), 4)),
        refused=lambda refusal: _refused_in(refusal, language),
    )
    return drawn


def drawn(template: str, language: Language, **values: Any) -> str:
    """A page as text."""
    return environment(language).get_template(template).render(values)


def _refused_in(refusal: Refusal | str, language: Language) -> str:
    """Why, beside what was refused: the page names the field itself, in its own language."""
    if isinstance(refusal, BadInput):
        said = refusal.beside(language)
    else:
        said = refusal.text(language) if isinstance(refusal, Refusal) else refusal
    return typographic(said) if language == "fr" else said


def _percent_en(basis_points: int) -> str:
    return money.percent_fr(basis_points).replace(",", ".").replace("\N{NO-BREAK SPACE}", "")


def number_in(count: int, language: Language) -> str:
    """'4 000', '4,000'."""
    return f"{count:,}" if language == "en" else money.count_fr(count)


def _with_thousands(counted: Callable[..., str], language: Language) -> Callable[..., str]:
    """Counted sentences whose number is written as people read it."""

    @pass_context
    def said(context: Context, one: str, many: str, count: int, **values: object) -> str:
        return counted(context, one, many, count, **{"num": number_in(count, language), **values})

    return said


def day_in(day: date | str | None, language: Language) -> str:
    """'1er novembre 2026', '1 November 2026'; a dash for none. Takes the ISO text of a stored answer too."""
    if day is None:
        return "–"
    known = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{known.day} {known:%B %Y}" if language == "en" else clock.day_fr(known)


def month_in(day: date, language: Language) -> str:
    """'novembre 2026', 'November 2026'."""
    return f"{day:%B %Y}" if language == "en" else clock.day_fr(day).partition(" ")[2]


def moment_in(at: datetime | str | None, language: Language) -> str:
    """'21/11/2026 à 14 h 05' in Paris; a dash for none."""
    if at is None:
        return "–"
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = known.astimezone(clock.PARIS)
    return f"{local.day} {local:%b %Y, %H:%M}" if language == "en" else clock.moment_fr(known)
