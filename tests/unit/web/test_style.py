"""Can what pages say be read, in light and in dark?"""

import re
from pathlib import Path

import pytest

from rolecall import web

STYLE = (Path(web.__file__).parent / "assets" / "rolecall.css").read_text()
LIGHT, DARK = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in STYLE.split("@media", 2)[:2])

TEXT_ON = [
    ("ink", "paper"),
    ("ink", "card"),
    ("ink", "field"),
    ("ink", "code"),
    ("quiet", "card"),
    ("accent", "card"),
    ("accent-hover", "card"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("wrong", "card"),
    ("wrong", "wrong-paper"),
    ("notice", "notice-paper"),
]


def contrast(one, other):
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color):
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_black_on_white_has_the_greatest_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("text, ground", TEXT_ON)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme, text, ground):
    assert contrast(scheme[text], scheme[ground]) >= 4.5


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_the_edges_of_fields_can_be_seen(scheme):
    for edge in ("field-line", "wrong"):
        assert contrast(scheme[edge], scheme["card"]) >= 3


def test_every_colour_has_a_light_and_a_dark_form():
    assert LIGHT.keys() == DARK.keys()
    assert len(LIGHT) > 10
