"""The press beside the desks, when the machine gives it no thread."""

import threading

import pytest

from tests.makers import NOON
from vouchers import press
from vouchers.db import Database


def test_what_could_not_begin_is_not_under_way_and_may_be_begun_again(
    house: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    asked = {"programme_id": 1, "number": 1}
    with monkeypatch.context() as tired:
        tired.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError):
            press.make_papers_in_background(house, **asked, actor="staff:1", now=lambda: NOON)
    assert not press.is_making_papers(house, **asked)
    assert press.make_papers_in_background(house, **asked, actor="staff:1", now=lambda: NOON)
    for thread in threading.enumerate():
        if thread.name == "papers-1-1":
            thread.join()
