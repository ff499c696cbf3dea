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

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRACE = ["--trace", f"{ROOT}/traces/chat.jsonl", "--config", f"{ROOT}/configs/demo.json", "--data-plane", "off", "--quiet"]
PAGES = {
    "replay": ["replay", *TRACE],
    "ledger": ["ledger", *TRACE],
    "explain": ["explain", *TRACE, "--num-gpu-blocks", "300"],
    "size": ["size", *TRACE, "--require", "preemptions=0", "--prove", "64"],
    "curve": ["curve", *TRACE, "--block-sizes", "16,32", "--points", "100,400", "--replay"],
    "compare": ["compare", *TRACE, "--b", "num_gpu_blocks=600"],
    "sweep": ["sweep", *TRACE, "--vary", "num_gpu_blocks=300,400,500", "--vary", "block_size=8,16"],
    "trace": ["trace", "info", f"{ROOT}/traces/chat.jsonl"],
}
# Saved reports: what replay writes with --charts and without, at two sizes of the pool.
SAVED = {"a.json": ["--num-gpu-blocks", "300", "--charts"], "b.json": ["--num-gpu-blocks", "400", "--charts"], "lean.json": ["--num-gpu-blocks", "400"]}
REPORTS = {"report_compared": ["a.json", "b.json"], "report_lean": ["lean.json"], "report_lean_compared": ["a.json", "lean.json"]}
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
const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return { rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1 }; };
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                                      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const low = [];
for (const element of document.querySelectorAll("h1, h2, h3, p, dt, dd, small, summary, pre, button, footer")) {
    let under = element;
    while (under && parse(getComputedStyle(under).backgroundColor).alpha === 0) under = under.parentElement;
    const a = light(parse(getComputedStyle(element).color).rgb), b = light(parse(getComputedStyle(under || document.body).backgroundColor).rgb);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (element.textContent && ratio < 4.5) low.push([element.tagName, element.textContent.slice(0, 20), ratio]);
}
return JSON.stringify(low);
"""


def browser():
    options = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def size(driver, width, height=1000):
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})


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
    for scheme in ("light", "dark"):
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        for width in (400, 1600):
            size(driver, width)
            driver.get("file://" + path)
            seen = json.loads(driver.execute_script(COUNT))
            wrong += seen["wrong"]
            if seen["figures"] != seen["charts"] or seen["wide"]:
                wrong.append((scheme, width, seen))
            wrong += json.loads(driver.execute_script(CONTRAST))
            if folder:
                size(driver, width, min(driver.execute_script("return document.documentElement.scrollHeight"), 8000))
                shot = driver.execute_cdp_cmd("Page.captureScreenshot", {})["data"]
                with open(f"{folder}/{name}-{width}-{scheme}.png", "wb") as file:
                    file.write(base64.b64decode(shot))
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
        for name, options in SAVED.items():
            subprocess.run([program, "replay", *TRACE, *options, "--format", "json", "--output", f"{scratch}/{name}"], check=True)
        pages = dict(PAGES, **{name: ["report", *(f"{scratch}/{file}" for file in files)] for name, files in REPORTS.items()})
        for name, command in pages.items():
            path = f"{scratch}/{name}.html"
            subprocess.run([program, *command, "--html", path], check=True, stdout=subprocess.DEVNULL)
            wrong = check(driver, path, folder)
            failed += bool(wrong)
            if wrong:
                print(f"failed: {name}: {wrong[:8]}")
    driver.quit()
    print(f"{len(pages) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
