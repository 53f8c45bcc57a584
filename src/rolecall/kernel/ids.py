"""How is a new thing named?"""

import secrets
from datetime import datetime

_RANDOM_BITS = 80


def new_id(now: datetime) -> str:
    """Return a UUIDv7 (RFC 9562 §5.7) in lower case with hyphens.

    Ids made later sort later, to the millisecond; the rest is random.
    """
    milliseconds = int(now.timestamp() * 1000)
    random = secrets.randbits(_RANDOM_BITS)
    value = milliseconds << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
