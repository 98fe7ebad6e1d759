"""Make the gallery's pictures: `python docs/gallery.py [WORDS] [--folder F]` runs the commands of docs/gallery.md.

Each fenced block that ends in `sciml plot … -o NAME.png` gives docs/images/gallery/NAME.png, with 256 colours and as
many pixels as fit into MOST_BYTES. WORDS: only pictures whose name holds one of them. F keeps results and data; without
it they are thrown away.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
WIDTHS, MOST_BYTES = (1400, 1200, 1000, 850, 700), 100_000


def blocks() -> dict[str, list[str]]:
    """The commands by the name of the picture that they end in."""
    found = re.findall(r"```sh\n(.*?)```", (HERE / "gallery.md").read_text(), re.DOTALL)
    return {shlex.split(block)[-1]: block.splitlines() for block in found}


def make(name: str, commands: list[str], folder: Path) -> Path:
    """Run the commands as a shell would; raises CalledProcessError where one fails."""
    for command in commands:
        line = command.replace("sciml ", f"{shlex.quote(sys.executable)} -m sciml.cli.main ", 1)
        subprocess.run(["bash", "-c", line], cwd=folder, check=True)
    path = HERE / "images" / "gallery" / name
    shrink(folder / name, path)
    return path


def shrink(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as opened:
        picture = opened.convert("RGB")
    for width in (w for w in WIDTHS if w <= picture.width):
        small = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
        small.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).save(
            target, optimize=True
        )
        if target.stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f"{target.name} stays above {MOST_BYTES} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as fresh:
        folder = asked.folder or Path(fresh)
        folder.mkdir(exist_ok=True)
        if not (folder / "problems").exists():
            (folder / "problems").symlink_to(HERE.parent / "problems")
        for name, commands in blocks().items():
            if not asked.words or any(word in name for word in asked.words):
                path = make(name, commands, folder)
                print(f"{path.relative_to(HERE)}: {path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main()
