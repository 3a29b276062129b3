# ruff: noqa: S608 - built of the words in this file alone
"""Who did it, when, on which account, until which day: what a row says of it, the journal must say too.

A row can be changed by whoever owns the database; a fact in a sealed journal cannot, unseen. Questions as in
`invariants.py`, of the same shape.
"""

from typing import Final

from vouchers.invariants import APPROVED, RECEIVABLE, Invariant, of_settlement, turnover

_WAIT_MICROS: Final = 48 * 3_600 * 1_000_000
"""A later account of a merchant is in force so long after it was confirmed; the first one at once."""


def _about(row: str, kind: str, subject: str, *, wanted: str = "k.actor", where: str = "1 = 1") -> str:
    """Of the one fact of a kind about a row: `wanted`; a dash where there is none, both where there are two."""
    return (
        f"(SELECT COALESCE(CASE COUNT(*) WHEN 1 THEN MIN({wanted}) ELSE MIN({wanted}) || ' and ' || MAX({wanted}) END,"
        f" '-') FROM journal k WHERE k.programme_id = {row}.programme_id AND k.kind = '{kind}'"
        f" AND k.subject = {subject} AND {where})"
    )


_WHO_AND_WHEN: Final = "k.actor || ' ' || CAST(k.at AS TEXT)"
_SAID: Final = "k.reason || ', ' || k.actor || ' ' || CAST(k.at AS TEXT)"
_ORDER: Final = "'order:' || CAST(o.number AS TEXT)"
_BATCH: Final = "'batch:' || CAST(b.number AS TEXT)"
_DISPUTE: Final = "'dispute:' || CAST(d.number AS TEXT)"
_RUN: Final = "'run:' || CAST(r.number AS TEXT)"
_HOLD: Final = "'hold:' || CAST(h.number AS TEXT) || ' '"
_HOLDS: Final = "'merchant:' || CAST(h.merchant_id AS TEXT)"
_PILE: Final = "'remittance:' || CAST(q.number AS TEXT)"
_LIST: Final = "'list:' || CAST(l.id AS TEXT)"
_COUNTED: Final = (
    "SELECT r.programme_id, r.list_id, 'order:' || CAST(MAX(m.order_number) AS TEXT) || ' ' || CAST(COUNT(*) AS TEXT)"
    " || ' ' || CAST(CAST(SUM(r.quantity) AS BIGINT) AS TEXT) AS given"
    " FROM recipient r JOIN recipient_list m ON m.programme_id = r.programme_id AND m.id = r.list_id"
    " GROUP BY r.programme_id, r.list_id"
)
_MERCHANT: Final = "'merchant:' || CAST(a.merchant_id AS TEXT)"
_ACCOUNT: Final = "'account:' || CAST(a.id AS TEXT)"
_OWES: Final = (
    f"({turnover('debit', RECEIVABLE, 'o.programme_id')} - {turnover('credit', RECEIVABLE, 'o.programme_id')})"
)


def _stated(by: str, at: str) -> str:
    return f"COALESCE({by} || ' ' || CAST({at} AS TEXT), {by}, '-')"


def _moved_by_order(debit: str, credit: str) -> str:
    return (
        "(SELECT COALESCE(CAST(SUM(y.cents) AS BIGINT), 0) FROM journal k JOIN posting y"
        " ON y.programme_id = k.programme_id AND y.journal_id = k.id"
        f" WHERE k.programme_id = o.programme_id AND k.subject = {_ORDER}"
        f" AND y.debit = {debit} AND y.credit = {credit})"
    )


_ON_DEBITS: Final = _moved_by_order(RECEIVABLE, "'vat'")
"""VAT that was due from the sale on, whatever was paid."""


def _rule_of(programme: str, buyer: str, where: str = "1 = 1") -> str:
    """What was last set for a buyer."""
    return (
        f"(SELECT q.reason FROM journal q WHERE q.programme_id = {programme} AND q.kind = 'buyer_rule_set'"
        f" AND q.subject = 'buyer:' || CAST({buyer} AS TEXT) AND {where} ORDER BY q.id DESC LIMIT 1)"
    )


_ALONE: Final = (
    "EXISTS (SELECT 1 FROM journal k WHERE k.programme_id = o.programme_id AND k.kind = 'order_approved'"
    f" AND k.subject = {_ORDER} AND k.actor = o.placed_by"
    f" AND {_rule_of('o.programme_id', 'o.buyer_id', 'q.id < k.id')} = 'one')"
)
_APPROVED_BY: Final = f"CASE WHEN {_ALONE} THEN '-' ELSE {_about('o', 'order_approved', _ORDER)} END"
"""Nobody, where one person of the buyer was enough at that moment and it was who placed the order."""


def _fact_of_hold(kind: str) -> str:
    return (
        f"(SELECT MIN(k.id) FROM journal k WHERE k.programme_id = h.programme_id AND k.kind = '{kind}'"
        f" AND k.subject = {_HOLDS} AND k.reason LIKE {_HOLD} || '%')"
    )


_APPROVAL: Final = (
    "(SELECT MIN(k.id) FROM journal k WHERE k.programme_id = r.programme_id AND k.kind = 'run_approved'"
    f" AND k.subject = {_RUN})"
)
_COVERS: Final = (
    "(h.journal_id IS NULL OR (h.journal_id = x.journal_id AND h.line = x.line) OR EXISTS (SELECT 1 FROM reversal v"
    " JOIN posting f ON f.programme_id = v.programme_id AND f.journal_id = v.redemption_id AND f.serial = v.serial"
    " WHERE v.programme_id = x.programme_id AND v.journal_id = x.journal_id AND v.serial = x.serial"
    " AND f.journal_id = h.journal_id AND f.line = h.line))"
)
_STOOD: Final = (
    f"({_fact_of_hold('settlement_held')} < {_APPROVAL}"
    f" AND COALESCE({_fact_of_hold('settlement_released')} > {_APPROVAL}, 1 = 1))"
)
"""SQL: whether a hold `h` covers a posting `x`, with what was given back of it; whether it stood when `r` was approved,
by the order of the facts."""


# fmt: off
WITNESSES: Final = (
    # ── I6: vouchers ─────────────────────────────────────────────────────────────────────────────────────────────
    Invariant("I6", "voucher", "a voucher that can be spent, or given back, has the last day of its batch",
        """SELECT v.programme_id AS p, v.serial AS n, CAST(v.expires_on AS TEXT) AS found,
             CAST(b.expires_on AS TEXT) AS expected
           FROM voucher v JOIN batch b ON b.programme_id = v.programme_id AND b.number = v.batch_number
           WHERE v.state IN ('printed', 'active', 'blocked', 'redeemed')"""),
    # ── I9: tills ────────────────────────────────────────────────────────────────────────────────────────────────
    Invariant("I9", "till", "a till is revoked since the fact that says so, and for good",
        f"""SELECT t.programme_id AS p, t.id AS n, COALESCE(CAST(t.revoked_at AS TEXT), '-') AS found,
              {_about("t", "till_revoked", "'till:' || CAST(t.id AS TEXT)", wanted="CAST(k.at AS TEXT)")} AS expected
            FROM till t"""),
    # ── I9: remittances ──────────────────────────────────────────────────────────────────────────────────────────
    Invariant("I9", "remittance", "a remittance is what the facts of its opening and its closing say",
        f"""SELECT q.programme_id AS p, q.number AS n, 'merchant:' || CAST(q.merchant_id AS TEXT) || ' '
              || CAST(q.slip_count AS TEXT) || ' ' || CAST(q.slip_cents AS TEXT) || ' ' || CAST(q.spent_on AS TEXT)
              || ', ' || {_stated("q.opened_by", "q.opened_at")} || '; ' || CASE q.state WHEN 'closed' THEN
                COALESCE(q.remark, '-') || ', ' || {_stated("q.closed_by", "q.closed_at")} ELSE '-' END AS found,
              {_about("q", "remittance_opened", _PILE, wanted=_SAID)} || '; '
              || {_about("q", "remittance_closed", _PILE, wanted=_SAID)} AS expected FROM remittance q"""),
    Invariant("I9", "remitted", "what a remittance took is a redemption of its shop, at no till, of that voucher",
        """SELECT m.programme_id AS p, m.remittance_number AS n, 'line ' || CAST(m.line AS TEXT) || ': '
             || COALESCE(CAST(m.serial AS TEXT), 'no serial') || ' ' || CAST(m.cents AS TEXT) || ' '
             || CAST(m.at AS TEXT) AS found,
             'line ' || CAST(m.line AS TEXT) || ': ' || COALESCE(CAST(x.serial AS TEXT) || ' ' || CAST(x.cents AS TEXT)
             || ' ' || CAST(r.at AS TEXT), 'no redemption') AS expected
           FROM remitted m
           LEFT JOIN remittance q ON q.programme_id = m.programme_id AND q.number = m.remittance_number
           LEFT JOIN redemption r ON r.programme_id = m.programme_id AND r.journal_id = m.redemption_id
             AND r.merchant_id = q.merchant_id AND r.till_id IS NULL AND r.cents = m.cents
           LEFT JOIN posting x ON x.programme_id = r.programme_id AND x.journal_id = r.journal_id AND x.debit = 'float'
           WHERE m.redemption_id IS NOT NULL"""),
    # ── I10: runs, settlements, bank accounts ────────────────────────────────────────────────────────────────────
    Invariant("I10", "payment_run", "who proposed and who approved a run are in its facts, and when",
        f"""SELECT r.programme_id AS p, r.number AS n,
              {_stated("r.proposed_by", "r.proposed_at")} || ', ' || {_stated("r.approved_by", "r.approved_at")}
                AS found,
              {_about("r", "run_proposed", _RUN, wanted=_WHO_AND_WHEN)} || ', '
              || {_about("r", "run_approved", _RUN, wanted=_WHO_AND_WHEN)} AS expected FROM payment_run r"""),
    Invariant("I10", "payment_run", "a run has come as far as the facts about it say",
        f"""SELECT r.programme_id AS p, r.number AS n, r.state AS found, COALESCE((SELECT CASE k.kind
              WHEN 'run_proposed' THEN 'proposed' WHEN 'run_withdrawn' THEN 'withdrawn'
              WHEN 'run_approved' THEN 'approved' WHEN 'run_exported' THEN 'exported' ELSE 'executed' END
              FROM journal k WHERE k.programme_id = r.programme_id AND k.subject = {_RUN} AND k.kind IN ('run_proposed',
                'run_withdrawn', 'run_approved', 'run_exported', 'run_executed') ORDER BY k.id DESC LIMIT 1),
              'not even proposed') AS expected FROM payment_run r"""),
    Invariant("I10", "settlement_line", "what a run settled is of its period, and was there when it was proposed",
        f"""SELECT l.programme_id AS p, l.journal_id AS n, 'journal ' || CAST(l.journal_id AS TEXT) || ' of '
              || CAST(j.book_day AS TEXT) || ', run proposed by ' || CAST(k.id AS TEXT) AS found,
              'up to ' || CAST(r.upto_journal AS TEXT) || ' and ' || CAST(r.to_on AS TEXT) AS expected
            FROM settlement_line l JOIN journal j ON j.programme_id = l.programme_id AND j.id = l.journal_id
            JOIN payment_run r ON r.programme_id = l.programme_id AND r.number = l.run_number
            JOIN journal k ON k.programme_id = r.programme_id AND k.kind = 'run_proposed' AND k.subject = {_RUN}
            WHERE j.id > r.upto_journal OR j.book_day > r.to_on OR r.upto_journal >= k.id"""),
    Invariant("I10", "posting", "a run settled all there was of the merchants it pays, save what was held",
        f"""SELECT x.programme_id AS p, x.journal_id AS n, 'not settled' AS found,
             'settled in run ' || CAST(r.number AS TEXT) || ' or before' AS expected
           FROM journal j JOIN posting x ON x.programme_id = j.programme_id AND x.journal_id = j.id
           LEFT JOIN settlement_line l ON l.programme_id = x.programme_id AND l.journal_id = x.journal_id
             AND l.line = x.line
           JOIN settlement s ON s.programme_id = x.programme_id AND s.journal_id IS NOT NULL
             AND 'merchant:' || CAST(s.merchant_id AS TEXT) = CASE j.kind WHEN 'reversed' THEN x.debit ELSE x.credit END
           JOIN payment_run r ON r.programme_id = s.programme_id AND r.number = s.run_number
             AND r.upto_journal >= j.id AND r.to_on >= j.book_day
           WHERE j.kind IN ('redeemed', 'reversed', 'guaranteed', 'transfer_returned') AND l.line IS NULL
             AND NOT EXISTS (SELECT 1 FROM settlement_hold h WHERE h.programme_id = x.programme_id
               AND h.merchant_id = s.merchant_id AND {_COVERS} AND {_STOOD})"""),
    Invariant("I10", "settlement_line", "what was held is in no run that was approved while the hold stood",
        f"""SELECT l.programme_id AS p, l.journal_id AS n, 'settled in run ' || CAST(r.number AS TEXT) AS found,
              'hold ' || CAST(h.number AS TEXT) || ' stood' AS expected
            FROM settlement_hold h
            JOIN settlement_line l ON l.programme_id = h.programme_id AND l.merchant_id = h.merchant_id
            JOIN posting x ON x.programme_id = l.programme_id AND x.journal_id = l.journal_id AND x.line = l.line
            JOIN payment_run r ON r.programme_id = l.programme_id AND r.number = l.run_number
            WHERE {_COVERS} AND {_STOOD}"""),
    Invariant("I10", "settlement_hold", "what is held, who held and who released it, when and why, is in its facts",
        f"""SELECT h.programme_id AS p, h.number AS n, {_HOLD} || COALESCE(CAST(h.journal_id AS TEXT) || '/'
              || CAST(h.line AS TEXT), 'all') || ' ' || h.because || ', ' || {_stated("h.held_by", "h.held_at")} || '; '
              || COALESCE({_HOLD} || h.released_because || ', ' || {_stated("h.released_by", "h.released_at")}, '-')
                AS found,
              {_about("h", "settlement_held", _HOLDS, wanted=_SAID, where=f"k.reason LIKE {_HOLD} || '%'")} || '; '
              || {_about("h", "settlement_released", _HOLDS, wanted=_SAID, where=f"k.reason LIKE {_HOLD} || '%'")}
                AS expected FROM settlement_hold h"""),
    of_settlement("I10", "a merchant is paid on the newest account confirmed and in force when the run was approved",
        "COALESCE(s.account_holder || ' ' || s.iban, 'no account')",
        """COALESCE((SELECT a.account_holder || ' ' || a.iban FROM bank_account a
             WHERE a.programme_id = s.programme_id AND a.merchant_id = s.merchant_id AND a.state = 'confirmed'
               AND a.in_force_at <= r.approved_at ORDER BY a.in_force_at DESC, a.id DESC LIMIT 1), 'none in force')""",
        where="s.journal_id IS NOT NULL"),
    Invariant("I10", "bank_account", "who asked for an account and who confirmed it are two, in its facts, and when",
        f"""SELECT a.programme_id AS p, a.id AS n,
              {_stated("a.asked_by", "a.asked_at")} || ', ' || CASE WHEN a.confirmed_by = a.asked_by
                OR (a.state = 'confirmed' AND a.confirmed_by IS NULL) THEN 'no one else'
                ELSE {_stated("a.confirmed_by", "a.confirmed_at")} END AS found,
              {_about("a", "account_asked", _MERCHANT, wanted=_WHO_AND_WHEN, where=f"k.reason = {_ACCOUNT}")} || ', '
              || {_about("a", "account_confirmed", _MERCHANT, wanted=_WHO_AND_WHEN,
                         where=f"k.reason LIKE {_ACCOUNT} || ' %'")} AS expected FROM bank_account a"""),
    Invariant("I10", "bank_account", "a merchant's first account is in force at once, a later one after two days",
        f"""SELECT a.programme_id AS p, a.id AS n, a.in_force_at AS found,
              COALESCE(a.confirmed_at, 0) + CASE WHEN EXISTS (SELECT 1 FROM bank_account b WHERE b.programme_id =
                a.programme_id AND b.merchant_id = a.merchant_id AND b.state = 'confirmed' AND b.id < a.id)
              THEN {_WAIT_MICROS} ELSE 0 END AS expected FROM bank_account a WHERE a.state = 'confirmed'"""),
    # ── I14: VAT ─────────────────────────────────────────────────────────────────────────────────────────────────
    Invariant("I14", "voucher_order", "the VAT on the fee is due once, in whole: sold on debits, or owing nothing",
        f"""SELECT o.programme_id AS p, o.number AS n,
              {_moved_by_order("'vat_pending'", "'vat'")} + {_ON_DEBITS} - {_moved_by_order("'vat'", RECEIVABLE)}
                AS found,
              CASE WHEN o.state IN {APPROVED} AND ({_OWES} <= 0 OR {_ON_DEBITS} > 0) THEN o.fee_vat_cents ELSE 0 END
                AS expected
            FROM voucher_order o"""),
    Invariant("I14", "voucher_order", "an order's VAT waits until it is due, or is taken back with the order",
        f"""SELECT o.programme_id AS p, o.number AS n,
              {_moved_by_order(RECEIVABLE, "'vat_pending'")} - {_moved_by_order("'vat_pending'", "'vat'")}
                - {_moved_by_order("'vat_pending'", RECEIVABLE)} AS found,
              CASE WHEN o.state IN {APPROVED} AND {_OWES} > 0 AND {_ON_DEBITS} = 0 THEN o.fee_vat_cents ELSE 0 END
                AS expected
            FROM voucher_order o"""),
    # ── I15: orders and batches ──────────────────────────────────────────────────────────────────────────────────
    Invariant("I15", "voucher_order", "who placed, approved and accepted an order are in its facts",
        f"""SELECT o.programme_id AS p, o.number AS n, COALESCE(o.placed_by, '-') || ', ' ||
              COALESCE(o.approved_by, '-') || ', ' || COALESCE(o.accepted_by, '-') AS found,
              {_about("o", "order_placed", _ORDER)} || ', ' || {_APPROVED_BY} || ', '
              || {_about("o", "order_accepted", _ORDER)} AS expected FROM voucher_order o"""),
    Invariant("I15", "buyer", "how many people of a buyer an order takes is what was last set, else two",
        f"""SELECT b.programme_id AS p, b.id AS n, b.approval AS found,
              COALESCE({_rule_of("b.programme_id", "b.id")}, 'two') AS expected FROM buyer b"""),
    Invariant("I15", "voucher_order", "an order was accepted on the purchase order that it names",
        f"""SELECT o.programme_id AS p, o.number AS n, COALESCE(o.purchase_order, 'none') AS found, k.reason AS expected
            FROM voucher_order o JOIN journal k ON k.programme_id = o.programme_id AND k.kind = 'order_accepted'
              AND k.subject = {_ORDER}"""),
    Invariant("I15", "journal", "a bank transfer of a buyer is recorded once",
        """SELECT j.programme_id AS p, MAX(j.id) AS n, j.reason || ': ' || CAST(COUNT(*) AS TEXT) AS found,
             j.reason || ': 1' AS expected FROM journal j
           WHERE j.kind = 'order_paid' AND EXISTS (SELECT 1 FROM posting x WHERE x.programme_id = j.programme_id
             AND x.journal_id = j.id AND x.debit = 'bank') GROUP BY j.programme_id, j.reason"""),
    Invariant("I15", "batch", "who issued, handed over and activated a batch are in its facts, and when",
        f"""SELECT b.programme_id AS p, b.number AS n, {_stated("b.issued_by", "b.begun_at")} || ', '
              || {_stated("b.printed_by", "b.printed_at")} || ', ' || {_stated("b.activated_by", "b.activated_at")}
                AS found,
              {_about("b", "issue_begun", _BATCH, wanted=_WHO_AND_WHEN)} || ', '
              || {_about("b", "printed", _BATCH, wanted=_WHO_AND_WHEN)} || ', '
              || {_about("b", "activated", _BATCH, wanted=_WHO_AND_WHEN)} AS expected FROM batch b"""),
    Invariant("I15", "batch", "who activated a batch had no part in issuing it or handing it over",
        f"""SELECT b.programme_id AS p, b.number AS n, b.activated_by || ', who has the fact ' || k.kind AS found,
              'someone else' AS expected
            FROM batch b JOIN journal k ON k.programme_id = b.programme_id AND k.subject = {_BATCH}
              AND k.kind IN ('issue_begun', 'issued', 'printed') AND k.actor = b.activated_by"""),
    Invariant("I15", "programme", "the terms of a programme are those that were last set",
        """SELECT t.programme_id AS p, 0 AS n, t.rhythm || ' ' || t.colour || ' ' || t.face_values AS found,
             COALESCE((SELECT k.reason FROM journal k WHERE k.programme_id = t.programme_id AND k.kind = 'terms_set'
               ORDER BY k.id DESC LIMIT 1), 'never set') AS expected FROM programme_terms t"""),
    # ── I16: without network ─────────────────────────────────────────────────────────────────────────────────────
    Invariant("I16", "offline_rule", "the rule without network is the one that was last allowed",
        """SELECT g.id AS p, 0 AS n, COALESCE(CAST(o.till_count AS TEXT) || ' ' || CAST(o.till_cents AS TEXT) || ' '
             || CAST(o.programme_count AS TEXT) || ' ' || CAST(o.programme_cents AS TEXT) || ' '
             || CAST(o.max_age_minutes AS TEXT) || ' ' || CAST(o.guarantee_cents AS TEXT), 'none') AS found,
             COALESCE((SELECT CASE k.kind WHEN 'offline_allowed' THEN k.reason ELSE 'none' END FROM journal k
               WHERE k.programme_id = g.id AND k.kind IN ('offline_allowed', 'offline_forbidden')
               ORDER BY k.id DESC LIMIT 1), 'none') AS expected
           FROM programme g LEFT JOIN offline_rule o ON o.programme_id = g.id"""),
    Invariant("I16", "acceptance", "what was accepted without network became a redemption of that till, or its dispute",
        """SELECT a.programme_id AS p, a.number AS n, 'till ' || CAST(a.till_id AS TEXT) || ' '
             || CAST(a.cents AS TEXT) || ' ' || CAST(a.received_at AS TEXT) AS found,
             COALESCE('till ' || CAST(r.till_id AS TEXT) || ' ' || CAST(r.cents AS TEXT) || ' ' || CAST(r.at AS TEXT),
               CASE WHEN d.accepted_at = a.accepted_at THEN 'till ' || CAST(d.till_id AS TEXT) || ' '
                 || CAST(d.cents AS TEXT) || ' ' || CAST(d.opened_at AS TEXT) END, 'neither') AS expected
           FROM acceptance a
           LEFT JOIN redemption r ON r.programme_id = a.programme_id AND r.journal_id = a.redemption_id
           LEFT JOIN dispute d ON d.programme_id = a.programme_id AND d.number = a.dispute_number"""),
    Invariant("I16", "acceptance", "an entry is answered under its key, once, and never lost",
        """SELECT COALESCE(a.programme_id, i.programme_id) AS p, COALESCE(a.number, 0) AS n,
             COALESCE(i.scope || ' ' || i.key, 'no answer') AS found,
             COALESCE('till:' || CAST(a.till_id AS TEXT) || ' ' || a.key, 'no entry') AS expected
           FROM acceptance a FULL JOIN (SELECT programme_id, scope, key FROM idempotency
             WHERE answer LIKE '{"key":%"outcome":%') i
           ON i.programme_id = a.programme_id AND i.scope = 'till:' || CAST(a.till_id AS TEXT) AND i.key = a.key"""),
    Invariant("I16", "dispute", "a dispute is what the fact of its opening says, and some entry's",
        f"""SELECT d.programme_id AS p, d.number AS n, d.because || ' merchant:' || CAST(d.merchant_id AS TEXT)
              || ' voucher:' || COALESCE(CAST(d.serial AS TEXT), '-') || ' ' || CAST(d.cents AS TEXT) || ' '
              || CAST(d.accepted_at AS TEXT) || ', till:' || CAST(d.till_id AS TEXT) || ' ' || CAST(d.opened_at AS TEXT)
              || CASE WHEN a.key IS NULL THEN ', no entry' ELSE '' END AS found,
              {_about("d", "disputed", _DISPUTE, wanted="k.reason || ', ' || k.actor || ' ' || CAST(k.at AS TEXT)")}
                AS expected
            FROM dispute d
            LEFT JOIN acceptance a ON a.programme_id = d.programme_id AND a.dispute_number = d.number"""),
    Invariant("I16", "dispute", "who decided a dispute, when, why and how is in its fact",
        f"""SELECT d.programme_id AS p, d.number AS n, d.state || ' ' || COALESCE(d.decided_by || ' '
                || CAST(d.decided_at AS TEXT) || ' ' || d.decision, '-') AS found,
              COALESCE((SELECT CASE k.kind WHEN 'guaranteed' THEN 'guaranteed ' ELSE 'dismissed ' END || k.actor || ' '
                || CAST(k.at AS TEXT) || ' ' || k.reason
                FROM journal k WHERE k.programme_id = d.programme_id AND k.subject = {_DISPUTE}
                  AND k.kind IN ('guaranteed', 'dispute_dismissed') ORDER BY k.id DESC LIMIT 1), 'open -') AS expected
            FROM dispute d"""),
    Invariant("I16", "dispute", "what the guarantee paid is what is disputed, to that merchant, once",
        f"""SELECT d.programme_id AS p, d.number AS n, CASE d.state WHEN 'guaranteed' THEN 'journal '
              || CAST(d.journal_id AS TEXT) || ' 1 merchant:' || CAST(d.merchant_id AS TEXT) || ' '
              || CAST(d.cents AS TEXT) ELSE 'none' END AS found,
              COALESCE((SELECT 'journal ' || CAST(MAX(k.id) AS TEXT) || ' ' || CAST(COUNT(*) AS TEXT) || ' '
                || MAX(x.credit) || ' ' || CAST(CAST(SUM(x.cents) AS BIGINT) AS TEXT) FROM journal k
                JOIN posting x ON x.programme_id = k.programme_id AND x.journal_id = k.id
                WHERE k.programme_id = d.programme_id AND k.kind = 'guaranteed' AND k.subject = {_DISPUTE}), 'none')
                AS expected FROM dispute d"""),
    Invariant("I16", "journal", "a journal of the guarantee has its dispute",
        """SELECT j.programme_id AS p, j.id AS n, 'no dispute' AS found, 'a dispute' AS expected FROM journal j
           LEFT JOIN dispute d ON d.programme_id = j.programme_id AND d.journal_id = j.id
             AND j.subject = 'dispute:' || CAST(d.number AS TEXT)
           WHERE j.kind IN ('guaranteed') AND d.number IS NULL"""),
    Invariant("I17", "recipient_list", "an ordered list gives as many vouchers to as many people as its facts say",
        f"""SELECT l.programme_id AS p, l.id AS n, COALESCE(c.given, 'nobody') AS found,
              {_about("l", "recipients_ordered", _LIST, wanted="k.reason")} AS expected
            FROM recipient_list l LEFT JOIN ({_COUNTED}) c ON c.programme_id = l.programme_id AND c.list_id = l.id
            WHERE l.state <> 'draft' AND l.order_number IS NOT NULL"""),
    Invariant("I17", "recipient_list", "each recipient of an assigned list has vouchers of their value and order",
        f"""SELECT l.programme_id AS p, l.id AS n, COALESCE((SELECT 'order:' || CAST(l.order_number AS TEXT) || ' '
                || CAST(COUNT(DISTINCT r.id) AS TEXT) || ' ' || CAST(COUNT(*) AS TEXT)
                FROM recipient r JOIN recipient_voucher x ON x.programme_id = r.programme_id AND x.recipient_id = r.id
                JOIN voucher v ON v.programme_id = x.programme_id AND v.serial = x.serial
                  AND (v.face_cents = r.face_cents OR v.replaces_serial IS NOT NULL)
                JOIN batch b ON b.programme_id = v.programme_id AND b.number = v.batch_number
                  AND b.order_number = l.order_number
                WHERE r.programme_id = l.programme_id AND r.list_id = l.id HAVING COUNT(*) > 0), '-') AS found,
              {_about("l", "recipients_assigned", _LIST, wanted="k.reason")} AS expected
            FROM recipient_list l"""),
)
# fmt: on
