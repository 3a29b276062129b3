# ruff: noqa: S608 - built of the words in this file alone
"""I19: the bank. What its lines say is what the books moved, cent by cent, and somebody decided it.

Questions as in `invariants.py`, of the same shape. Not asked, because only the bank could say: the words of a line, its
day, its payer; `verify` knows the sum of all lines by the balances, and the bank's file by the hash in the journal.
"""

from typing import Final

from vouchers.bank_lines import MOST_KEPT_CENTS
from vouchers.invariants import Invariant

_MOVED: Final = """
    (SELECT programme_id, journal_id, 'in' AS way, CAST(SUM(cents) AS BIGINT) AS cents FROM posting
       WHERE debit = 'bank' GROUP BY programme_id, journal_id
     UNION ALL SELECT programme_id, journal_id, 'out', CAST(SUM(cents) AS BIGINT) FROM posting
       WHERE credit = 'bank' GROUP BY programme_id, journal_id
     UNION ALL SELECT programme_id, journal_id, 'allotted', CAST(SUM(cents) AS BIGINT) FROM posting
       WHERE debit = 'unallocated' GROUP BY programme_id, journal_id)"""
"""SQL: what each fact moved on the bank's account, either way, and out of what waited."""
_TOLD: Final = """
    (SELECT b.programme_id, b.journal_id,
       CASE WHEN l.cents > 0 AND f.journal_id IS NULL THEN 'in' ELSE 'out' END AS way,
       CAST(SUM(b.cents) AS BIGINT) AS cents
     FROM bank_match b JOIN bank_line l ON l.programme_id = b.programme_id AND l.number = b.line_number
     LEFT JOIN posting f ON f.programme_id = b.programme_id AND f.journal_id = b.journal_id AND f.debit = 'bank_fees'
     GROUP BY b.programme_id, b.journal_id,
       CASE WHEN l.cents > 0 AND f.journal_id IS NULL THEN 'in' ELSE 'out' END)"""
"""SQL: what the lines in, and the lines out, say of each fact; fees go out, on whichever line."""
_OF_WAY: Final = "((l.cents > 0 AND y.debit = 'bank') OR (l.cents < 0 AND y.credit = 'bank'))"
_KEPT: Final = f"""(l.cents > 0 AND y.debit = 'bank_fees' AND y.credit = 'bank' AND y.cents <= {MOST_KEPT_CENTS}
  AND EXISTS (SELECT 1 FROM journal k WHERE k.programme_id = b.programme_id AND k.id = b.journal_id
    AND k.subject = 'bank_line:' || CAST(b.line_number AS TEXT))
  AND EXISTS (SELECT 1 FROM bank_match r JOIN journal k ON k.programme_id = r.programme_id AND k.id = r.journal_id
    WHERE r.programme_id = b.programme_id AND r.line_number = b.line_number AND k.kind = 'transfer_returned'))"""
"""SQL: the little that the bank took of a transfer of ours, of which this very line tells, before it gave it back."""


def _at_bank(where: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM posting y WHERE y.programme_id = b.programme_id AND y.journal_id = b.journal_id"
        f" AND {where})"
    )


# fmt: off
BANK: Final = (
    Invariant("I19", "bank_statement", "a statement is the file that was taken, by whom and when, with as many lines",
        """SELECT s.programme_id AS p, s.number AS n, s.sha256 || ' ' || CAST(COALESCE(l.many, 0) AS TEXT) || '+'
             || CAST(s.known_lines AS TEXT) || ' ' || s.taken_by || ' ' || CAST(s.taken_at AS TEXT) AS found,
             COALESCE((SELECT CASE COUNT(*) WHEN 1 THEN MIN(k.reason || ' ' || k.actor || ' ' || CAST(k.at AS TEXT))
               ELSE 'two facts' END FROM journal k WHERE k.programme_id = s.programme_id
               AND k.kind = 'bank_statement_taken'
               AND k.subject = 'bank_statement:' || CAST(s.number AS TEXT)), 'no fact') AS expected
           FROM bank_statement s LEFT JOIN (SELECT programme_id, statement_number, COUNT(*) AS many FROM bank_line
             GROUP BY programme_id, statement_number) l
           ON l.programme_id = s.programme_id AND l.statement_number = s.number"""),
    Invariant("I19", "journal", "each fact of a statement has its statement",
        """SELECT k.programme_id AS p, k.id AS n, k.subject AS found, 'a statement' AS expected FROM journal k
           LEFT JOIN bank_statement s ON s.programme_id = k.programme_id
             AND k.subject = 'bank_statement:' || CAST(s.number AS TEXT)
           WHERE k.kind = 'bank_statement_taken' AND s.number IS NULL"""),
    Invariant("I19", "bank_statement", "opening, its lines and those that were known make the closing",
        """SELECT s.programme_id AS p, s.number AS n, s.opening_cents + s.known_cents + COALESCE(CAST((
             SELECT SUM(l.cents) FROM bank_line l WHERE l.programme_id = s.programme_id
             AND l.statement_number = s.number) AS BIGINT), 0) AS found, s.closing_cents AS expected
           FROM bank_statement s WHERE s.opening_cents IS NOT NULL"""),
    Invariant("I19", "bank_line", "facts tell of each cent of a line that is done, and of no other line",
        f"""SELECT l.programme_id AS p, l.number AS n, COALESCE((SELECT CAST(SUM(CASE WHEN {_at_bank(_OF_WAY)}
                THEN b.cents WHEN {_at_bank(_KEPT)} THEN -b.cents ELSE 0 END) AS BIGINT) FROM bank_match b
              WHERE b.programme_id = l.programme_id AND b.line_number = l.number), 0) AS found,
              CASE WHEN l.state = 'done' THEN ABS(l.cents) ELSE 0 END AS expected FROM bank_line l"""),
    Invariant("I19", "bank_match", "what tells of a line moved the bank that way, or what waited of it",
        f"""SELECT b.programme_id AS p, b.line_number AS n, 'journal ' || CAST(b.journal_id AS TEXT) AS found,
              'a move of the bank, or out of what waits' AS expected
            FROM bank_match b JOIN bank_line l ON l.programme_id = b.programme_id AND l.number = b.line_number
            WHERE NOT ({_at_bank(_OF_WAY)} OR {_at_bank(_KEPT)}
              OR (l.cents > 0 AND {_at_bank("y.debit = 'unallocated'")}))"""),
    Invariant("I19", "journal", "a fact that lines tell of moved what they say; what waits or goes back has lines",
        f"""SELECT y.programme_id AS p, y.journal_id AS n, y.way || ' ' || CAST(COALESCE(t.cents, 0) AS TEXT) AS found,
              y.way || ' ' || CAST(y.cents AS TEXT) AS expected
            FROM {_MOVED} y JOIN journal j ON j.programme_id = y.programme_id AND j.id = y.journal_id
            LEFT JOIN {_TOLD} t ON t.programme_id = y.programme_id AND t.journal_id = y.journal_id
              AND t.way = CASE y.way WHEN 'out' THEN 'out' ELSE 'in' END
            WHERE t.cents IS NOT NULL OR y.way = 'allotted'
              OR j.kind IN ('money_received', 'bank_fees_taken', 'paid_back')"""),
    Invariant("I19", "bank_line", "no more of a line is allotted than waits on it",
        """SELECT l.programme_id AS p, l.number AS n, CAST(w.cents AS TEXT) AS found, '0 or more' AS expected
           FROM bank_line l JOIN (SELECT b.programme_id, b.line_number,
             CAST(SUM(CASE WHEN y.credit = 'unallocated' THEN b.cents ELSE -b.cents END) AS BIGINT) AS cents
             FROM bank_match b JOIN posting y ON y.programme_id = b.programme_id AND y.journal_id = b.journal_id
               AND (y.credit = 'unallocated' OR y.debit = 'unallocated')
             GROUP BY b.programme_id, b.line_number) w
           ON w.programme_id = l.programme_id AND w.line_number = l.number WHERE l.cents > 0 AND w.cents < 0"""),
    Invariant("I19", "bank_line", "who decided a line, and when, is in the fact that was posted for it",
        f"""SELECT l.programme_id AS p, l.number AS n, l.decided_by || ' ' || CAST(l.decided_at AS TEXT) AS found,
             k.actor || ' ' || CAST(k.at AS TEXT) AS expected
           FROM bank_line l JOIN bank_match b ON b.programme_id = l.programme_id AND b.line_number = l.number
             AND (b.part = 1 AND b.means <> 'recorded' OR {_at_bank(_KEPT)})
           JOIN journal k ON k.programme_id = b.programme_id AND k.id = b.journal_id WHERE l.state = 'done'"""),
    Invariant("I19", "bank_line", "a line is set aside, by whom and why, if and only if its newest fact says so",
        """SELECT l.programme_id AS p, l.number AS n, CASE WHEN l.state = 'set_aside' THEN l.because || ', '
             || l.decided_by || ' ' || CAST(l.decided_at AS TEXT) ELSE 'not aside' END AS found,
             COALESCE((SELECT CASE WHEN k.kind = 'bank_line_set_aside' THEN k.reason || ', ' || k.actor || ' '
               || CAST(k.at AS TEXT) ELSE 'not aside' END FROM journal k WHERE k.programme_id = l.programme_id
               AND k.kind IN ('bank_line_set_aside', 'bank_line_reopened')
               AND k.subject = 'bank_line:' || CAST(l.number AS TEXT) ORDER BY k.id DESC LIMIT 1), 'not aside')
               AS expected FROM bank_line l"""),
)
# fmt: on
