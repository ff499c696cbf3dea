"""Pictures and scripts of folders against the charts of the page in the same folder."""
import json
import os
import re
import struct
import sys
import xml.etree.ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def charts_of(page):
    text = open(page, encoding="utf-8").read()
    return json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', text, re.S)[1])["charts"]


def rows_wanted(chart, series):
    """How many lines of numbers the points of a series make."""
    points = len(series["points"]) // 2
    if chart["kind"] == "areas":
        return 2 * points  # both ends of a step
    if series["draw"] == "spans":
        return points // 2
    if series["draw"] == "range":
        return max(points - 1, 0)  # two corners each, but for the last
    return points


def check_script(text, chart):
    blocks = re.findall(r"^\$s(\d+) << EOD\n(.*?)^EOD$", text, re.M | re.S)
    assert [int(number) for number, _ in blocks] == list(range(len(chart["series"])))
    for (_, rows), series in zip(blocks, chart["series"]):
        extra = (0, 1, 2) if chart["kind"] == "lines" else (0,)  # lines over a share go on to the ends of the axis
        assert rows.count("\n") - rows_wanted(chart, series) in extra, series["name"]
    drawn = sum(len(series["points"]) > 0 for series in chart["series"])
    assert len(re.findall(r"^(?:plot|    ) \$s\d+ using", text, re.M)) == drawn


def check_svg(path, chart):
    root = xml.etree.ElementTree.parse(path).getroot()
    tags = {element.tag for element in root.iter()}
    assert not tags & {SVG + "image", SVG + "script"}, tags
    references = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert all(value.startswith("#") for value in references)
    words = {"".join(element.itertext()).strip() for element in root.iter(SVG + "text")}
    named = [series for series in chart["series"] if series["draw"] != "range" and series["points"]]
    if len(named) > 1 and chart["kind"] != "heat":
        assert all(series["name"][:40] in {word[:40] for word in words} for series in named), words
    assert all(name[:24] in {word[:24] for word in words} for name in chart["categories"]), words
    assert chart["kind"] == "heat" or any(chart["x"]["unit"] in word for word in words)


def png_size(path):
    head = open(path, "rb").read(24)
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


for folder in sys.argv[1:]:
    charts = charts_of(folder + "/page.html")
    assert len({chart["key"] for chart in charts}) == len(charts)
    for chart in charts:
        base = f"{folder}/{chart['key']}"
        check_script(open(base + ".gp", encoding="utf-8").read(), chart)
        check_svg(base + ".svg", chart)
        width, height = png_size(base + ".png")
        assert width == 3 * 420 and height >= 3 * 290 and height % 3 == 0
    assert len(os.listdir(folder)) == 3 * len(charts) + 1, os.listdir(folder)
    print(folder, "as many pictures as charts" if charts else "no charts")
