"""Where do tests get declared schemas and resource types from?"""

from pathlib import Path

import orjson

from rolecall.api.scim.declaration_files import load_registry
from rolecall.kernel.document import Document, Json
from rolecall.scim.declarations import DeclarationFile, read_registry
from rolecall.scim.registry import Registry
from rolecall.scim.schemas import ResourceType

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "declared"
_META = "urn:ietf:params:scim:schemas:core:2.0"
SCHEMA, RESOURCE_TYPE, CONFIG = f"{_META}:Schema", f"{_META}:ResourceType", f"{_META}:ServiceProviderConfig"
DEVICE = "urn:example:scim:2.0:Device"
WARRANTY = "urn:example:scim:2.0:Warranty"
PAYROLL = "urn:example:scim:2.0:Payroll"
MAILBOX = "urn:example:scim:2.0:Mailbox"


def attribute(name: str, **fields: Json) -> Document:
    """A declared attribute; what is left out has the default of the RFC."""
    return {"name": name, **fields}


def schema(uri: str, *attributes: Document, **fields: Json) -> Document:
    """A declared schema with these attributes; one of its own when none is given."""
    return {"schemas": [SCHEMA], "id": uri, "name": "X", "attributes": attributes or (attribute("x"),), **fields}


def resource_type(name: str, uri: str | None = None, *extensions: str, **fields: Json) -> Document:
    """A declared resource type, or, without a URI, further extensions of users or groups."""
    own: Document = {} if uri is None else {"endpoint": f"/{name}s", "schema": uri}
    named: Document = {"schemaExtensions": [{"schema": extension} for extension in extensions]}
    return {"schemas": [RESOURCE_TYPE], "name": name, **own, **(named if extensions else {}), **fields}


def registry_of(*documents: Json) -> Registry:
    """What an installation serves that declares these in one file, `x.json`."""
    return read_registry([DeclarationFile(name="x.json", content=orjson.dumps(documents))])


def type_with(*attributes: Document, extension: "Document | None" = None, required: bool = False) -> ResourceType:
    """A resource type `Thing` with these attributes, and perhaps with an extension."""
    documents = [schema("urn:x:Thing", *attributes)]
    extensions: list[Json] = []
    if extension is not None:
        documents.append(extension)
        extensions.append({"schema": extension["id"], "required": required})
    declared = resource_type("Thing", "urn:x:Thing", schemaExtensions=extensions)
    return registry_of(*documents, declared).declared[0]


def everything_declared() -> Registry:
    """What the files of `tests/fixtures/declared` declare: devices, and extensions of users and groups."""
    return load_registry([str(FOLDER)])
