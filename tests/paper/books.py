"""A small campaign as a bookkeeper's entries, for the tests of the files that are written from them."""

from datetime import date
from typing import Final

from vouchers.entries import Entry, EntryLine

NAMES: Final = {
    "411000": "Acheteurs et commerçants",
    "445710": "TVA collectée",
    "445740": "TVA sur prestations non encaissées",
    "468110": "Titres commandés, non émis",
    "468120": "Titres en circulation",
    "468200": "Commerçants, titres à rembourser",
    "512100": "Banque",
    "706100": "Frais de gestion",
    "706200": "Commissions des commerçants",
}
JOURNALS: Final = {"VE": "Ventes", "BQ": "Banque", "OD": "Opérations diverses"}
OWNERS: Final = {"C0001": "Commune de Saint-Pierre-en-Auge", "M0012": "Boulangerie « Au Bon Œil »"}


def a_line(account: str, cents: int, label: str, *, owner: str = "", **more: object) -> EntryLine:
    """Above zero to the debit, below to the credit."""
    return EntryLine(
        account=account,
        account_name=NAMES[account],
        owner=owner,
        owner_name=OWNERS.get(owner, ""),
        label=label,
        debit_cents=max(cents, 0),
        credit_cents=max(-cents, 0),
        **more,
    )


def an_entry(journal: str, number: int, on: date, piece: str, *lines: EntryLine, **more: object) -> Entry:
    facts: dict[str, object] = {"piece_on": on, "validated_on": on, "fact": number, "actor": "", "reason": ""}
    return Entry(
        journal=journal,
        journal_name=JOURNALS[journal],
        number=number,
        on=on,
        piece=piece,
        lines=lines,
        **(facts | more),
    )


def a_campaign() -> list[Entry]:
    """40 000 € ordered, paid and issued, ten cheques spent in a shop, settled at 5 %, one redemption undone."""
    first, paid, spent, settled = date(2026, 9, 1), date(2026, 9, 28), date(2026, 10, 3), date(2026, 11, 2)
    tied = {"letter": "AA", "lettered_on": paid}
    order, shop = "Commande 3 : Noël des aînés", "Remise 17, règlement n° 5"
    return [
        an_entry(
            "VE", 1, first, "F2026-0003",
            a_line("411000", 4_048_000, order, owner="C0001", **tied),
            a_line("468110", -4_000_000, order),
            a_line("706100", -40_000, order),
            a_line("445740", -8_000, "TVA 20 % sur frais de gestion"),
            fact=1, actor="user:4", reason="bon de commande 2026-118",
        ),
        an_entry(
            "BQ", 1, paid, "REL-0009",
            a_line("512100", 4_048_000, "Virement RF18 2026 0003"),
            a_line("411000", -4_048_000, "Virement RF18 2026 0003", owner="C0001", **tied),
            fact=2,
        ),
        an_entry(
            "OD", 1, paid, "REL-0009", a_line("445740", 8_000, "TVA exigible"),
            a_line("445710", -8_000, "TVA exigible"), fact=2,
        ),
        an_entry(
            "OD", 2, paid, "LOT-1", a_line("468110", 4_000_000, "Émission du lot 1"),
            a_line("468120", -4_000_000, "Émission du lot 1"), fact=3,
        ),
        an_entry(
            "OD", 3, spent, "ACC-3", a_line("468120", 1_000, "Chèque accepté", serial=4217),
            a_line("468200", -1_000, "Chèque accepté", owner="M0012", serial=4217),
            a_line("468120", 9_000, "Chèques acceptés"), a_line("468200", -9_000, "Chèques acceptés", owner="M0012"),
            fact=4, actor="till:7",
        ),
        an_entry(
            "VE", 2, settled, "C2026-0005", a_line("411000", 600, shop, owner="M0012"),
            a_line("706200", -500, shop), a_line("445710", -100, shop), fact=5,
        ),
        an_entry(
            "OD", 4, settled, "C2026-0005", a_line("468200", 600, shop, owner="M0012"),
            a_line("411000", -600, shop, owner="M0012"), fact=5,
        ),
        an_entry(
            "BQ", 2, settled, "REL-0011", a_line("468200", 9_400, shop, owner="M0012"), a_line("512100", -9_400, shop),
            fact=6, reason="payée, vue au relevé",
        ),
    ]  # fmt: skip


EVIL: Final = (
    '=HYPERLINK("http://evil")',
    "@SUM(1)",
    "a\tb|c\r\nd\u00a0e",
    "\r\n2026-01-01 * forged\n  Assets:Bank  1 EUR\n  Liabilities:Float",
    '" ; open Assets:Stolen EUR\\',
    "\\",
    "\\\\\"",
    "; comment",
    "date:2020-99-99, [2020-99-99] [=1/1]",
    "\u2028include \"/etc/hosts\"\x85account x\x0b\x0c\x00",
    "end comment",
    "(code) !",
    "🎁",
    "Œuvre d’été – « Łódź » Ελλάδα 日本 €",
    "｜|¦",
    "",
)  # fmt: skip
