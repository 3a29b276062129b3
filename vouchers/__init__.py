"""Local gift vouchers on a double-entry ledger: order, issue, redeem, settle, report."""

__version__ = "0.1.0"
