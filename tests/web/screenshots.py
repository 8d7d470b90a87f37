"""`make screenshots`: takes the pictures of README and docs from the demo, at its fixed time, into docs/pictures/.

Letters are those of a font that is downloaded, so the pictures are the same on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from chromium import a_browser
from debian import program
from looking import looking
from serving_stories import a_site

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
VIEWS = {
    "home": ("/", 1200, 760),
    "objective": ("/objectives/self-service", 1200, 900),
    "key-result": ("/key-results/calls", 1200, 900),
    "phone": ("/", 390, 844),
}
"""Each picture's page, and the size of the window."""
_FONTS = """\
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/cache</cachedir>
  <match><test name="family"><string>system-ui</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>
</fontconfig>
"""


def fonts() -> Path:
    """The configuration of fonts in which Inter is the system's."""
    folder = program("fonts-inter", "usr/share/fonts")
    configuration = folder / "fonts.conf"
    configuration.write_text(_FONTS.format(folder=folder))
    return configuration


def main() -> None:
    """Takes each picture."""
    PICTURES.mkdir(exist_ok=True)
    with a_site() as site, a_browser({"FONTCONFIG_FILE": str(fonts())}) as browser:
        for name, (path, width, height) in VIEWS.items():
            with looking(browser, site.address("demo", path), width=width) as look:
                look.page.set_viewport_size({"width": width, "height": height})
                look.page.screenshot(path=PICTURES / f"{name}.png")
                print(f"docs/pictures/{name}.png")


if __name__ == "__main__":
    main()
