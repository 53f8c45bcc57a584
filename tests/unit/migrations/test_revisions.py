from rolecall.migrations.migrate import head
from rolecall.migrations.revisions import is_known


def test_the_newest_revision_is_known():
    assert is_known(head())


def test_a_revision_of_a_newer_version_is_not_known():
    assert not is_known("9999")
