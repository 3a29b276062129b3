"""Everything that is printed or sent as a file: values in, bytes out. No database, no clock, no network."""
