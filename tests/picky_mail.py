"""A mail server on this machine, as small as SMTP allows (RFC 5321), that does not know some addresses."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def a_picky_server(*, refuses: set[str]) -> Iterator[tuple[int, list[str]]]:
    """Its port, and the addresses of the letters that it took, in their order."""
    taken: list[str] = []

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            to = ""
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                said = line.decode().strip()
                if found := re.fullmatch(r"RCPT TO:<(.*)>.*", said, re.IGNORECASE):
                    to = found[1]
                    self.wfile.write(b"550 unknown\r\n" if to in refuses else b"250 known\r\n")
                elif said.upper() == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    while self.rfile.readline().strip() != b".":
                        pass
                    taken.append(to)
                    self.wfile.write(b"250 taken\r\n")
                else:
                    self.wfile.write(b"250 well\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1], taken
        finally:
            server.shutdown()
