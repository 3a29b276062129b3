"""`python -m vouchers` is the `vouchers` command."""

from vouchers.cli import main

if __name__ == "__main__":
    main()
