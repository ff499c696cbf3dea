#!/usr/bin/env python3
"""Open pages in a real browser, headless Chromium by its driver: no console error, no request, every chart drawn with all its points, at 400 and
1600 px, dark and light, by keys alone, and on paper.

usage: check.py PROGRAM [SCREENSHOTS]      pages of every command, made from the bundled traces; with a folder, a picture of each
Last line: "N passed, N failed".
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

from browser import browser, scheme, screenshot, size

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRACE = ["--trace", f"{ROOT}/traces/chat.jsonl", "--config", f"{ROOT}/configs/demo.json", "--data-plane", "off", "--quiet"]
PAGES = {
    "replay": ["replay", *TRACE],
    "ledger": ["ledger", *TRACE],
    "explain": ["explain", *TRACE, "--num-gpu-blocks", "300"],
    "size": ["size", *TRACE, "--require", "preemptions=0", "--prove", "64"],
    "tune": ["tune", *TRACE, "--require", "p99_ttft_ms<500", "--tune", "max_num_seqs=4,16"],
    "capacity": ["capacity", *TRACE, "--require", "p99_ttft_ms<500"],
    "curve": ["curve", *TRACE, "--block-sizes", "16,32", "--points", "100,400", "--replay"],
    "compare": ["compare", *TRACE, "--b", "num_gpu_blocks=600"],
    "sweep": ["sweep", *TRACE, "--vary", "num_gpu_blocks=300,400,500", "--vary", "block_size=8,16"],
    "trace": ["trace", "info", f"{ROOT}/traces/chat.jsonl"],
}
# What is drawn: points that Chart.js has, or filled cells of a map, against those of the data.
COUNT = """
const { data, drawn } = window.pagesim, out = { figures: document.querySelectorAll("figure[data-chart]").length, wrong: [] };
out.charts = data.charts.length;
for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = data.charts[figure.dataset.chart], picture = drawn.find((picture) => picture.figure === figure);
    chart.series.forEach((series, i) => {
        const points = series.points.length / 2;
        let seen = 0;
        if (chart.kind === "heat") seen = [...figure.querySelectorAll("tbody tr")[i].querySelectorAll("td")].filter((td) => td.textContent).length;
        else if (series.draw === "spans") seen = picture.view.data.datasets[i].data.filter((point) => !Number.isNaN(point.y)).length;
        else if (chart.kind === "areas" || series.draw === "range") seen = picture.view.data.datasets[i].data.length / 2;
        else seen = picture.view.data.datasets[i].data.length;
        if (seen !== points) out.wrong.push([chart.key, series.name, seen, points]);
    });
}
out.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
return JSON.stringify(out);
"""
# Contrast of all text with what is under it: WCAG's AA.
CONTRAST = """
const parse = (text) => {
    const n = text.match(/[\\d.]+/g).map(Number), scale = text.startsWith("color(") ? 255 : 1; // mixed colours are shares of 1
    return { rgb: n.slice(0, 3).map((part) => part * scale), alpha: n.length > 3 ? n[3] : 1 };
};
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                                      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const low = [];
for (const element of document.querySelectorAll("h1, h2, h3, p, dt, dd, small, summary, pre, button, footer, th, td")) {
    let under = element;
    while (under && parse(getComputedStyle(under).backgroundColor).alpha === 0) under = under.parentElement;
    const a = light(parse(getComputedStyle(element).color).rgb), b = light(parse(getComputedStyle(under || document.body).backgroundColor).rgb);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (element.textContent && ratio < 4.5) low.push([element.tagName, element.textContent.slice(0, 20), ratio]);
}
return JSON.stringify(low);
"""
# What a screen reader needs: a language, one h1, no level of heading left out, a name for all that can be reached or is a region, heads of
# tables with a scope, ids that are unique, and nothing of a tabindex above 0.
LABELS = """
const wrong = [], all = (selector) => [...document.querySelectorAll(selector)];
const name = (element) => (element.getAttribute("aria-label") || element.textContent || "").trim();
if (!document.documentElement.lang || !document.title) wrong.push("no language or title");
if (all("h1").length !== 1 || all("main").length !== 1) wrong.push("not one h1 and main");
let level = 0;
for (const heading of all("h1, h2, h3, h4")) {
    if (+heading.tagName[1] > level + 1) wrong.push(["level of heading", heading.textContent]);
    level = +heading.tagName[1];
}
for (const element of all("button, summary, a, input, select, textarea, [role], [tabindex]"))
    if (!name(element)) wrong.push(["no name", element.outerHTML.slice(0, 80)]);
for (const plot of all(".plot"))
    if (name(plot).length < 20) wrong.push(["no description", plot.outerHTML.slice(0, 80)]);
for (const head of all("th")) if (!head.scope) wrong.push(["no scope", head.textContent]);
for (const element of all("[tabindex]")) if (element.tabIndex > 0) wrong.push(["tabindex", element.outerHTML.slice(0, 80)]);
const ids = all("[id]").map((element) => element.id);
if (new Set(ids).size !== ids.length) wrong.push("an id twice");
for (const button of all("button")) {
    const box = button.getBoundingClientRect();
    if (box.width > 0 && (box.width < 24 || box.height < 24)) wrong.push(["small target", button.textContent, box.width, box.height]);
}
return JSON.stringify(wrong);
"""


def requests_of(driver):
    """Addresses other than the page itself and what stands in it."""
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            address = message["params"]["request"]["url"]
            if not address.startswith(("file:", "data:", "blob:")):
                yield address


def walk(driver):
    """By keys: every picture takes the focus and comes closer; a table of numbers opens."""
    return json.loads(driver.execute_script("""
        const wrong = [];
        for (const { canvas, chart, view, figure } of window.pagesim.drawn) {
            const plot = canvas.parentNode;
            plot.focus();
            if (document.activeElement !== plot) wrong.push([chart.key, "no focus"]);
            if (!figure.querySelector(".zoom")) continue;
            const x = () => window.pagesim.drawn.find((picture) => picture.canvas === canvas).view.scales.x, before = x().max - x().min;
            plot.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
            if (!(x().max - x().min < 0.6 * before)) wrong.push([chart.key, "not closer"]);
            plot.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
            if (Math.abs(x().max - x().min - before) > 1e-6 * before) wrong.push([chart.key, "not whole again"]);
        }
        for (const details of document.querySelectorAll("details")) details.open = true;
        return JSON.stringify(wrong);"""))


def check(driver, path, folder):
    name = os.path.basename(path)[:-5]
    wrong = []
    for colors in ("light", "dark"):
        scheme(driver, colors)
        for width in (400, 1600):
            size(driver, width)
            driver.get("file://" + path)
            seen = json.loads(driver.execute_script(COUNT))
            wrong += seen["wrong"]
            if seen["figures"] != seen["charts"] or seen["wide"]:
                wrong.append((colors, width, seen))
            wrong += json.loads(driver.execute_script(CONTRAST)) + json.loads(driver.execute_script(LABELS))
            if folder:
                size(driver, width, min(driver.execute_script("return document.documentElement.scrollHeight"), 8000))
                screenshot(driver, f"{folder}/{name}-{width}-{colors}.png")
    wrong += walk(driver)
    tables = driver.execute_async_script("setTimeout(() => arguments[0](document.querySelectorAll('details[data-table] table').length), 200)")
    if tables != driver.execute_script("return window.pagesim.data.tables.length"):
        wrong.append(("tables", tables))
    paper = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    if not paper.startswith(b"%PDF") or len(paper) < 10000:
        wrong.append("no PDF")
    return wrong + list(requests_of(driver)) + [entry["message"] for entry in driver.get_log("browser")]


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    failed = 0
    driver = browser()
    with tempfile.TemporaryDirectory() as scratch:
        for name, command in PAGES.items():
            path = f"{scratch}/{name}.html"
            subprocess.run([program, *command, "--html", path], check=True, stdout=subprocess.DEVNULL)
            wrong = check(driver, path, folder)
            failed += bool(wrong)
            if wrong:
                print(f"failed: {name}: {wrong[:8]}")
    driver.quit()
    print(f"{len(PAGES) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
