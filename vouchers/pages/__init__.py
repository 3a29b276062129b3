"""The desks and the public pages, as HTML: each reads, calls one verb, and shows what came of it."""
