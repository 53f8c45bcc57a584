"""Where does a link inside the repository lead nowhere?"""

import re
from pathlib import Path
from urllib.parse import unquote

_FENCED = re.compile(r"^( *)(`{3,}).*?^\1\2\s*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"(?<!\\)\[(?:[^\]\\]|\\.)*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*#*$", re.MULTILINE)
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def broken_links(path: Path) -> list[str]:
    """Return the targets of a Markdown file's links that name no file, or no heading of it. The web is not asked."""
    text = _CODE.sub("", _FENCED.sub("", path.read_text("utf-8")))
    targets = [match["target"] for match in _LINK.finditer(text)]
    return [target for target in targets if not _OUTSIDE.match(target) and not _resolves(path, target)]


def anchors(text: str) -> set[str]:
    """Return the anchors that a page's headings get: lower case, spaces to hyphens, no other punctuation."""
    seen: dict[str, int] = {}
    found = set()
    for match in _HEADING.finditer(_FENCED.sub("", text)):
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match["title"]).lower()
        slug = re.sub(r"[^\w\- ]", "", title).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def _resolves(path: Path, target: str) -> bool:
    name, _, anchor = unquote(target).partition("#")
    linked = path.parent / name if name else path
    if not linked.exists():
        return False
    return not anchor or anchor in anchors(linked.read_text("utf-8"))
