"""Was this form sent from our own page?"""

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

_OWN: Final = frozenset({"same-origin", "none"})


def is_cross_site(request: Request) -> bool:
    """Return whether the browser says that another site's page sent this request.

    `Sec-Fetch-Site` decides where it is there, `Origin` otherwise. A request with neither is not called
    cross-site: a browser leaves both out (or sends `Origin: null`, since our pages send no referrer) only
    over plain HTTP to another machine, where nothing is signed in that a foreign page could make use of.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site.lower() not in _OWN
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return False
    return urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
