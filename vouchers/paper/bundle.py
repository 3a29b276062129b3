"""Many files as one: a ZIP given away piece by piece, so that ten thousand papers need no more room than one.

The same files are the same bytes: each carries the day it was given, no clock is read, and nothing is pressed smaller
(a PDF is so already), because that would differ with the library at hand.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

_ONLY_OWNER: Final = 0o600 << 16
_UNIX: Final = 3


def zipped(files: Iterable[tuple[str, date, bytes]]) -> Iterator[bytes]:
    """(name, day, content) of each, read one at a time, as the pieces of a ZIP. Names are unique and plain ASCII."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", compression=zipfile.ZIP_STORED) as bundle:
        for name, on, content in files:
            entry = zipfile.ZipInfo(name, (on.year, on.month, on.day, 0, 0, 0))
            entry.external_attr, entry.create_system = _ONLY_OWNER, _UNIX
            bundle.writestr(entry, content)
            yield outlet.taken()
    yield outlet.taken()


class _Outlet(io.RawIOBase):
    """What was written since it was last taken; it cannot go back, so the ZIP is written straight on."""

    def __init__(self) -> None:
        super().__init__()
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # bytes and their like: typeshed has no name for them in 3.11
        self._kept += view
        return view.nbytes

    def taken(self) -> bytes:
        taken, self._kept = bytes(self._kept), bytearray()
        return taken
