"""Follows every link of a site that leads to a page, a place or a file of the same site.

Usage: site_links.py SITE

Prints the links that lead nowhere; exit status 1 if there is one.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINKING = {"a": "href", "link": "href", "img": "src", "script": "src", "object": "data"}


class Page(HTMLParser):
    """The places of a page, and where it leads."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: list[str] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places |= {given.get("id") or "", (tag == "a" and given.get("name")) or ""}
        link = given.get(LINKING.get(tag, ""))
        if link:
            self.links.append(link)


def broken(site: Path) -> list[str]:
    """Each as `page: link`."""
    pages = {file: Page(file) for file in site.rglob("*.html")}
    return [
        f"{file.relative_to(site)}: {link}"
        for file, page in sorted(pages.items())
        for link in page.links
        if not leads(file, link, pages)
    ]


def leads(file: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether there is something at its end; of other sites that is not asked."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = Path(file.parent, unquote(parts.path)).resolve() if parts.path else file
    if target.is_dir():
        target /= "index.html"
    if target not in pages:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in pages[target].places


def main(site: Path) -> int:
    found = broken(site.resolve())
    for link in found:
        print(f"leads nowhere: {link}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
