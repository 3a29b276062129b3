# ruff: noqa: S608 - built of the words in this file alone
"""I18: the papers. Each is the file that was made, with the number, the day and the amounts that the journal bears out.

Questions as in `invariants.py`, of the same shape, and two that SQL cannot ask: what the hash of a file is, and what is
in JSON. Nothing here is shared with the rooms that make papers.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from vouchers.db import ReadSession
from vouchers.invariants import RECEIVABLE, Invariant, turnover
from vouchers.money import share_of

_INVOICES: Final = "('face_value', 'fee', 'face_value_and_fee')"
_CREDITS: Final = "('face_value_credit', 'fee_credit', 'face_value_and_fee_credit', 'commission_credit')"
_OF_ORDER: Final = "d.subject = 'order:' || CAST(o.number AS TEXT)"


def _parts(prefix: str) -> str:
    """SQL: 'face, fee, VAT' of sums that stand under these names."""
    return " || ', ' || ".join(f"CAST({prefix}{part} AS TEXT)" for part in ("face", "fee", "vat"))


def _summed(kinds: str, *, sign: str = "") -> str:
    """SQL: the cents of each order's papers of these kinds."""
    sums = ", ".join(f"CAST({sign}SUM({part}_cents) AS BIGINT) AS {part}" for part in ("face", "fee", "vat"))
    return f"SELECT programme_id, subject, {sums} FROM document WHERE kind IN {kinds} GROUP BY programme_id, subject"


def _moved(side: str, where: dict[str, str]) -> str:
    """SQL: what each order's receivable was moved by, under the same names."""
    return ", ".join(
        f"{turnover(side, RECEIVABLE, 'o.programme_id', f'({wanted})')} AS {part}" for part, wanted in where.items()
    )


_APPROVED: Final = _moved(
    "debit",
    {"face": "y.credit LIKE 'ordered:%'", "fee": "y.credit = 'fee'", "vat": "y.credit IN ('vat', 'vat_pending')"},
)
_TAKEN_BACK: Final = _moved(
    "credit",
    {
        "face": "y.debit = 'float' OR y.debit LIKE 'ordered:%'",
        "fee": "y.debit = 'fee'",
        "vat": "y.debit IN ('vat', 'vat_pending')",
    },
)

# fmt: off
PAPERS: Final = (
    Invariant("I18", "document", "a paper was made when its fact says, and is about what it says",
        f"""SELECT d.programme_id AS p, d.journal_id AS n, COALESCE(j.kind || ' ' || j.subject || ' '
              || CAST(j.at AS TEXT), 'no fact') AS found,
              CASE WHEN d.kind IN {_INVOICES} OR d.kind = 'commission' THEN 'invoiced' WHEN d.kind IN {_CREDITS}
                THEN 'credited' ELSE 'document_made' END || ' ' || d.subject || ' ' || CAST(d.made_at AS TEXT)
                AS expected
            FROM document d LEFT JOIN journal j ON j.programme_id = d.programme_id AND j.id = d.journal_id"""),
    Invariant("I18", "journal", "each fact of a paper has its paper",
        """SELECT j.programme_id AS p, j.id AS n, j.kind || ', no paper' AS found, 'a paper' AS expected FROM journal j
           LEFT JOIN document d ON d.programme_id = j.programme_id AND d.journal_id = j.id
           WHERE j.kind IN ('invoiced', 'credited', 'document_made') AND d.name IS NULL"""),
    Invariant("I18", "document", "the numbers of a series run on without a gap, and their days never go back",
        """SELECT p, n, said || ' of ' || issued_on AS found, wanted || ' of ' || newest_on AS expected FROM (
             SELECT d.programme_id AS p, d.journal_id AS n, CAST(d.issued_on AS TEXT) AS issued_on,
               COALESCE(d.series || ' ' || CAST(d.number AS TEXT), '-') AS said,
               COALESCE(substr(d.series, 1, length(d.series) - 4) || substr(CAST(d.issued_on AS TEXT), 1, 4) || ' '
                 || CAST(ROW_NUMBER() OVER (PARTITION BY d.programme_id, d.series ORDER BY d.journal_id) AS TEXT), '-')
                 AS wanted,
               MAX(CAST(j.book_day AS TEXT)) OVER (PARTITION BY d.programme_id, COALESCE(substr(d.series, 1,
                 length(d.series) - 5), d.name) ORDER BY d.journal_id) AS newest_on
             FROM document d JOIN journal j ON j.programme_id = d.programme_id AND j.id = d.journal_id) numbered"""),
    Invariant("I18", "document", "a paper about an order is its buyer's, one about a settlement its merchant's",
        """SELECT d.programme_id AS p, d.journal_id AS n, COALESCE('buyer ' || CAST(d.buyer_id AS TEXT), 'no buyer')
             || COALESCE(', merchant ' || CAST(d.merchant_id AS TEXT), '') AS found,
             CASE WHEN d.subject LIKE 'order:%' THEN COALESCE('buyer ' || CAST(o.buyer_id AS TEXT), 'no such order')
               ELSE 'no buyer, merchant ' || substr(d.subject, 13 + length(CAST(r.number AS TEXT))) END AS expected
           FROM document d
           LEFT JOIN voucher_order o ON o.programme_id = d.programme_id
             AND d.subject = 'order:' || CAST(o.number AS TEXT)
           LEFT JOIN payment_run r ON r.programme_id = d.programme_id
             AND d.subject LIKE 'settlement:' || CAST(r.number AS TEXT) || '/%'
           WHERE d.subject LIKE 'order:%' OR d.subject LIKE 'settlement:%/%'"""),
    Invariant("I18", "document", "the invoices of an order say what approving it posted",
        f"""SELECT p, n, {_parts("said_")} AS found, {_parts("")} AS expected FROM (
              SELECT o.programme_id AS p, o.number AS n, d.face AS said_face, d.fee AS said_fee, d.vat AS said_vat,
                {_APPROVED}
              FROM voucher_order o JOIN ({_summed(_INVOICES)}) d ON d.programme_id = o.programme_id AND {_OF_ORDER}
            ) compared"""),
    Invariant("I18", "document", "the credit notes of an order give back no more than was taken back of it",
        f"""SELECT p, n, {_parts("said_")} AS found, CASE WHEN said_face BETWEEN 0 AND face
              AND said_fee BETWEEN 0 AND fee AND said_vat BETWEEN 0 AND vat THEN {_parts("said_")}
              ELSE 'at most ' || {_parts("")} END AS expected FROM (
              SELECT o.programme_id AS p, o.number AS n, d.face AS said_face, d.fee AS said_fee, d.vat AS said_vat,
                {_TAKEN_BACK}
              FROM voucher_order o JOIN ({_summed(_CREDITS, sign="-")}) d ON d.programme_id = o.programme_id
                AND {_OF_ORDER}) compared"""),
    Invariant("I18", "document", "a credit note takes back an invoice of its order and kind, and nothing else does",
        f"""SELECT c.programme_id AS p, c.journal_id AS n, COALESCE(i.kind || ' of ' || i.subject, '-') AS found,
              CASE WHEN c.kind NOT IN {_CREDITS} THEN '-'
                WHEN c.kind = 'face_value_credit' AND i.kind = 'face_value_and_fee' THEN i.kind
                ELSE substr(c.kind, 1, length(c.kind) - 7) END
              || CASE WHEN c.kind NOT IN {_CREDITS} THEN '' WHEN c.subject LIKE 'order:%' OR i.subject IS NULL
                THEN ' of ' || c.subject ELSE ' of ' || i.subject END AS expected
            FROM document c LEFT JOIN document i ON i.programme_id = c.programme_id AND i.name = c.corrects"""),
    Invariant("I18", "billing", "what a buyer's accountant wants on invoices is what was last set",
        """SELECT b.programme_id AS p, b.buyer_id AS n, b.chorus_rule || ' · ' || COALESCE(b.service_code, '-') || ' · '
             || COALESCE(b.market, '-') || ' · ' || COALESCE(b.vat_number, '-') AS found,
             COALESCE((SELECT k.reason FROM journal k WHERE k.programme_id = b.programme_id AND k.kind = 'billing_set'
               AND k.subject = 'buyer:' || CAST(b.buyer_id AS TEXT) ORDER BY k.id DESC LIMIT 1), 'never set')
             AS expected FROM billing b"""),
)
COMMISSIONS: Final = (
    Invariant("I18", "settlement", "the commission papers of a settlement say what it kept",
        """SELECT s.programme_id AS p, MAX(d.journal_id) AS n, CAST(SUM(d.fee_cents) AS TEXT) || ', '
             || CAST(SUM(d.vat_cents) AS TEXT) AS found,
             CAST(s.commission_cents AS TEXT) || ', ' || CAST(s.vat_cents AS TEXT) AS expected
           FROM settlement s JOIN document d ON d.programme_id = s.programme_id
             AND d.kind IN ('commission', 'commission_credit')
             AND d.subject = 'settlement:' || CAST(s.run_number AS TEXT) || '/' || CAST(s.merchant_id AS TEXT)
           GROUP BY s.programme_id, s.run_number, s.merchant_id, s.commission_cents, s.vat_cents"""),
    Invariant("I18", "settlement", "a statement of a settlement that asked for VAT has its invoice, and was paid",
        """SELECT s.programme_id AS p, d.journal_id AS n, s.state || ', ' || CASE WHEN s.vat_cents <= 0 OR EXISTS (
             SELECT 1 FROM document c WHERE c.programme_id = d.programme_id AND c.subject = d.subject
               AND c.kind IN ('commission', 'commission_credit') AND c.journal_id < d.journal_id)
             THEN 'invoiced before' ELSE 'no invoice before' END AS found,
             CASE WHEN s.state = 'carried' THEN 'paid' ELSE s.state END || ', invoiced before' AS expected
           FROM settlement s JOIN document d ON d.programme_id = s.programme_id AND d.kind = 'statement'
             AND d.subject = 'settlement:' || CAST(s.run_number AS TEXT) || '/' || CAST(s.merchant_id AS TEXT)"""),
)
# fmt: on


class Strayed(NamedTuple):
    """A paper, or settings, that the journal does not bear out."""

    says: str
    table: str
    key: str
    found: str
    expected: str


def strayed_papers(session: ReadSession) -> Iterator[Strayed]:
    """The first file that is not the one that was made, amounts that its lines do not make, settings nobody set so."""
    yield from _first_of(_files(session))
    yield from _first_of(_amounts(session))
    yield from _first_of(_settings(session))


def _first_of(found: Iterator[Strayed]) -> Iterator[Strayed]:
    first = next(found, None)
    if first is not None:
        yield first


def _files(session: ReadSession) -> Iterator[Strayed]:
    papers = session.execute(
        text(
            "SELECT d.programme_id, d.name, d.sha256, d.file, j.reason FROM document d"
            " LEFT JOIN journal j ON j.programme_id = d.programme_id AND j.id = d.journal_id"
            " ORDER BY d.programme_id, d.journal_id"
        ),
        # A paper is some 100 kB.
        execution_options={"yield_per": 20, "stream_results": True},
    )
    with papers as rows:
        for row in rows:
            digest = hashlib.sha256(bytes(row.file)).hexdigest()
            found = f"{row.name} {digest}, kept as {bytes(row.sha256).hex()}"
            expected = f"{row.reason}, kept as {str(row.reason).rpartition(' ')[2]}"
            if found != expected:
                key = f"programme {row.programme_id}, paper {row.name}"
                yield Strayed("a paper is the file that was made", "document", key, found, expected)


def _amounts(session: ReadSession) -> Iterator[Strayed]:
    papers = session.execute(
        text(
            "SELECT programme_id, name, kind, content, face_cents, fee_cents, vat_cents FROM document"
            " WHERE subject LIKE 'order:%' AND (face_cents <> 0 OR fee_cents <> 0 OR vat_cents <> 0)"
            " ORDER BY programme_id, journal_id"
        ),
        execution_options={"yield_per": 1_000, "stream_results": True},
    )
    with papers as rows:
        for row in rows:
            found = f"{row.face_cents}, {row.fee_cents}, {row.vat_cents}"
            expected = _summed_up(row.content, sign=-1 if row.kind.endswith("_credit") else 1)
            if found != expected:
                key = f"programme {row.programme_id}, paper {row.name}"
                yield Strayed("a paper asks for what its lines make", "document", key, found, expected)


def _summed_up(content: str, *, sign: int) -> str:
    """'face, fee, VAT' of the lines: (what, quantity, cents of one, rate), VAT rounded once for each rate."""
    try:
        lines = [(quantity * cents, rate) for _what, quantity, cents, rate in json.loads(content)["lines"]]
    except (ValueError, TypeError, KeyError):
        return "unreadable"
    face = sum(cents for cents, rate in lines if rate is None)
    taxed = {rate: sum(cents for cents, of in lines if of == rate) for _, rate in lines if rate is not None}
    vat = sum(share_of(cents, basis_points=rate) for rate, cents in taxed.items())
    return f"{sign * face}, {sign * sum(taxed.values())}, {sign * vat}"


def _settings(session: ReadSession) -> Iterator[Strayed]:
    kept = session.execute(
        text(
            "SELECT s.programme_id, s.invoice_form, s.vat_due, s.payment_days, s.threshold_cents, s.vat_number,"
            " s.accounts, (SELECT k.reason FROM journal k WHERE k.programme_id = s.programme_id"
            " AND k.kind = 'paper_settings_set' ORDER BY k.id DESC LIMIT 1) AS reason"
            " FROM paper_settings s ORDER BY s.programme_id"
        )
    )
    for row in kept:
        said = (row.invoice_form, row.vat_due, row.payment_days, row.threshold_cents, row.vat_number or "-")
        found = " ".join([*map(str, said), _numbers(row.accounts)])
        if found != row.reason:
            key = f"programme {row.programme_id}"
            says = "papers and books are as they were last set"
            yield Strayed(says, "paper_settings", key, found, str(row.reason or "never set"))


def _numbers(accounts: str) -> str:
    try:
        known: dict[str, Any] = json.loads(accounts)
        return ",".join(f"{word}={number}" for word, (number, _name) in sorted(known.items())) or "-"
    except (ValueError, TypeError, AttributeError):
        return "unreadable"
