from rolecall.kernel.page import Page


def test_a_page_knows_how_many_items_there_are_beyond_its_own():
    page = Page(items=("a", "b"), total=7)
    assert page.items == ("a", "b")
    assert page.total == 7
