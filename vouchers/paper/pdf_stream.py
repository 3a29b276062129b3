"""A PDF file written page by page and never held in memory.

Why not a reportlab canvas: it keeps the whole document until it is saved. So reportlab draws once what all pages share
(fonts, form XObjects), pikepdf lifts those objects out, and this writer appends the pages. What stays in memory is
8 bytes an object, the place where it begins in the file. ISO 32000-1, 7.5 (file structure) and 7.7.3 (page tree).
The same input gives the same bytes: no date; the file's ID is a hash of what it holds.
"""

import hashlib
import io
import zlib
from array import array
from typing import BinaryIO, Final

import pikepdf

_PAGES_A_NODE: Final = 256
_FREE: Final = 0


class PdfStream:
    """One file being written: make it, add pages, finish. Nothing but `write` is asked of `out`."""

    def __init__(self, out: BinaryIO, *, template: bytes) -> None:
        """`template` is a PDF of one page: every page to come has its size and may use, by the same names, the fonts
        and form XObjects that it uses."""
        self._out, self._hash, self._written = out, hashlib.blake2b(digest_size=16), 0
        self._starts = array("Q", [_FREE])
        self._kids: list[int] = []
        self._nodes: list[tuple[int, int]] = []
        self._put(b"%PDF-1.6\n%\xe2\xe3\xcf\xd3\n")
        with pikepdf.open(io.BytesIO(template)) as pdf:
            page = pdf.pages[0].obj
            self._shared = b"/MediaBox %b/Resources %b" % (
                page.MediaBox.unparse(),
                page.Resources.unparse(resolved=True),
            )
            self._starts.extend([_FREE] * len(pdf.objects))
            for number in sorted(_reached(page.Resources)):
                self._write(number, _body(pdf.get_object(number, 0)))
        self._root, self._node = self._number(), self._number()

    def add_page(self, content: bytes) -> None:
        """Append a page that draws `content` (PDF operators)."""
        packed = zlib.compress(content, 6)
        drawn, page = self._number(), self._number()
        self._write(drawn, b"<</Length %d/Filter/FlateDecode>>\nstream\n%b\nendstream" % (len(packed), packed))
        self._write(page, b"<</Type/Page/Parent %d 0 R/Contents %d 0 R>>" % (self._node, drawn))
        self._kids.append(page)
        if len(self._kids) == _PAGES_A_NODE:
            self._close_node()
            self._node = self._number()

    def finish(self, *, title: str) -> None:
        """Write what comes last: page tree, catalogue, table of where each object begins."""
        if self._kids:
            self._close_node()
        pages = sum(count for _, count in self._nodes)
        nodes = b" ".join(b"%d 0 R" % node for node, _ in self._nodes)
        self._write(self._root, b"<</Type/Pages/Count %d/Kids[%b]%b>>" % (pages, nodes, self._shared))
        catalogue, info = self._number(), self._number()
        self._write(
            catalogue,
            # To scale: a printer that fits the page to its margins would shrink the codes and move the cuts.
            b"<</Type/Catalog/Pages %d 0 R/Lang(fr-FR)"
            b"/ViewerPreferences<</PrintScaling/None/DisplayDocTitle true>>>>" % self._root,
        )
        self._write(info, b"<</Title<FEFF%b>>>" % title.encode("utf-16-be").hex().upper().encode())
        self._finish_table(catalogue, info)

    def _close_node(self) -> None:
        kids = b" ".join(b"%d 0 R" % kid for kid in self._kids)
        node = b"<</Type/Pages/Parent %d 0 R/Count %d/Kids[%b]>>" % (self._root, len(self._kids), kids)
        self._write(self._node, node)
        self._nodes.append((self._node, len(self._kids)))
        self._kids.clear()

    def _finish_table(self, catalogue: int, info: int) -> None:
        table_at, count = self._written, len(self._starts)
        self._put(b"xref\n0 %d\n" % count)
        for start in self._starts:
            self._put(b"%010d 00000 n \n" % start if start else b"0000000000 65535 f \n")
        name = self._hash.hexdigest().encode()
        self._put(
            b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%b><%b>]>>\nstartxref\n%d\n%%%%EOF\n"
            % (count, catalogue, info, name, name, table_at)
        )

    def _number(self) -> int:
        self._starts.append(_FREE)
        return len(self._starts) - 1

    def _write(self, number: int, body: bytes) -> None:
        self._starts[number] = self._written
        self._put(b"%d 0 obj\n%b\nendobj\n" % (number, body))

    def _put(self, data: bytes) -> None:
        self._out.write(data)
        self._hash.update(data)
        self._written += len(data)


def _body(thing: pikepdf.Object) -> bytes:
    if isinstance(thing, pikepdf.Stream):
        # As it stands, still packed: its Length is that of the raw bytes.
        return b"%b\nstream\n%b\nendstream" % (thing.stream_dict.unparse(), thing.read_raw_bytes())
    return bytes(thing.unparse(resolved=True))


def _reached(top: pikepdf.Object) -> set[int]:
    """The numbers of all indirect objects that `top` leads to, itself included if it is one."""
    found: set[int] = set()
    ahead = [top]
    while ahead:
        thing = ahead.pop()
        if thing.is_indirect:
            if thing.objgen[0] in found:
                continue
            found.add(thing.objgen[0])
        if isinstance(thing, pikepdf.Stream):
            thing = thing.stream_dict
        if isinstance(thing, pikepdf.Dictionary):
            ahead += [value for _, value in thing.items() if isinstance(value, pikepdf.Object)]
        elif isinstance(thing, pikepdf.Array):
            ahead += [value for value in thing if isinstance(value, pikepdf.Object)]
    return found
