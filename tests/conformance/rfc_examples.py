"""How do tests get at the JSON examples of the RFCs?

`tests/fixtures/rfc/examples.json` has the documents as they are printed, each with its section; `corrected`
says what had to be done to those that are no JSON, or contradict the text around them.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "fixtures" / "rfc"
EXAMPLES = {entry["id"]: entry["document"] for entry in json.loads((FOLDER / "examples.json").read_text("utf-8"))}


def example(name: str) -> Any:
    """Return a copy of an example, to be changed at will."""
    return json.loads(json.dumps(EXAMPLES[name]))


def with_values(document: Any, values: dict[str, str]) -> Any:
    """Return the example with our texts in the places of the RFC's, wherever they stand and within others too."""
    text = json.dumps(document)
    for theirs, ours in values.items():
        text = text.replace(json.dumps(theirs)[1:-1], json.dumps(ours)[1:-1])
    return json.loads(text)
