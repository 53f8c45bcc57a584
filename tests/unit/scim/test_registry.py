from rolecall.scim.registry import Registry
from tests.make.declared import attribute, everything_declared, registry_of, resource_type, schema


def test_endpoints_are_found_in_any_case():
    assert dict(Registry().endpoints) == {"/users": "/Users", "/groups": "/Groups"}
    assert everything_declared().endpoints["/devices"] == "/Devices"


def test_what_is_never_returned_is_never_written_down_either():
    assert Registry().secrets == {"password"}
    secret = attribute("value", returned="never")
    declared = schema(
        "urn:x:A",
        attribute("Pin", returned="never"),
        attribute("tokens", type="complex", subAttributes=[attribute("type"), secret]),
        attribute("open"),
    )
    assert registry_of(declared, resource_type("Thing", "urn:x:A")).secrets == {"password", "pin", "tokens"}
