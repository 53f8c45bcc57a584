"""Does every link inside the documents lead somewhere?"""

from pathlib import Path

import pytest

from tests.docs.markdown_links import anchors, broken_links

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_the_document_leads_to_a_file_and_a_heading(path):
    assert broken_links(path) == []


def test_links_that_lead_nowhere_are_noticed(tmp_path):
    (tmp_path / "other.md").write_text("# A heading: here\n", "utf-8")
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n[1](other.md) [2](other.md#a-heading-here) [3](#title) [4](https://example.com/none)\n"
        "[5](none.md) [6](other.md#none) [7](#none)\n`[8](in-code.md)`\n\n```md\n[9](in-a-block.md)\n```\n",
        "utf-8",
    )
    assert broken_links(page) == ["none.md", "other.md#none", "#none"]


def test_headings_of_the_same_words_get_anchors_of_their_own():
    assert anchors("# Same\n## Same\n## `code:` and [link](x)\n") == {"same", "same-1", "code-and-link"}
