# ruff: noqa: S608 - built of the words in this file alone
"""What must hold at every commit, asked of the rows alone, in SQL that both engines read.

Each question gives rows of p (programme), n (the row's own number), found and expected; a row where the last two differ
is a fault. Nothing here is shared with the rooms that write the rows: a mistake made there is not made again here.

I1 postings · I2 journals · I3 bounds · I4 each voucher · I5 each programme · I6 states · I7 keys · I9 redemptions and
reversals · I10 settlements · I11 snapshots · I14 commission and VAT · I15 orders and batches. Who, when and on which
account is asked in `witnesses.py`, what was accepted without network (I16) too, I12 (seals) in `verify.py`, I13
(triggers) in `guards.py`. I8 speaks of holds on a voucher; this house has none.
"""

from typing import Final, NamedTuple


class Invariant(NamedTuple):
    """`n` numbers rows of `table`; `says` is what holds."""

    name: str
    table: str
    says: str
    sql: str


_WHOLE: Final = (
    "bank", "float", "commission", "fee", "vat", "vat_pending", "breakage", "next_campaign", "suspense", "guarantee",
    "unallocated", "bank_fees",
)  # fmt: skip
_OWNERS: Final = {
    "receivable": ("voucher_order", "number"),
    "ordered": ("voucher_order", "number"),
    "merchant": ("merchant", "id"),
    "in_transit": ("payment_run", "number"),
    "lapsed": ("buyer", "id"),
}
_LEGAL_MOVES: Final = (
    ("order_approved", "receivable:%", "ordered:%", ""), ("order_approved", "receivable:%", "fee", ""),
    ("order_approved", "receivable:%", "vat_pending", ""), ("order_approved", "receivable:%", "vat", ""),
    ("order_paid", "bank", "receivable:%", ""), ("order_paid", "unallocated", "receivable:%", ""),
    ("order_paid", "vat_pending", "vat", ""),
    ("money_received", "bank", "unallocated", ""), ("bank_fees_taken", "bank_fees", "bank", ""),
    ("paid_back", "receivable:%", "bank", ""), ("paid_back", "lapsed:%", "bank", ""),
    ("paid_back", "unallocated", "bank", ""),
    ("order_cancelled", "ordered:%", "receivable:%", ""), ("order_cancelled", "fee", "receivable:%", ""),
    ("order_cancelled", "vat", "receivable:%", ""), ("order_cancelled", "vat_pending", "receivable:%", ""),
    ("issued", "ordered:%", "float", ""),
    ("redeemed", "float", "merchant:%", "serial"), ("reversed", "merchant:%", "float", "serial"),
    ("guaranteed", "guarantee", "merchant:%", ""),
    ("cancelled", "float", "receivable:%", "serial"),
    ("replaced", "float", "suspense", "serial"), ("replaced", "suspense", "float", "serial"),
    ("expired", "float", "breakage", "serial"), ("expired", "float", "lapsed:%", "serial"),
    ("expired", "float", "next_campaign", "serial"),
    ("settled", "merchant:%", "commission", ""), ("settled", "commission", "merchant:%", ""),
    ("settled", "merchant:%", "vat", ""), ("settled", "vat", "merchant:%", ""),
    ("settled", "merchant:%", "in_transit:%", ""),
    ("run_executed", "in_transit:%", "bank", ""),
    ("transfer_returned", "in_transit:%", "merchant:%", ""), ("transfer_returned", "bank", "merchant:%", ""),
)  # fmt: skip
"""(kind, debit, credit, whether it is one voucher's): the only moves there are."""
_ALWAYS_MOVES: Final = (
    "order_approved", "order_paid", "issued", "redeemed", "reversed", "cancelled", "replaced", "expired", "settled",
    "transfer_returned", "guaranteed", "money_received", "bank_fees_taken", "paid_back",
)  # fmt: skip


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _known_accounts() -> str:
    whole = " UNION ALL ".join(f"SELECT id AS p, '{account}' AS account FROM programme" for account in _WHOLE)
    owned = " UNION ALL ".join(
        f"SELECT programme_id, '{kind}:' || CAST({number} AS TEXT) FROM {table}"
        for kind, (table, number) in _OWNERS.items()
    )
    return f"{whole} UNION ALL {owned}"


def _legal() -> str:
    def is_account(side: str, account: str) -> str:
        return f"x.{side} LIKE '{account}'" if account.endswith("%") else f"x.{side} = '{account}'"

    return " OR ".join(
        f"(j.kind = '{kind}' AND {is_account('debit', debit)} AND {is_account('credit', credit)}"
        f" AND x.serial IS {'NOT NULL' if serial else 'NULL'})"
        for kind, debit, credit, serial in _LEGAL_MOVES
    )


def _share(cents: str, basis_points: str) -> str:
    """Half a cent away from zero, in whole numbers."""
    return f"((CASE WHEN {cents} < 0 THEN -1 ELSE 1 END) * ((2 * ABS({cents}) * {basis_points} + 10000) / 20000))"


def turnover(side: str, account: str, programme: str, where: str = "1 = 1") -> str:
    """SQL: the cents of all postings with `account` on that side, 0 where there is none."""
    return (
        f"(SELECT COALESCE(CAST(SUM(y.cents) AS BIGINT), 0) FROM posting y WHERE y.programme_id = {programme}"
        f" AND y.{side} = {account} AND {where})"
    )


_FACE: Final = (
    "(SELECT COALESCE(CAST(SUM(l.face_cents * l.quantity) AS BIGINT), 0) FROM order_line l"
    " WHERE l.programme_id = o.programme_id AND l.order_number = o.number)"
)
RECEIVABLE: Final = "('receivable:' || CAST(o.number AS TEXT))"
"""SQL: the account of what an order `o` owes."""
_ORDERED: Final = "('ordered:' || CAST(o.number AS TEXT))"
APPROVED: Final = "('approved', 'paid', 'accepted', 'issuing', 'issued', 'delivered')"
"""SQL: the states of an order whose price is posted."""
_ISSUED_OF_ORDER: Final = turnover("debit", _ORDERED, "o.programme_id", "y.credit = 'float'")
_LAST_MOVE: Final = (
    "(SELECT programme_id, serial, MAX(journal_id) AS id FROM posting WHERE serial IS NOT NULL"
    " GROUP BY programme_id, serial)"
)
_LINES: Final = """SELECT l.programme_id, l.run_number, l.merchant_id,
      CAST(SUM(CASE WHEN j.kind IN ('redeemed', 'guaranteed') THEN x.cents WHEN j.kind = 'reversed' THEN -x.cents
        ELSE 0 END) AS BIGINT) AS gross,
      CAST(SUM(CASE WHEN j.kind = 'transfer_returned' THEN x.cents ELSE 0 END) AS BIGINT) AS brought
    FROM settlement_line l
    JOIN posting x ON x.programme_id = l.programme_id AND x.journal_id = l.journal_id AND x.line = l.line
    JOIN journal j ON j.programme_id = l.programme_id AND j.id = l.journal_id
    GROUP BY l.programme_id, l.run_number, l.merchant_id"""


def _settled_part(account: str) -> str:
    """What a settlement's journal moved from its merchant to `account`, less what it moved back."""
    return (
        "(SELECT COALESCE(CAST(SUM(CASE WHEN y.debit = 'merchant:' || CAST(s.merchant_id AS TEXT) THEN y.cents"
        " ELSE -y.cents END) AS BIGINT), 0) FROM posting y"
        f" WHERE y.programme_id = s.programme_id AND y.journal_id = s.journal_id"
        f" AND ((y.debit = 'merchant:' || CAST(s.merchant_id AS TEXT) AND y.credit = {account})"
        f" OR (y.credit = 'merchant:' || CAST(s.merchant_id AS TEXT) AND y.debit = {account})))"
    )


_IN_TRANSIT_PART: Final = _settled_part("'in_transit:' || CAST(s.run_number AS TEXT)")
_COMMISSION_PART: Final = _settled_part("'commission'")
_VAT_PART: Final = _settled_part("'vat'")


def of_settlement(name: str, says: str, found: str, expected: str, *, where: str, tables: str = "") -> Invariant:
    """A question to each settlement `s` of a run `r`: are these two values one?"""
    return Invariant(
        name, "settlement", says,
        f"""SELECT s.programme_id AS p, s.run_number AS n, 'merchant ' || CAST(s.merchant_id AS TEXT) || ': '
            || CAST({found} AS TEXT) AS found,
            'merchant ' || CAST(s.merchant_id AS TEXT) || ': ' || CAST({expected} AS TEXT) AS expected
          FROM settlement s
          JOIN payment_run r ON r.programme_id = s.programme_id AND r.number = s.run_number {tables} WHERE {where}""",
    )  # fmt: skip


# fmt: off
INVARIANTS: Final = (
    # ── I1, I2: postings and journals ────────────────────────────────────────────────────────────────────────────
    Invariant("I1", "posting", "whole cents above zero, between two accounts",
        """SELECT programme_id AS p, journal_id AS n, debit || ' → ' || credit || ' ' || CAST(cents AS TEXT) AS found,
             'two accounts, cents above 0' AS expected FROM posting WHERE NOT (cents > 0 AND debit <> credit)"""),
    Invariant("I1", "posting", "every account is in the chart and has its owner",
        f"""SELECT a.p, a.n, a.account AS found, 'an account of the chart with its owner' AS expected FROM (
              SELECT p, account, MIN(n) AS n FROM (
                SELECT programme_id AS p, debit AS account, MIN(journal_id) AS n FROM posting
                  GROUP BY programme_id, debit UNION ALL
                SELECT programme_id, credit, MIN(journal_id) FROM posting GROUP BY programme_id, credit) sides
              GROUP BY p, account) a
            LEFT JOIN ({_known_accounts()}) known ON known.p = a.p AND known.account = a.account
            WHERE known.account IS NULL"""),
    Invariant("I2", "posting", "a posting belongs to a journal",
        """SELECT x.programme_id AS p, x.journal_id AS n, 'no journal' AS found, 'a journal' AS expected FROM posting x
           LEFT JOIN journal j ON j.programme_id = x.programme_id AND j.id = x.journal_id WHERE j.id IS NULL"""),
    Invariant("I2", "journal", "the lines of a journal are numbered from 1, none is missing",
        f"""SELECT j.programme_id AS p, j.id AS n, j.kind || ' ' || CAST(COALESCE(l.least, 0) AS TEXT) || '-'
              || CAST(COALESCE(l.most, 0) AS TEXT) AS found,
              j.kind || ' ' || CASE WHEN l.many IS NOT NULL THEN '1-' || CAST(l.many AS TEXT)
                WHEN j.kind IN ({_listed(_ALWAYS_MOVES)}) THEN 'with postings' ELSE '0-0' END AS expected
            FROM journal j LEFT JOIN (SELECT programme_id, journal_id, MIN(line) AS least, MAX(line) AS most,
              COUNT(*) AS many FROM posting GROUP BY programme_id, journal_id) l
            ON l.programme_id = j.programme_id AND l.journal_id = j.id"""),
    Invariant("I2", "posting", "each kind of fact moves money only between its accounts",
        f"""SELECT x.programme_id AS p, x.journal_id AS n, j.kind || ': ' || x.debit || ' → ' || x.credit
              || CASE WHEN x.serial IS NULL THEN '' ELSE ', serial' END AS found, 'a legal move' AS expected
            FROM posting x JOIN journal j ON j.programme_id = x.programme_id AND j.id = x.journal_id
            WHERE NOT ({_legal()})"""),
    Invariant("I2", "posting", "a fact about an order moves the accounts of that order",
        """SELECT x.programme_id AS p, x.journal_id AS n, x.debit || ' → ' || x.credit AS found, j.subject AS expected
           FROM journal j JOIN posting x ON x.programme_id = j.programme_id AND x.journal_id = j.id
           WHERE j.kind IN ('order_approved', 'order_paid', 'order_cancelled') AND NOT (x.debit = 'vat_pending'
             AND x.credit = 'vat') AND x.debit <> 'receivable:' || substr(j.subject, 7)
             AND x.credit <> 'receivable:' || substr(j.subject, 7)"""),
    Invariant("I2", "posting", "a posting of a voucher is of one that exists",
        """SELECT x.programme_id AS p, x.journal_id AS n, CAST(x.serial AS TEXT) AS found, 'a voucher' AS expected
           FROM posting x LEFT JOIN voucher v ON v.programme_id = x.programme_id AND v.serial = x.serial
           WHERE x.serial IS NOT NULL AND v.serial IS NULL"""),
    # ── I3 to I6: vouchers ───────────────────────────────────────────────────────────────────────────────────────
    Invariant("I3", "voucher", "0 ≤ balance ≤ face value",
        """SELECT programme_id AS p, serial AS n, CAST(balance_cents AS TEXT) AS found,
             '0 to ' || CAST(face_cents AS TEXT) AS expected FROM voucher
           WHERE NOT (balance_cents BETWEEN 0 AND face_cents AND face_cents > 0)"""),
    Invariant("I4", "voucher", "balance = what it was born with + what its postings put on it − what they took",
        """SELECT v.programme_id AS p, v.serial AS n, v.balance_cents AS found,
             CASE WHEN v.replaces_serial IS NULL THEN v.face_cents ELSE 0 END + COALESCE(m.cents, 0) AS expected
           FROM voucher v LEFT JOIN (SELECT programme_id, serial, CAST(SUM(CASE WHEN credit = 'float' THEN cents
             WHEN debit = 'float' THEN -cents ELSE 0 END) AS BIGINT) AS cents
             FROM posting WHERE serial IS NOT NULL GROUP BY programme_id, serial) m
           ON m.programme_id = v.programme_id AND m.serial = v.serial"""),
    Invariant("I4", "voucher", "a replacement takes over what was on the voucher it replaces",
        """SELECT v.programme_id AS p, v.serial AS n, CAST(v.face_cents AS TEXT) || ' for ' ||
             CAST(v.replaces_serial AS TEXT) || ' of batch ' || CAST(v.batch_number AS TEXT) AS found,
             COALESCE(CAST(x.cents AS TEXT) || ' for ' || CAST(o.serial AS TEXT) || ' of batch ' ||
               CAST(o.batch_number AS TEXT), 'nothing replaced') AS expected
           FROM voucher v
           LEFT JOIN voucher o ON o.programme_id = v.programme_id AND o.serial = v.replaces_serial
             AND o.state = 'replaced'
           LEFT JOIN posting x ON x.programme_id = v.programme_id AND x.serial = o.serial AND x.debit = 'float'
             AND x.credit = 'suspense'
           WHERE v.replaces_serial IS NOT NULL"""),
    Invariant("I5", "programme", "the float is what is on all vouchers",
        f"""SELECT g.id AS p, 0 AS n,
              {turnover("credit", "'float'", "g.id")} - {turnover("debit", "'float'", "g.id")} AS found,
              (SELECT COALESCE(CAST(SUM(v.balance_cents) AS BIGINT), 0) FROM voucher v WHERE v.programme_id = g.id)
                AS expected FROM programme g"""),
    Invariant("I5", "programme", "nothing is left in suspense",
        f"""SELECT g.id AS p, 0 AS n, {turnover("credit", "'suspense'", "g.id")} AS found,
              {turnover("debit", "'suspense'", "g.id")} AS expected FROM programme g"""),
    Invariant("I6", "voucher", "a voucher holds nothing if and only if its state says so",
        """SELECT programme_id AS p, serial AS n, state || ' with ' || CAST(balance_cents AS TEXT) AS found,
             'holds nothing only when redeemed, expired, cancelled or replaced' AS expected FROM voucher
           WHERE (state IN ('redeemed', 'expired', 'cancelled', 'replaced')) <> (balance_cents = 0)
             OR state NOT IN ('printed', 'active', 'blocked', 'redeemed', 'expired', 'cancelled', 'replaced')"""),
    Invariant("I6", "voucher", "the last move of a voucher that holds nothing is the one its state names",
        f"""SELECT v.programme_id AS p, v.serial AS n, v.state AS found, COALESCE(j.kind, 'never moved') AS expected
            FROM voucher v
            LEFT JOIN {_LAST_MOVE} last ON last.programme_id = v.programme_id AND last.serial = v.serial
            LEFT JOIN journal j ON j.programme_id = last.programme_id AND j.id = last.id
            WHERE v.state IN ('redeemed', 'expired', 'cancelled', 'replaced')"""),
    Invariant("I6", "voucher", "what was printed with a batch is active once the batch is, and not before",
        """SELECT v.programme_id AS p, v.serial AS n, v.state AS found, 'its batch is ' || b.state AS expected
           FROM voucher v JOIN batch b ON b.programme_id = v.programme_id AND b.number = v.batch_number
           WHERE (v.state = 'printed' AND b.state = 'active' AND v.replaces_serial IS NULL)
             OR (v.state IN ('active', 'blocked', 'redeemed') AND b.state <> 'active')"""),
    Invariant("I6", "voucher", "a replacement was activated by a fact of its own",
        """SELECT v.programme_id AS p, v.serial AS n, v.state AS found, 'printed' AS expected FROM voucher v
           WHERE v.replaces_serial IS NOT NULL AND v.state IN ('active', 'blocked', 'redeemed') AND NOT EXISTS (
             SELECT 1 FROM journal k WHERE k.programme_id = v.programme_id AND k.kind = 'activated'
               AND k.subject = 'voucher:' || CAST(v.serial AS TEXT))"""),
    Invariant("I6", "voucher", "a voucher is blocked if and only if its last block was not lifted",
        """SELECT v.programme_id AS p, v.serial AS n, v.state AS found, COALESCE(j.kind, 'never blocked') AS expected
           FROM voucher v
           LEFT JOIN (SELECT programme_id, subject, MAX(id) AS id FROM journal WHERE kind IN ('blocked', 'unblocked')
             GROUP BY programme_id, subject) last
           ON last.programme_id = v.programme_id AND last.subject = 'voucher:' || CAST(v.serial AS TEXT)
           LEFT JOIN journal j ON j.programme_id = last.programme_id AND j.id = last.id
           WHERE (v.state = 'blocked' AND COALESCE(j.kind, '') <> 'blocked')
             OR (v.state IN ('printed', 'active', 'redeemed', 'expired') AND j.kind = 'blocked')"""),
    Invariant("I6", "batch", "a batch has come as far as the facts about it say",
        """SELECT b.programme_id AS p, b.number AS n, b.state AS found, CASE
             WHEN EXISTS (SELECT 1 FROM journal k WHERE k.programme_id = b.programme_id AND k.kind = 'activated'
               AND k.subject = 'batch:' || CAST(b.number AS TEXT)) THEN 'active'
             WHEN EXISTS (SELECT 1 FROM journal k WHERE k.programme_id = b.programme_id AND k.kind = 'printed'
               AND k.subject = 'batch:' || CAST(b.number AS TEXT)) THEN 'printed'
             WHEN b.issued_count = b.quantity THEN 'issued' ELSE 'issuing' END AS expected FROM batch b"""),
    # ── I7: keys ─────────────────────────────────────────────────────────────────────────────────────────────────
    Invariant("I7", "idempotency", "every key was answered",
        """SELECT programme_id AS p, 0 AS n, scope || ' ' || key AS found, 'an answer' AS expected FROM idempotency
           WHERE answer IS NULL"""),
    Invariant("I7", "idempotency", "a key stands once",
        """SELECT programme_id AS p, 0 AS n, scope || ' ' || key || ' ' || CAST(COUNT(*) AS TEXT) AS found,
             scope || ' ' || key || ' 1' AS expected FROM idempotency GROUP BY programme_id, scope, key"""),
    # ── I9: redemptions and reversals ────────────────────────────────────────────────────────────────────────────
    Invariant("I9", "redemption", "a redemption is its journal: same merchant, same instant, same cents",
        """SELECT r.programme_id AS p, r.journal_id AS n, 'redeemed merchant:' || CAST(r.merchant_id AS TEXT) || ' '
             || CAST(r.at AS TEXT) || ' ' || CAST(r.cents AS TEXT) AS found,
             COALESCE(j.kind || ' ' || x.owner || ' ' || CAST(j.at AS TEXT) || ' ' || CAST(x.cents AS TEXT), 'nothing')
               AS expected
           FROM redemption r LEFT JOIN journal j ON j.programme_id = r.programme_id AND j.id = r.journal_id
             AND j.subject = 'merchant:' || CAST(r.merchant_id AS TEXT)
           LEFT JOIN (SELECT programme_id, journal_id, CAST(SUM(cents) AS BIGINT) AS cents,
             CASE WHEN MIN(credit) = MAX(credit) THEN MIN(credit) ELSE 'several' END AS owner
             FROM posting WHERE debit = 'float' GROUP BY programme_id, journal_id) x
           ON x.programme_id = r.programme_id AND x.journal_id = r.journal_id"""),
    Invariant("I9", "redemption", "a redemption was made at a till of its merchant, or came by post; its sale covers",
        """SELECT r.programme_id AS p, r.journal_id AS n, 'till ' || COALESCE(CAST(r.till_id AS TEXT), 'none')
             || ', sale ' || COALESCE(CAST(r.sale_cents AS TEXT), 'unknown') AS found,
             'a till, or a remittance, of merchant ' || CAST(r.merchant_id AS TEXT) || ', a sale that covers it'
               AS expected
           FROM redemption r LEFT JOIN till t ON t.programme_id = r.programme_id AND t.id = r.till_id
             AND t.merchant_id = r.merchant_id
           LEFT JOIN remitted m ON m.programme_id = r.programme_id AND m.redemption_id = r.journal_id
           WHERE (t.id IS NULL) = (m.line IS NULL) OR (r.till_id IS NULL) <> (t.id IS NULL)
             OR r.sale_cents < r.cents"""),
    Invariant("I9", "journal", "a journal of a redemption has its redemption",
        """SELECT j.programme_id AS p, j.id AS n, 'no redemption' AS found, 'a redemption' AS expected FROM journal j
           LEFT JOIN redemption r ON r.programme_id = j.programme_id AND r.journal_id = j.id
           WHERE j.kind = 'redeemed' AND r.journal_id IS NULL"""),
    Invariant("I9", "reversal", "a reversal gives back what that voucher gave in that redemption",
        """SELECT v.programme_id AS p, v.redemption_id AS n, 'serial ' || CAST(v.serial AS TEXT) || ': '
             || COALESCE(CAST(back.cents AS TEXT) || ' ' || back.debit, 'nothing') AS found,
             'serial ' || CAST(v.serial AS TEXT) || ': '
             || COALESCE(CAST(given.cents AS TEXT) || ' ' || given.credit, 'not of this redemption') AS expected
           FROM reversal v
           LEFT JOIN posting given ON given.programme_id = v.programme_id AND given.journal_id = v.redemption_id
             AND given.serial = v.serial AND given.debit = 'float'
           LEFT JOIN journal j ON j.programme_id = v.programme_id AND j.id = v.journal_id AND j.kind = 'reversed'
             AND j.subject = 'redemption:' || CAST(v.redemption_id AS TEXT)
           LEFT JOIN posting back ON back.programme_id = j.programme_id AND back.journal_id = j.id
             AND back.serial = v.serial AND back.credit = 'float'"""),
    Invariant("I9", "posting", "what was reversed is in the table of reversals",
        """SELECT x.programme_id AS p, x.journal_id AS n, 'serial ' || CAST(x.serial AS TEXT) AS found,
             'a reversal' AS expected
           FROM journal j JOIN posting x ON x.programme_id = j.programme_id AND x.journal_id = j.id
           LEFT JOIN reversal v ON v.programme_id = x.programme_id AND v.journal_id = x.journal_id
             AND v.serial = x.serial WHERE j.kind = 'reversed' AND v.journal_id IS NULL"""),
    # ── I10: settlements ─────────────────────────────────────────────────────────────────────────────────────────
    Invariant("I10", "settlement_line", "a posting is settled once",
        """SELECT programme_id AS p, journal_id AS n, 'line ' || CAST(line AS TEXT) || ': ' || CAST(COUNT(*) AS TEXT)
             AS found, 'line ' || CAST(line AS TEXT) || ': 1' AS expected FROM settlement_line
           GROUP BY programme_id, journal_id, line"""),
    Invariant("I10", "settlement_line", "what is settled is a move of that merchant, in a run that pays it",
        """SELECT l.programme_id AS p, l.journal_id AS n, COALESCE(j.kind || ': ' || x.debit || ' → ' || x.credit,
             'no posting') || COALESCE(', ' || s.state, ', no settlement') AS found,
             'a move of merchant ' || CAST(l.merchant_id AS TEXT) AS expected
           FROM settlement_line l
           LEFT JOIN posting x ON x.programme_id = l.programme_id AND x.journal_id = l.journal_id AND x.line = l.line
           LEFT JOIN journal j ON j.programme_id = l.programme_id AND j.id = l.journal_id
           LEFT JOIN settlement s ON s.programme_id = l.programme_id AND s.run_number = l.run_number
             AND s.merchant_id = l.merchant_id AND s.journal_id IS NOT NULL AND s.state <> 'carried'
           WHERE s.state IS NULL OR j.kind IS NULL OR NOT (
             (j.kind IN ('redeemed', 'guaranteed', 'transfer_returned')
               AND x.credit = 'merchant:' || CAST(l.merchant_id AS TEXT))
             OR (j.kind = 'reversed' AND x.debit = 'merchant:' || CAST(l.merchant_id AS TEXT)))"""),
    of_settlement("I10", "gross and brought forward are the sums of the lines",
        "s.gross_cents || ' + ' || s.brought_cents",
        "(COALESCE(l.gross, 0) || ' + ' || COALESCE(l.brought, 0))",
        where="s.journal_id IS NOT NULL",
        tables=f"""LEFT JOIN ({_LINES}) l ON l.programme_id = s.programme_id AND l.run_number = s.run_number
              AND l.merchant_id = s.merchant_id"""),
    of_settlement("I10", "the net was put in transit, commission and VAT were taken",
        "s.net_cents || ' + ' || s.commission_cents || ' + ' || s.vat_cents",
        f"({_IN_TRANSIT_PART} || ' + ' || {_COMMISSION_PART} || ' + ' || {_VAT_PART})",
        where="s.journal_id IS NOT NULL"),
    of_settlement("I10", "a settlement has the state and the journal that its run gives it",
        "s.state || CASE WHEN s.journal_id IS NULL THEN ', no journal' ELSE ', journal' END",
        """CASE WHEN s.state = 'carried' THEN 'carried, no journal'
             WHEN r.state IN ('proposed', 'withdrawn') THEN 'to_pay, no journal'
             WHEN r.state = 'approved' THEN 'to_pay, journal'
             WHEN s.state = 'returned' THEN 'returned, journal'
             WHEN r.state = 'exported' THEN 'to_pay, journal'
             ELSE 'paid, journal' END""",
        where="1 = 1"),
    Invariant("I10", "payment_run", "in transit is what a run has still to pay, nothing once executed",
        f"""SELECT r.programme_id AS p, r.number AS n,
              {turnover("credit", "'in_transit:' || CAST(r.number AS TEXT)", "r.programme_id")}
              - {turnover("debit", "'in_transit:' || CAST(r.number AS TEXT)", "r.programme_id")} AS found,
              COALESCE((SELECT CAST(SUM(s.net_cents) AS BIGINT) FROM settlement s
                WHERE s.programme_id = r.programme_id AND s.run_number = r.number AND s.state = 'to_pay'
                AND s.journal_id IS NOT NULL), 0) AS expected FROM payment_run r"""),
    # ── I11: snapshots ───────────────────────────────────────────────────────────────────────────────────────────
    *(
        Invariant("I11", "balance_snapshot", f"a snapshot is the one before and the {side}s since",
            f"""SELECT s.programme_id AS p, s.upto_journal AS n, s.account || ' ' || CAST(s.{side}_cents AS TEXT)
                  AS found, s.account || ' ' || CAST(s.before_cents + (SELECT COALESCE(CAST(SUM(x.cents) AS BIGINT), 0)
                    FROM posting x WHERE x.programme_id = s.programme_id AND x.{side} = s.account
                    AND x.journal_id > s.before_journal AND x.journal_id <= s.upto_journal) AS TEXT) AS expected
                FROM (SELECT programme_id, account, upto_journal, {side}_cents,
                  COALESCE(LAG(upto_journal) OVER w, 0) AS before_journal,
                  COALESCE(LAG({side}_cents) OVER w, 0) AS before_cents FROM balance_snapshot
                  WINDOW w AS (PARTITION BY programme_id, account ORDER BY upto_journal)) s""")
        for side in ("debit", "credit")
    ),
    Invariant("I11", "balance_snapshot", "an account is in every snapshot since it was first moved",
        """SELECT a.p, a.n, a.account || ' in ' || CAST(COALESCE(had.many, 0) AS TEXT) AS found,
             a.account || ' in ' || CAST(COUNT(u.upto_journal) AS TEXT) AS expected
           FROM (SELECT p, account, MIN(n) AS n FROM (
             SELECT programme_id AS p, debit AS account, MIN(journal_id) AS n FROM posting GROUP BY programme_id, debit
             UNION ALL SELECT programme_id, credit, MIN(journal_id) FROM posting GROUP BY programme_id, credit
             UNION ALL SELECT programme_id, account, MIN(upto_journal) FROM balance_snapshot
               GROUP BY programme_id, account) sides
             GROUP BY p, account) a
           LEFT JOIN (SELECT programme_id, account, COUNT(*) AS many FROM balance_snapshot
             GROUP BY programme_id, account) had ON had.programme_id = a.p AND had.account = a.account
           LEFT JOIN (SELECT DISTINCT programme_id, upto_journal FROM balance_snapshot) u
             ON u.programme_id = a.p AND u.upto_journal >= a.n
           GROUP BY a.p, a.n, a.account, had.many"""),
    # ── I14: commission and VAT ──────────────────────────────────────────────────────────────────────────────────
    of_settlement("I14", "commission is the run's rate on the gross, VAT its rate on the commission, net the rest",
        "s.commission_cents || ' + ' || s.vat_cents || ' + ' || s.net_cents",
        f"({_share('s.gross_cents', 'r.commission_bp')} || ' + ' || {_share('s.commission_cents', 'r.vat_bp')}"
        " || ' + ' || (s.gross_cents + s.brought_cents - s.commission_cents - s.vat_cents))",
        where="1 = 1"),
    # ── I15: orders and batches ──────────────────────────────────────────────────────────────────────────────────
    Invariant("I15", "voucher_order", "approving posted face value, fee and VAT, once",
        f"""SELECT o.programme_id AS p, o.number AS n,
              {turnover("debit", RECEIVABLE, "o.programme_id", "y.credit <> 'bank'")} AS found,
              CASE WHEN o.state IN {APPROVED} OR {turnover("debit", RECEIVABLE, "o.programme_id")} > 0
                THEN {_FACE} + o.fee_cents + o.fee_vat_cents ELSE 0 END AS expected FROM voucher_order o"""),
    Invariant("I15", "voucher_order", "what was ordered is issued, or still to be issued; cancelled, neither",
        f"""SELECT o.programme_id AS p, o.number AS n,
              {turnover("credit", _ORDERED, "o.programme_id")} - {turnover("debit", _ORDERED, "o.programme_id")}
                AS found,
              CASE WHEN o.state IN {APPROVED} THEN {_FACE} - {_ISSUED_OF_ORDER} ELSE 0 END AS expected
            FROM voucher_order o"""),
    Invariant("I15", "voucher_order", "nothing is issued that no one paid or signed for",
        f"""SELECT o.programme_id AS p, o.number AS n, 'owes ' || CAST(
              {turnover("debit", RECEIVABLE, "o.programme_id")}
              - {turnover("credit", RECEIVABLE, "o.programme_id")} AS TEXT) AS found,
              'paid, or accepted by someone' AS expected FROM voucher_order o
            WHERE NOT EXISTS (SELECT 1 FROM journal k WHERE k.programme_id = o.programme_id
                AND k.kind = 'order_accepted' AND k.subject = 'order:' || CAST(o.number AS TEXT))
              AND (o.state IN ('paid', 'issuing', 'issued', 'delivered') OR {_ISSUED_OF_ORDER} > 0)
              AND {turnover("debit", RECEIVABLE, "o.programme_id")}
                > {turnover("credit", RECEIVABLE, "o.programme_id")}"""),
    Invariant("I15", "batch", "the vouchers of a batch are what was moved from ordered to the float for it",
        f"""SELECT b.programme_id AS p, b.number AS n, (SELECT COALESCE(CAST(SUM(v.face_cents) AS BIGINT), 0)
              FROM voucher v WHERE v.programme_id = b.programme_id AND v.batch_number = b.number
                AND v.replaces_serial IS NULL) AS found,
              {_ISSUED_OF_ORDER} AS expected
            FROM batch b JOIN voucher_order o ON o.programme_id = b.programme_id AND o.number = b.order_number"""),
    Invariant("I15", "batch", "a whole batch is what its order asks for, value by value",
        """SELECT b.programme_id AS p, b.number AS n, CAST(l.face_cents AS TEXT) || ' × ' || CAST((SELECT COUNT(*)
             FROM voucher v WHERE v.programme_id = b.programme_id AND v.batch_number = b.number
               AND v.replaces_serial IS NULL AND v.face_cents = l.face_cents) AS TEXT) AS found,
             CAST(l.face_cents AS TEXT) || ' × ' || CAST(l.quantity AS TEXT) AS expected
           FROM batch b JOIN (SELECT programme_id, order_number, face_cents, CAST(SUM(quantity) AS BIGINT) AS quantity
             FROM order_line GROUP BY programme_id, order_number, face_cents) l
           ON l.programme_id = b.programme_id AND l.order_number = b.order_number WHERE b.state <> 'issuing'"""),
    Invariant("I15", "batch", "the serials of a batch run on without a gap",
        """SELECT b.programme_id AS p, b.number AS n, CAST(COALESCE(v.least, b.first_serial) AS TEXT) || '-'
             || CAST(COALESCE(v.most, b.first_serial - 1) AS TEXT) || ', ' || CAST(COALESCE(v.many, 0) AS TEXT)
               AS found,
             CAST(b.first_serial AS TEXT) || '-' || CAST(b.first_serial + b.issued_count - 1 AS TEXT) || ', '
             || CAST(b.issued_count AS TEXT) AS expected
           FROM batch b LEFT JOIN (SELECT programme_id, batch_number, MIN(serial) AS least, MAX(serial) AS most,
             COUNT(*) AS many FROM voucher WHERE replaces_serial IS NULL GROUP BY programme_id, batch_number) v
           ON v.programme_id = b.programme_id AND v.batch_number = b.number"""),
    Invariant("I15", "programme", "batches and replacements follow one another without a gap, up to the next serial",
        """SELECT p, n, n AS found, before_end + 1 AS expected FROM (
             SELECT p, n, LAG(upto) OVER (PARTITION BY p ORDER BY n, upto) AS before_end FROM (
               SELECT programme_id AS p, first_serial AS n, first_serial + quantity - 1 AS upto FROM batch
               UNION ALL SELECT programme_id, serial, serial FROM voucher WHERE replaces_serial IS NOT NULL
               UNION ALL SELECT id, next_serial, next_serial FROM programme) taken) runs
           WHERE before_end IS NOT NULL"""),
)
# fmt: on
