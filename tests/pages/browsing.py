"""A browser without a screen: it opens pages, fills in their forms as they stand there, and sends them."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from fastapi.testclient import TestClient
from httpx2 import Response
from lxml import html

from tests.api.doors import Doors
from tests.makers import SESSION_KEY, a_staff_member
from vouchers import clock, sign_in

FILE: Final = tuple[str, bytes, str]
"""Name, content and media type of a file to be sent."""


@dataclass
class Page:
    """A page that came back: its text as a person reads it, its links and its forms."""

    response: Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        """Where one ended up, after every redirection."""
        asked = urlsplit(str(self.response.url))
        return f"{asked.path}?{asked.query}" if asked.query else asked.path

    @property
    def tree(self) -> html.HtmlElement:
        return html.document_fromstring(self.response.content)

    @property
    def text(self) -> str:
        """What stands on it, spaces of every kind as one."""
        body = self.tree.find("body")
        for gone in body.xpath(".//script|.//style"):
            gone.drop_tree()
        return re.sub(r"[\s\u00a0\u202f]+", " ", body.text_content()).strip()

    @property
    def refusal(self) -> str:
        """What the form that came back says is wrong; empty when it says nothing."""
        return " ".join(" ".join(found.text_content().split()) for found in self.tree.xpath("//*[@id='refusal']"))

    @property
    def notice(self) -> str:
        """What was just done."""
        return " ".join(" ".join(found.text_content().split()) for found in self.tree.xpath("//p[@role='status']"))

    def links(self) -> list[str]:
        """Where its links lead."""
        return [str(link) for link in self.tree.xpath("//a/@href")]

    def form(self, action: str | None = None) -> html.FormElement:
        """Its form that goes to `action` (the end of the address is enough); its only one of the content by default."""
        known = self.tree.xpath("//main//form")
        found = [one for one in known if action is None or str(one.get("action") or self.path).endswith(action)]
        assert len(found) == 1, f"{len(found)} forms to {action} on {self.path}: {[one.get('action') for one in known]}"
        return found[0]


@dataclass
class Browser:
    """One person's browser. It keeps cookies and follows redirections."""

    doors: Doors
    client: TestClient = field(init=False)
    staff_id: int = 0

    def __post_init__(self) -> None:
        self.client = TestClient(self.doors.client.app, follow_redirects=True)

    def open(self, path: str, **how: Any) -> Page:
        """GET a page."""
        return Page(self.client.get(path, **how))

    def send(
        self, page: Page, action: str | None = None, *, files: dict[str, FILE] | None = None, **typed: Any
    ) -> Page:
        """Fill in a form of the page with `typed` (a list ticks several) and send it, hidden fields and all."""
        form = page.form(action)
        fields: dict[str, Any] = {}
        for name, value in form.form_values():
            fields.setdefault(name, []).append(value)
        for name, value in typed.items():
            fields.pop(name, None)
            if value is not None:
                fields[name] = [str(one) for one in value] if isinstance(value, (list, tuple)) else [str(value)]
        target = urljoin(str(page.response.url), form.get("action") or "")
        if form.get("method", "get").lower() == "get":
            return Page(self.client.get(target, params=fields))
        return Page(self.client.post(target, data=fields, files=files))

    def send_header(self, page: Page, action: str, **typed: Any) -> Page:
        """Send a form of the page's header: signing out, another language."""
        form = page.tree.xpath(f"//header//form[@action='{action}']")[0]
        return Page(self.client.post(action, data={**dict(form.form_values()), **typed}))

    def post(self, path: str, **typed: Any) -> Page:
        """A form sent from nowhere: without any token of ours unless it is given."""
        return Page(self.client.post(path, data=typed))


def sits_down(doors: Doors, programme_id: int, *role_names: str, **of: Any) -> Browser:
    """A person with these roles, signed in, at a browser of their own."""
    at = clock.now()
    staff_id = a_staff_member(doors.house, programme_id=programme_id, role_names=role_names, at=at, **of)
    return signed_in(doors, staff_id)


def signed_in(doors: Doors, staff_id: int) -> Browser:
    """A person who is there already, signed in just now."""
    opened = doors.house.write(
        sign_in.open_session,
        staff_id=staff_id,
        means="passkey",
        label="essai",
        session_key=SESSION_KEY,
        lasts=timedelta(hours=8),
        at=clock.now(),
    )
    browser = Browser(doors)
    browser.client.cookies.set("session", opened.secret)
    browser.staff_id = staff_id
    return browser
