"""The elements of a page, each closed where it was opened."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br"}

Elements = list[tuple[str, dict[str, str | None]]]
"""Tags with their attributes, in the order of the page."""


def elements_of(page: str) -> Elements:
    """Return what a page is made of; asserts that it is whole."""
    reader = _Reader()
    reader.feed(page)
    assert not reader.open
    return reader.elements


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: Elements = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()
