"""When a shop is open: a week of spans, as people type it and as people read it.

A day has up to two spans of minutes since midnight, Paris time, the end not in it. A span never goes over midnight:
a bar that closes at two types '18h-24h', for its guests are not the ones who look for a shop to spend a voucher in.
Closed all week means that nobody has said yet when the shop is open (`Hours.known`).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from vouchers import clock
from vouchers.errors import BadInput

MIDNIGHT: Final = 24 * 60
MOST_SPANS: Final = 2
DAYS_FR: Final = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
DAYS_EN: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIELDS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""What the seven fields of a form are called."""
MOST_CHARACTERS: Final = 500
_CLOSED: Final = frozenset({"", "fermé", "ferme", "fermée", "closed", "-", "–", "—", "x", "0"})
_TIME: Final = r"([0-9]{1,2})\s*(?:[h:.]\s*([0-9]{2})?)?"
_SPAN: Final = re.compile(rf"{_TIME}\s*(?:-|–|—|à|a|to|/)\s*{_TIME}", re.ASCII)
_BETWEEN_SPANS: Final = re.compile(r"\s*(?:,|;|\+|&|\bet\b|\band\b|\bpuis\b)\s*")
_LINE: Final = re.compile(r"([^0-9:]+?)\s*:?\s*([0-9].*|ferm.*|closed)?")
_RANGE: Final = re.compile(r"(?:du\s+)?([^\s-]+?)\.?\s*(?:\bau\b|\bto\b|à|-|–)\s*([^\s-]+?)\.?")


class Span(NamedTuple):
    """From and until, in minutes since midnight; 1 440 is midnight at the day's end."""

    opens: int
    closes: int


Day = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Hours:
    """A week, Monday first. Seven days of at most two spans each, in order and apart."""

    days: tuple[Day, ...] = ((),) * 7

    @property
    def known(self) -> bool:
        """Whether somebody said when the shop is open."""
        return any(self.days)


UNKNOWN: Final = Hours()


# ── As it is typed ───────────────────────────────────────────────────────────────────────────────────────────────
def parse_day(text: str, *, field: str = "hours") -> Day:
    """One day as typed: '9h-12h30, 14h-19h', '9:00-12:30', 'fermé' or nothing. Refuses `BadInput`."""
    typed = _plain(text, field)
    if typed in _CLOSED:
        return ()
    spans = [_span(part, field) for part in _BETWEEN_SPANS.split(typed) if part]
    ends = [minute for span in spans for minute in span]
    if not 1 <= len(spans) <= MOST_SPANS or any(late <= early for early, late in pairwise(ends)):
        raise BadInput(field=field, problem="hours_order")
    return tuple(spans)


def parse_week(texts: Sequence[str]) -> Hours:
    """The seven fields of a form, Monday first. Refuses `BadInput` with the day's field (`FIELDS`)."""
    return Hours(tuple(parse_day(text, field=field) for text, field in zip(texts, FIELDS, strict=True)))


def parse(text: str, *, field: str = "hours") -> Hours:
    """A week in one text, as `lines_fr` and `lines_en` write it: lines or '|' apart, days not named are closed.

    'Du mardi au samedi : 9 h – 12 h 30 | dimanche : 9h-12h'. Hours without a day are those of every day. Refuses
    `BadInput`, also where a day is named twice.
    """
    week: list[Day | None] = [None] * 7
    for line in re.split(r"[\n|]", text):
        typed = _plain(line, field)
        if not typed:
            continue
        places, spans = (range(7), typed) if typed[0].isdigit() or typed in _CLOSED else _named_days(typed, field)
        for place in places:
            if week[place] is not None:
                raise BadInput(field=field, problem="twice")
            week[place] = parse_day(spans, field=field)
    return Hours(tuple(day or () for day in week))


def _plain(text: str, field: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise BadInput(field=field, problem="length", least=0, most=MOST_CHARACTERS)
    return re.sub(r"[\s\u00a0\u202f]+", " ", text).strip().strip(".").lower()


def _span(text: str, field: str) -> Span:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise BadInput(field=field, problem="not_hours")
    opens, closes = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    if opens >= MIDNIGHT or closes > MIDNIGHT or int(found[2] or 0) > 59 or int(found[4] or 0) > 59:
        raise BadInput(field=field, problem="not_hours")
    return Span(opens, closes)


def _minutes(hour: str, minute: str | None) -> int:
    return int(hour) * 60 + int(minute or 0)


def _named_days(line: str, field: str) -> tuple[Sequence[int], str]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadInput(field=field, problem="not_hours")
    named, spans = found[1].strip(), found[2] or ""
    if named in {"tous les jours", "every day"}:
        return range(7), spans
    ends = _RANGE.fullmatch(named)
    if ends is not None:
        first, last = _day(ends[1], field), _day(ends[2], field)
        if first > last:
            raise BadInput(field=field, problem="not_hours")
        return range(first, last + 1), spans
    return [_day(one, field) for one in re.split(r"\s*,\s*|\s+et\s+|\s+and\s+", named)], spans


def _day(word: str, field: str) -> int:
    wanted = word.removeprefix("le ").rstrip(".")
    for names in (DAYS_FR, DAYS_EN):
        for place, name in enumerate(names):
            if len(wanted) >= 2 and name.lower().startswith(wanted.removesuffix("s")):
                return place
    raise BadInput(field=field, problem="not_hours")


# ── As it is kept ────────────────────────────────────────────────────────────────────────────────────────────────
def to_json(hours: Hours) -> str:
    """As the tables keep it: seven lists of [from, until] in minutes."""
    return json.dumps(hours.days, separators=(",", ":"))


def from_json(text: str) -> Hours:
    """Back from `to_json`; what is no week of ours is a week nobody told."""
    kept = json.loads(text or "[]")
    return Hours(tuple(tuple(Span(*span) for span in day) for day in kept)) if len(kept) == 7 else UNKNOWN


# ── As it is read ────────────────────────────────────────────────────────────────────────────────────────────────
def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the shop is open at this instant, by the clocks of Paris."""
    local = at.astimezone(clock.PARIS)
    minute = local.hour * 60 + local.minute
    return any(span.opens <= minute < span.closes for span in hours.days[local.weekday()])


def day_typed(day: Day) -> str:
    """A day as a form shows it, to be typed over: '9h-12h30, 14h-19h'; empty when closed."""
    return ", ".join(f"{_short(span.opens)}-{_short(span.closes)}" for span in day)


def lines_fr(hours: Hours) -> list[str]:
    """The week for people, neighbouring days of the same hours as one line: 'Du mardi au samedi : 9 h – 12 h 30'.

    Days on which the shop is closed have a line of their own; nothing at all where nobody said.
    """
    lines: list[str] = []
    for first, last, day in _runs(hours):
        spans = ", ".join(f"{_spoken(span.opens)} – {_spoken(span.closes)}" for span in day) or "fermé"
        lines.append(f"{_named(first, last, DAYS_FR, _WORDS_FR)} : {spans}")
    return lines


def lines_en(hours: Hours) -> list[str]:
    """The same in English: 'Tuesday to Saturday: 9:00–12:30'."""
    lines: list[str] = []
    for first, last, day in _runs(hours):
        spans = ", ".join(f"{_digital(span.opens)}–{_digital(span.closes)}" for span in day) or "closed"
        lines.append(f"{_named(first, last, DAYS_EN, _WORDS_EN)}: {spans}")
    return lines


def _runs(hours: Hours) -> list[tuple[int, int, Day]]:
    if not hours.known:
        return []
    runs = [list(run) for _same, run in groupby(range(7), key=lambda place: hours.days[place])]
    return [(run[0], run[-1], hours.days[run[0]]) for run in runs]


class _Words(NamedTuple):
    two: str
    several: str
    every: str


_WORDS_FR: Final = _Words("{} et {}", "Du {} au {}", "Tous les jours")
_WORDS_EN: Final = _Words("{} and {}", "{} to {}", "Every day")


def _named(first: int, last: int, names: Sequence[str], words: _Words) -> str:
    if (first, last) == (0, 6):
        return words.every
    shape = "{}" if first == last else words.two if last == first + 1 else words.several
    said = shape.format(names[first], names[last])
    return said[0].upper() + said[1:]


def _spoken(minute: int) -> str:
    hour, rest = divmod(minute, 60)
    return f"{hour} h {rest:02d}" if rest else f"{hour} h"


def _short(minute: int) -> str:
    hour, rest = divmod(minute, 60)
    return f"{hour}h{rest:02d}" if rest else f"{hour}h"


def _digital(minute: int) -> str:
    hour, rest = divmod(minute, 60)
    return f"{hour}:{rest:02d}"
