"""Pictures and scripts of folders against the charts of the page in the same folder."""
import json
import os
import re
import struct
import sys
import xml.etree.ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def charts_of(page):
    """The charts, and the colours of series on a light screen, by name: "c0" of lines, "g0" of cells."""
    text = open(page, encoding="utf-8").read()
    colors = {}
    for name, color in re.findall(r"--([cg]\d): #([0-9a-f]{6})", text):
        colors.setdefault(name, color)
    return json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', text, re.S)[1])["charts"], colors


def cells_of(series):
    """Column after column: "7,0*3," is 7, 0, 0, 0."""
    for word in series["cells"].split(",")[:-1]:
        value, _, times = word.partition("*")
        yield from [int(value)] * int(times or 1)


def check_grid(text, chart, colors):
    """Each cell has the mixture of the series' colours by how much of it is theirs, and is told as often as the others."""
    (block,) = re.findall(r"^\$cells << EOD\n(.*?)^EOD$", text, re.M | re.S)
    told = [[int(word) for word in line.split()] for line in block.splitlines()]
    shares = [list(cells_of(series)) for series in chart["series"]]
    paints = [bytes.fromhex(colors.get(f"g{series['group']}") or colors[f"c{series['group']}"]) for series in chart["series"]]
    rows = chart["grid"]["rows"]
    columns = len(shares[0]) // rows
    down, across = len(told) // rows, len(told[0]) // columns
    assert down * rows == len(told) and all(len(line) == across * columns for line in told)
    for i, line in enumerate(told):
        for j, color in enumerate(line):
            parts = [share[j // across * rows + i // down] for share in shares]
            mixed = [sum(part * paint[byte] for part, paint in zip(parts, paints)) / sum(parts) for byte in range(3)]
            assert all(abs(a - b) <= 0.5 for a, b in zip(color.to_bytes(3, "big"), mixed)), (i, j, color, mixed)


def check_words(text, chart):
    """Words stand in the picture; what points tell on a click does not."""
    wanted = [label for series in chart["series"] if series["draw"] == "words" for label in series["labels"]]
    told = re.findall(r"^set label (.*) at \S+ center", text, re.M)
    assert [re.sub(r"'\.\"\\n\"\.'", " ", label) for label in told] == ["'" + label + "'" for label in wanted], told


def rows_wanted(chart, series):
    """How many lines of numbers the points of a series make."""
    points = len(series["points"]) // 2
    if chart["kind"] == "areas":
        return 2 * points  # both ends of a step
    if series["draw"] == "words":
        return 0
    if series["draw"] == "spans":
        return points // 2
    if series["draw"] == "arcs":
        return 5 * points  # for two of them, eight parts and a gap
    if series["draw"] == "range":
        return max(points - 1, 0)  # two corners each, but for the last
    return points


def check_script(text, chart):
    blocks = re.findall(r"^\$s(\d+) << EOD\n(.*?)^EOD$", text, re.M | re.S)
    assert [int(number) for number, _ in blocks] == list(range(len(chart["series"])))
    for (_, rows), series in zip(blocks, chart["series"]):
        extra = (0, 1, 2) if chart["kind"] == "lines" else (0,)  # lines over a share go on to the ends of the axis
        assert rows.count("\n") - rows_wanted(chart, series) in extra, series["name"]
    drawn = sum(len(series["points"]) > 0 and series["draw"] != "words" for series in chart["series"])
    assert len(re.findall(r"^(?:plot|    ) \$s\d+ using", text, re.M)) == drawn


def check_svg(path, chart):
    root = xml.etree.ElementTree.parse(path).getroot()
    tags = {element.tag for element in root.iter()}
    assert SVG + "script" not in tags and (SVG + "image" in tags) == (chart["kind"] == "grid"), tags
    for element in root.iter():
        references = [value for name, value in element.attrib.items() if name.endswith("href")]
        own = "data:image/png;base64," if element.tag == SVG + "image" else "#"
        assert all(value.startswith(own) for value in references), references
    words = {"".join(element.itertext()).strip() for element in root.iter(SVG + "text")}
    named = [series for series in chart["series"] if series["draw"] not in ("range", "words") and (series.get("cells") or series["points"])]
    if len(named) > 1 and chart["kind"] != "heat":
        assert all(series["name"][:40] in {word[:40] for word in words} for series in named), words
    assert all(name[:24] in {word[:24] for word in words} for name in chart["categories"]), words
    assert chart["kind"] == "heat" or chart["x"].get("bare") or any(chart["x"]["unit"] in word for word in words)


def png_size(path):
    head = open(path, "rb").read(24)
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


for folder in sys.argv[1:]:
    charts, colors = charts_of(folder + "/page.html")
    assert len({chart["key"] for chart in charts}) == len(charts)
    for chart in charts:
        base = f"{folder}/{chart['key']}"
        script = open(base + ".gp", encoding="utf-8").read()
        if chart["kind"] == "grid":
            check_grid(script, chart, colors)
        else:
            check_script(script, chart)
        check_words(script, chart)
        check_svg(base + ".svg", chart)
        width, height = png_size(base + ".png")
        assert width == 3 * (860 if chart["x"].get("bare") else 420) and height >= 3 * 290 and height % 3 == 0
    assert len(os.listdir(folder)) == 3 * len(charts) + 1, os.listdir(folder)
    print(folder, "as many pictures as charts" if charts else "no charts")
kinds = {series["draw"] for folder in sys.argv[1:] for chart in charts_of(folder + "/page.html")[0] for series in chart["series"]}
assert kinds == {"line", "marks", "steps", "spans", "range", "arcs", "words"}, kinds
