import pytest

from rolecall.api.scim.declaration_files import load_registry, shipped_declarations
from rolecall.scim.declared_values import InvalidDeclaration
from tests.make.declared import FOLDER

SCHEMA = '{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": "urn:x:A"}'


def names_in(*declarations):
    return [kind.name for kind in load_registry(declarations).resource_types]


def test_without_declarations_there_are_users_and_groups():
    assert names_in() == ["User", "Group"]


def test_a_declaration_is_a_file_a_directory_or_one_that_comes_with_rolecall():
    assert names_in("agents", str(FOLDER / "devices.json")) == [
        "User",
        "Group",
        "Agent",
        "AgenticApplication",
        "Device",
    ]
    registry = load_registry([str(FOLDER)])
    assert [kind.name for kind in registry.declared] == ["Device"]
    assert len(registry.user.extensions) == 2


def test_every_declaration_that_comes_with_rolecall_can_be_used_and_explains_each_attribute():
    registry = load_registry(shipped_declarations())
    assert len(registry.declared) >= 2
    for kind in registry.declared:
        for attribute in kind.schema.attributes:
            assert all(each.description for each in (attribute, *attribute.sub_attributes)), attribute.name


def test_a_fault_names_the_file_that_has_it(tmp_path):
    (tmp_path / "b.json").write_text(SCHEMA)
    (tmp_path / "a.txt").write_text("no declaration")
    with pytest.raises(InvalidDeclaration, match=f"^{tmp_path}/b.json: attributes is missing"):
        load_registry([str(tmp_path)])


def test_what_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(InvalidDeclaration, match=r"nowhere: cannot be read: No such file.* or one of: agents\."):
        load_registry([str(tmp_path / "nowhere")])
    with pytest.raises(InvalidDeclaration, match="there is no file"):
        load_registry([str(tmp_path)])
