"""The programme on one A4 page, for the treasurer and the elected members (tableau de bord du dispositif).

Draws only what it is given: every figure comes in as whole cents or a count, percents are whole and rounded
down so that "100 %" means reached. A part without data says so instead of standing empty.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from vouchers.clock import book_day, day_fr, moment_fr
from vouchers.money import euros_fr, percent_fr
from vouchers.paper.fonts import BOLD, REGULAR
from vouchers.paper.page import (
    DEEP,
    HEIGHT,
    INK,
    LEFT,
    NBSP,
    PALE,
    RIGHT,
    SOFT,
    TINT,
    Pages,
    bare_amount,
)

_GAP: Final = 22.0
_HALF: Final = (RIGHT - LEFT - _GAP) / 2
_THIRD: Final = (RIGHT - LEFT - 2 * _GAP) / 3
_WEEKS_SHOWN: Final = 16
_SHARES_SHOWN: Final = 6
_ACCOUNTS_SHOWN: Final = 13
_MEASURE: Final = "Dépensé"
"""The state by which the programme is judged; its bar is the dark one."""
_SETTLED: Final = "Réglé aux commerçants"
_NOTHING_YET: Final = "Aucune donnée à ce jour."


@dataclass(frozen=True, slots=True)
class Gauge:
    """How far the money has come, each state within the one before; `target_cents` is 0 when none was set."""

    target_cents: int
    ordered_cents: int
    paid_cents: int
    handed_out_cents: int
    spent_cents: int
    settled_cents: int


@dataclass(frozen=True, slots=True)
class Lapsing:
    """What is lost to the town unless it is spent within `days`; `first_on` is the nearest last day."""

    days: int
    vouchers: int
    cents: int
    first_on: date | None


@dataclass(frozen=True, slots=True)
class Share:
    """One bar: what was spent (or is outstanding) under `name`, and in how many vouchers."""

    name: str
    cents: int
    vouchers: int


@dataclass(frozen=True, slots=True)
class Week:
    """What was spent in the week that begins on `begins_on`, a Monday."""

    begins_on: date
    cents: int


@dataclass(frozen=True, slots=True)
class Leverage:
    """Sales in which vouchers were used: known only where the till gave the amount of the sale.

    `sale_cents` and `voucher_cents` are of those `known` redemptions, out of `redemptions` in all.
    """

    sale_cents: int
    voucher_cents: int
    known: int
    redemptions: int


@dataclass(frozen=True, slots=True)
class AccountTotals:
    """One account of the trial balance: what was debited and credited since the books began."""

    number: str
    name: str
    debit_cents: int
    credit_cents: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page. Shares come largest first, weeks and ages in their order."""

    programme: str
    issuer: str
    as_of: datetime
    gauge: Gauge
    lapsing: Lapsing
    leverage: Leverage
    outstanding_by_age: Sequence[Share]
    weeks: Sequence[Week]
    trades: Sequence[Share]
    towns: Sequence[Share]
    merchants: Sequence[Share]
    trial_balance: Sequence[AccountTotals]


def report_sheet(dashboard: Dashboard) -> bytes:
    """The page, as a PDF."""
    out = io.BytesIO()
    pages = Pages(out, title=f"Tableau de bord, {dashboard.programme}", author=dashboard.issuer, subject="Dispositif")
    _Report(pages, dashboard).draw()
    pages.turn()
    pages.close()
    return out.getvalue()


def folded(shares: Sequence[Share], *, shown: int) -> list[Share]:
    """At most `shown` shares that sum to the same: what is beyond becomes one, 'Autres (n)'."""
    if len(shares) <= shown:
        return list(shares)
    rest = shares[shown - 1 :]
    others = Share(f"Autres ({len(rest)})", sum(s.cents for s in rest), sum(s.vouchers for s in rest))
    return [*shares[: shown - 1], others]


def percent(part: int, whole: int) -> str:
    """'82 %', rounded down; a dash when there is no whole."""
    return percent_fr(100 * (100 * part // whole)) if whole > 0 else "–"


class _Report:
    def __init__(self, pages: Pages, dashboard: Dashboard) -> None:
        self.pages = pages
        self.dashboard = dashboard

    def draw(self) -> None:
        self._head(HEIGHT - 52)
        self._gauge(HEIGHT - 92)
        self._figures(HEIGHT - 257)
        second = LEFT + _HALF + _GAP
        self._weeks(LEFT, HEIGHT - 302, width=_HALF)
        self._shares(second, HEIGHT - 302, "Encours par ancienneté", self.dashboard.outstanding_by_age, width=_HALF)
        columns = (
            ("Dépenses par métier", self.dashboard.trades),
            ("Dépenses par commune", self.dashboard.towns),
            ("Premiers commerçants", self.dashboard.merchants),
        )
        for index, (title, shares) in enumerate(columns):
            self._shares(LEFT + index * (_THIRD + _GAP), HEIGHT - 438, title, shares, width=_THIRD)
        self._trial_balance(HEIGHT - 580)
        self._foot()

    def _head(self, y: float) -> None:
        pages, dashboard = self.pages, self.dashboard
        pages.text(LEFT, y, "Tableau de bord du dispositif", size=18, face=BOLD, ink=DEEP)
        ends = pages.text(LEFT, y - 16, dashboard.programme, size=10.5, room=330)
        pages.right(RIGHT, y, day_fr(book_day(dashboard.as_of)), size=10.5, face=BOLD)
        pages.right(RIGHT, y - 16, dashboard.issuer, size=9, ink=SOFT, room=RIGHT - ends - _GAP)

    def _title(self, x: float, y: float, title: str, *, width: float) -> float:
        self.pages.text(x, y, title, size=9.5, face=BOLD, room=width)
        self.pages.rule(x, y - 4.5, to=x + width, weight=0.8, ink=DEEP)
        return y - 18

    def _gauge(self, y: float) -> None:
        """Five bars on one scale, the target an upright across them all."""
        pages, gauge = self.pages, self.dashboard.gauge
        states = (
            ("Commandé", gauge.ordered_cents),
            ("Payé", gauge.paid_cents),
            ("Distribué", gauge.handed_out_cents),
            (_MEASURE, gauge.spent_cents),
            (_SETTLED, gauge.settled_cents),
        )
        full = max(gauge.target_cents, *(cents for _, cents in states))
        x, track, step, tall = LEFT + 112, RIGHT - LEFT - 112 - 128, 23.0, 14.0
        target = x + track * gauge.target_cents / full if full and gauge.target_cents else None
        said = f"Objectif {euros_fr(gauge.target_cents)}" if target else "Sans objectif chiffré"
        pages.text(LEFT, y, "Où en est l’argent", size=9.5, face=BOLD)
        pages.right(target or x + track, y, said, size=9, face=BOLD, ink=DEEP)
        y -= 20
        for name, cents in states:
            pages.text(LEFT, y + 3.5, name, size=9, room=106, face=BOLD if name == _MEASURE else REGULAR)
            pages.block(x, y, width=track, height=tall, ink=TINT)
            ink = DEEP if name == _MEASURE else PALE
            pages.block(x, y, width=track * cents / full if full else 0, height=tall, ink=ink)
            pages.figures(RIGHT - 38, y + 3.5, euros_fr(cents), size=9.5, face=BOLD)
            pages.figures(RIGHT, y + 3.5, percent(cents, gauge.target_cents), size=9, ink=SOFT)
            if name == _SETTLED:
                pages.text(LEFT, y - 5, "commission et TVA comprises", size=7, room=106, ink=SOFT)
            y -= step
        if target:
            pages.upright(target, y + step - 3, to=y + 5 * step + tall + 4, weight=1.4, ink=INK)

    def _figures(self, y: float) -> None:
        """Four figures that ask for a decision."""
        dashboard, pages = self.dashboard, self.pages
        gauge, lapsing, leverage = dashboard.gauge, dashboard.lapsing, dashboard.leverage
        outstanding = sum(share.cents for share in dashboard.outstanding_by_age)
        vouchers = sum(share.vouchers for share in dashboard.outstanding_by_age)
        until = f", dès le {lapsing.first_on:%d/%m/%Y}" if lapsing.first_on else ""
        known = percent(leverage.known, leverage.redemptions)
        cells = (
            _towards(gauge),
            ("En circulation (encours)", euros_fr(outstanding), _vouchers(vouchers)),
            (f"Périme sous {lapsing.days} jours", euros_fr(lapsing.cents), _vouchers(lapsing.vouchers) + until),
            (
                "Effet de levier",
                _times(leverage),
                f"connu pour {known} des passages" if leverage.known else "aucune vente saisie",
            ),
        )
        each = (RIGHT - LEFT) / len(cells)
        pages.block(LEFT, y - 14, width=RIGHT - LEFT, height=50, ink=TINT)
        for index, (name, value, detail) in enumerate(cells):
            x = LEFT + index * each + 10
            if index:
                pages.upright(x - 10, y - 8, to=y + 30)
            pages.text(x, y + 22, name, size=8, room=each - 16, ink=SOFT)
            pages.text(x, y + 5, value, size=14, face=BOLD, room=each - 16)
            pages.text(x, y - 7, detail, size=7.5, room=each - 16, ink=SOFT)

    def _weeks(self, x: float, y: float, *, width: float) -> None:
        """A column a week; the last and the best carry their figure."""
        pages, weeks = self.pages, self.dashboard.weeks[-_WEEKS_SHOWN:]
        y = self._title(x, y, "Dépenses par semaine", width=width)
        most = max((week.cents for week in weeks), default=0)
        if most <= 0:
            pages.text(x, y, _NOTHING_YET, size=8.5, ink=SOFT)
            return
        foot, tall, each = y - 72, 62.0, width / max(len(weeks), 8)
        best = max(range(len(weeks)), key=lambda index: weeks[index].cents)
        for index, week in enumerate(weeks):
            height = tall * max(0, week.cents) / most
            at = x + index * each
            ink = DEEP if index in (best, len(weeks) - 1) else PALE
            pages.block(at, foot, width=each - 3, height=height, ink=ink)
            if index in (best, len(weeks) - 1):
                value = euros_fr(week.cents).partition(",")[0] + f"{NBSP}€"
                pages.right(max(at + each - 3, x + 30), foot + height + 3, value, size=7.5, face=BOLD)
        pages.rule(x, foot, to=x + width, ink=SOFT)
        pages.text(x, foot - 10, f"{weeks[0].begins_on:%d/%m}", size=7.5, ink=SOFT)
        if len(weeks) > 1:
            end = x + len(weeks) * each - 3
            pages.right(end, foot - 10, f"semaine du {weeks[-1].begins_on:%d/%m}", size=7.5, ink=SOFT)

    def _shares(self, x: float, y: float, title: str, shares: Sequence[Share], *, width: float) -> None:
        """A bar a share under its name and figure, the longest bar being the largest share."""
        pages = self.pages
        y = self._title(x, y, title, width=width)
        most = max((share.cents for share in shares), default=0)
        if most <= 0:
            pages.text(x, y, _NOTHING_YET, size=8.5, ink=SOFT)
            return
        for share in folded(shares, shown=_SHARES_SHOWN):
            left = pages.figures(x + width, y, euros_fr(share.cents), size=8)
            pages.text(x, y, share.name, size=8, room=left - x - 6)
            # The rest is a sum, not a rival: a bar of its own would dwarf those it stands below.
            if share in shares:
                pages.block(x, y - 5.5, width=width, height=2.6, ink=TINT)
                pages.block(x, y - 5.5, width=width * max(0, share.cents) / most, height=2.6, ink=DEEP)
            y -= 17.5

    def _trial_balance(self, y: float) -> None:
        pages = self.pages
        moved = [line for line in self.dashboard.trial_balance if line.debit_cents or line.credit_cents]
        y = self._title(LEFT, y, "Balance des comptes (€)", width=RIGHT - LEFT) + 1
        if not moved:
            pages.text(LEFT, y, _NOTHING_YET, size=8.5, ink=SOFT)
            return
        columns = (RIGHT - 232, RIGHT - 154, RIGHT - 77, RIGHT)
        for x, name in zip(columns, ("Débit", "Crédit", "Solde débiteur", "Solde créditeur"), strict=True):
            pages.right(x, y, name, size=7.5, face=BOLD, ink=SOFT)
        rows = moved
        if len(moved) > _ACCOUNTS_SHOWN:
            rest = moved[_ACCOUNTS_SHOWN - 1 :]
            debit, credit = (sum(line.debit_cents for line in rest), sum(line.credit_cents for line in rest))
            others = AccountTotals("", f"Autres comptes ({len(rest)})", debit, credit)
            rows = [*moved[: _ACCOUNTS_SHOWN - 1], others]
        totals = [0, 0, 0, 0]
        for line in rows:
            y -= 12
            debit, credit = line.debit_cents, line.credit_cents
            cents = (debit, credit, max(0, debit - credit), max(0, credit - debit))
            totals = [total + own for total, own in zip(totals, cents, strict=True)]
            pages.text(LEFT, y, line.number, size=8, ink=SOFT)
            pages.text(LEFT + 36, y, line.name, size=8, room=columns[0] - LEFT - 96)
            for x, own in zip(columns, cents, strict=True):
                if own:
                    pages.figures(x, y, bare_amount(own), size=8)
            pages.rule(LEFT, y - 3.5, to=RIGHT, weight=0.3)
        y -= 13
        balanced = totals[0] == totals[1] and totals[2] == totals[3]
        pages.text(LEFT, y, "Total, équilibré" if balanced else "Total, DÉSÉQUILIBRÉ", size=8.5, face=BOLD)
        for x, own in zip(columns, totals, strict=True):
            pages.figures(x, y, bare_amount(own), size=8.5, face=BOLD)

    def _foot(self) -> None:
        pages, dashboard = self.pages, self.dashboard
        pages.rule(LEFT, 40, to=RIGHT)
        said = f"Chiffres tirés du journal le {moment_fr(dashboard.as_of)}. Aucune donnée personnelle."
        ends = pages.text(LEFT, 29, said, size=7.5, ink=SOFT)
        pages.right(RIGHT, 29, dashboard.issuer, size=7.5, ink=SOFT, room=RIGHT - ends - _GAP)


def _towards(gauge: Gauge) -> tuple[str, str, str]:
    """(title, figure, detail) of the way that is left to the target."""
    if gauge.target_cents <= 0:
        return "Dépensé", euros_fr(gauge.spent_cents), "sans objectif chiffré"
    left = max(0, gauge.target_cents - gauge.spent_cents)
    reached = percent(gauge.spent_cents, gauge.target_cents)
    return "Reste pour atteindre l’objectif", euros_fr(left), f"objectif atteint à {reached}"


def _vouchers(count: int) -> str:
    grouped = f"{count:,}".replace(",", NBSP)
    return f"{grouped} chèque{'s' if count > 1 else ''}"


def _times(leverage: Leverage) -> str:
    """'× 1,8': euros of sales for each euro of vouchers, rounded down to a tenth."""
    if leverage.voucher_cents <= 0:
        return "–"
    whole, tenths = divmod(leverage.sale_cents * 10 // leverage.voucher_cents, 10)
    return f"×{NBSP}{whole},{tenths}"
