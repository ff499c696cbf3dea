"""Read pages as a browser would, without one."""
import html.parser
import json
import sys

VOID = {"meta", "link", "img", "br"}


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.figures, self.tables, self.data, self.wrong = [], [], [], [], "", []
        self.in_data = False
        self.feed(text)
        self.close()
        self.wrong += ["not closed: " + tag for tag in self.open]

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.wrong += [f"<{tag} {name}>" for name in attributes if name.startswith("on")]
        self.wrong += [f"{name} of <{tag}>" for name in ("src", "href", "action") if attributes.get(name, "data:,") != "data:,"]
        if "data-chart" in attributes:
            self.figures.append(int(attributes["data-chart"]))
        if "data-table" in attributes:
            self.tables.append(int(attributes["data-table"]))
        if attributes.get("role") == "img" and not (attributes.get("aria-label") and attributes.get("tabindex") == "0"):
            self.wrong.append("a picture without words or keys")
        self.in_data = attributes.get("id") == "data"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append("closes nothing: " + tag)

    def handle_data(self, text):
        if self.open and self.open[-1] == "script" and self.in_data:
            self.data += text


def cells(series):
    """Of a grid: "7,0*3," is 7, 0, 0, 0."""
    words = [word.partition("*") for word in series["cells"].split(",")[:-1]]
    return [int(value) for value, _, times in words for _ in range(int(times or 1))]


for name in sys.argv[1:]:
    text = open(name, encoding="utf-8").read()
    page = Page(text)
    data = json.loads(page.data)
    points = sum(len(series.get("points", [])) for chart in data["charts"] for series in chart["series"])
    assert not page.wrong, (name, page.wrong)
    assert page.figures == list(range(len(data["charts"]))) and page.tables == list(range(len(data["tables"]))), name
    assert "img" not in page.tags and page.tags.count("script") == 3 and page.tags.count("h1") == 1, name
    for chart in data["charts"]:
        if chart["kind"] == "grid":  # every cell's counts add up to its range of ids
            rows, height, end = chart["grid"]["rows"], chart["grid"]["height"], chart["y"]["high"] - chart["y"]["low"]
            for i, counts in enumerate(zip(*map(cells, chart["series"]), strict=True)):
                assert sum(counts) == min(height, end - i % rows * height), (name, i, counts)
    assert all(len(series.get("points", [])) % 2 == 0 for chart in data["charts"] for series in chart["series"]), name
    assert all(table["csv"].count("\n") > 1 for table in data["tables"]), name
    assert len(text) < 3e6, name
    print(name, "charts", len(data["charts"]), "some points" if points else "no points")
