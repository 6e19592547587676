#!/usr/bin/env python3
"""A terminal's screen, as `tmux capture-pane -e -p` prints it, as an SVG on stdout."""

import html
import re
import sys

COLOURS = {"31": "#e06c75", "32": "#98c379", "33": "#e5c07b", "2": "#7f848e"}
WIDTH, HEIGHT, EDGE = 8.4, 18, 14

lines = sys.stdin.read().rstrip("\n").split("\n")
columns = max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
print(
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDTH + 2 * EDGE:.0f}" height="{len(lines) * HEIGHT + 2 * EDGE}">'
    '<rect width="100%" height="100%" rx="8" fill="#282c34"/>'
    '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="#dcdfe4" xml:space="preserve">'
)
style = ""
for row, line in enumerate(lines):
    column = 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b"):
            codes = part[2:-1].split(";")
            colour = next((COLOURS[code] for code in codes if code in COLOURS), None)
            style = f' fill="{colour}"' if colour else ""
            style += ' font-weight="bold"' if "1" in codes else ""
            continue
        # A browser draws several blanks as one, so each run of words has its own place.
        for words in re.finditer(r"\S+( \S+)*", part):
            x, y = EDGE + (column + words.start()) * WIDTH, EDGE + (row + 0.75) * HEIGHT
            text, length = words.group(), len(words.group()) * WIDTH
            print(f'<text x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}"{style}>{html.escape(text)}</text>')
        column += len(part)
print("</g></svg>")
