"""Makes docs/terminal.svg: what a terminal shows in the middle of a real drill on the sample shop.

    make picture
"""

import html
import os
import sys

import shop_world
from shop_world import SOURCE
from terminal import Terminal

COLUMNS, ROWS = 100, 30
WIDE, HIGH, EDGE = 8.4, 18, 16
PAPER, INK = "#16181d", "#d7dae0"
COLOURS = {"default": INK, "red": "#ff7b72", "green": "#7ee787", "brown": "#f2cc60",
           "yellow": "#f2cc60"}


def runs_of(row, columns):
    """Cells of one look, taken together: (column, text, colour, bold)."""
    found = []
    for column in range(columns):
        cell = row[column]
        look = (COLOURS.get(cell.fg, INK), cell.bold)
        if found and found[-1][2:] == look:
            found[-1] = (found[-1][0], found[-1][1] + (cell.data or " "), *look)
        else:
            found.append((column, cell.data or " ", *look))
    return [run for run in found if run[1].strip()]


def svg(screen):
    """The picture of a pyte screen."""
    rows = max(i for i, line in enumerate(screen.display) if line.strip()) + 1
    width, height = screen.columns * WIDE + 2 * EDGE, rows * HIGH + 2 * EDGE
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
           f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
           "<title>gameday run in the middle of a drill</title>",
           f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
           f'<g font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="14" fill="{INK}">']
    for number in range(rows):
        for column, text, colour, bold in runs_of(screen.buffer[number], screen.columns):
            lead = len(text) - len(text.lstrip())
            text = text.strip()
            weight = ' font-weight="bold"' if bold else ""
            ink = f' fill="{colour}"' if colour != INK else ""
            # The length keeps columns together in fonts of every width.
            out.append(f'<text x="{EDGE + (column + lead) * WIDE:.1f}" '
                       f'y="{EDGE + number * HIGH + 13}" textLength="{len(text) * WIDE:.1f}" '
                       f'lengthAdjust="spacingAndGlyphs" xml:space="preserve"{ink}{weight}>'
                       f"{html.escape(text)}</text>")
    return "\n".join(out + ["</g>", "</svg>"]) + "\n"


def main():
    shop_world.enter()
    programs, path = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    shop = shop_world.Shop(programs)
    gameday = shop_world.Gameday(os.path.join(os.path.dirname(programs), "gameday"), shop)
    terminal = Terminal(gameday.command("run", shop.folder + "/store-lost-and-restored.yaml",
                                        "--out", gameday.out),
                        COLUMNS, ROWS, environment=shop.environment)
    terminal.wait_for(lambda: "kill west" in terminal.text() and "held " in terminal.text(), 90,
                      "a fault in force")
    terminal.look(2.5)
    picture = svg(terminal.screen)
    terminal.type(b"\x03")
    terminal.ended()
    with open(path, "w", encoding="utf-8") as file:
        file.write(picture)
    print(f"{path}: {len(picture) // 1024} KB, as {os.path.relpath(__file__, SOURCE)} saw it")


if __name__ == "__main__":
    main()
