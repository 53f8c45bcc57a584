import pytest

from rolecall.scim.errors import InvalidSyntax
from rolecall.scim.messages import BULK_REQUEST, PATCH_OP, SEARCH_REQUEST, check_message


@pytest.mark.parametrize("uri", [PATCH_OP, SEARCH_REQUEST, BULK_REQUEST])
def test_a_message_names_itself_in_any_case_among_others_or_not_at_all(uri):
    for schemas in (None, [], "", [uri], [uri.upper()], ["urn:other", uri], [1, uri]):
        check_message(schemas, uri)


@pytest.mark.parametrize("schemas", [PATCH_OP, ["urn:other"], [None], 1, {"a": PATCH_OP}, [SEARCH_REQUEST]])
def test_another_message_is_refused_with_the_name_of_the_expected_one(schemas):
    with pytest.raises(InvalidSyntax, match=PATCH_OP) as refusal:
        check_message(schemas, PATCH_OP)
    assert refusal.value.about == {"attribute": "schemas"}
