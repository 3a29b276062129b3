"""`python -m vouchers` is the `vouchers` command."""

from vouchers.cli import app

if __name__ == "__main__":
    app(prog_name="vouchers")
