"""Run a notebook in JupyterLab and keep pictures of it, to look at.

    python -m tests.browser.look lessons/en/01_lifecycle.ipynb --theme light --theme dark

The notebook (with its folder, ``lessons/`` and so on) is copied first: nothing is changed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.browser.chromium import NotebookPage, chromium
from tests.browser.jupyter import jupyterlab, plain


def main() -> int:
    """Run from a terminal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--theme", action="append", choices=("light", "dark"))
    parser.add_argument("--width", type=int, default=1280, help="of the window, in pixels")
    parser.add_argument("--out", type=Path, default=Path("tests/artefacts"))
    parser.add_argument("--no-run", action="store_true", help="only open it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        wanted = []
        for notebook in args.notebooks:
            # The folder above tells the language (lessons/zh-TW/…), so it is kept.
            place = Path(*notebook.resolve().parts[-3:])
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, folder / place)
            wanted.append(place.as_posix())
        with jupyterlab(plain(folder), folder) as server, chromium() as browser:
            for path in wanted:
                for theme in args.theme or ["light"]:
                    server.theme(theme)
                    with NotebookPage.open(browser, server, path) as page:
                        if not args.no_run:
                            page.run_all()
                            page.page.wait_for_timeout(1500)
                        # In a narrow window JupyterLab hides the sign that a kernel is idle.
                        page.page.set_viewport_size({"width": args.width, "height": 900})
                        page.page.wait_for_timeout(500)
                        file = args.out / f"{path.replace('/', '-')[:-6]}-{theme}.png"
                        print(*page.picture(file), sep="\n")
                        for problem in (*page.strangers, *page.complaints):
                            print(f"  {problem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
