#!/usr/bin/env python3
"""Open pages in a real browser, headless Chromium by its driver: no console error, no request, every chart of the JSON report drawn with all its
points, at 400 and 1600 px, dark and light, by keys alone, and on paper.

usage: check.py PROGRAM [SCREENSHOTS]      pages of every command, from the bundled traces and, where they are, from real ones next to the
                                           checkout (../shared); with a folder, a picture of each
Last line: "N passed, N failed".
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time

from browser import browser, scheme, screenshot, size

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRACE = ["--trace", f"{ROOT}/traces/chat.jsonl", "--config", f"{ROOT}/configs/demo.json", "--data-plane", "off", "--quiet"]
# What "validate" compares with: a run of this program under another load.
MEASURED = ["replay", *TRACE, "--save-result", "measured.json", "--save-detailed"]
PAGES = {
    "replay": ["replay", *TRACE],
    "ledger": ["ledger", *TRACE],
    "explain": ["explain", *TRACE, "--num-gpu-blocks", "300"],
    "size": ["size", *TRACE, "--require", "preemptions=0", "--prove", "64"],
    "curve": ["curve", *TRACE, "--block-sizes", "16,32", "--points", "100,400", "--replay"],
    "curve-gpu": ["curve", "--trace", f"{ROOT}/traces/chat.jsonl", "--quiet", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "H100", "--trace-block-size", "16"],
    "compare": ["compare", *TRACE, "--b", "num_gpu_blocks=600"],
    "compare-sides": ["compare", *TRACE, "--side", "base", "--side", "more", "num_gpu_blocks=600", "--side", "sjf", "scheduling_policy=sjf", "--by", "input_length"],
    "sweep": ["sweep", *TRACE, "--vary", "num_gpu_blocks=300,400,500", "--vary", "block_size=8,16"],
    "sweep-three": ["sweep", *TRACE, "--vary", "num_gpu_blocks=200:500:50", "--vary", "scheduling_policy=fcfs,priority", "--vary", "max_num_seqs=8,16,32"],
    "explain-many": ["explain", *TRACE, "--num-gpu-blocks", "150", "--max-num-seqs", "64", "--arrival-speedup-ratio", "3"],
    "validate": ["validate", *TRACE, "--arrival-speedup-ratio", "1.1", "--vllm-json", "measured.json"],
    "tune": ["tune", *TRACE, "--require", "p99_ttft_ms<500", "--tune", "max_num_seqs=8,16,32", "--tune", "max_num_batched_tokens=256,512,1024"],
    "capacity": ["capacity", *TRACE, "--require", "p99_ttft_ms<500"],
    "explain-request": ["explain", *TRACE, "--num-gpu-blocks", "300", "--request", "100"],
    "trace": ["trace", "info", f"{ROOT}/traces/chat.jsonl"],
}
# Saved reports: what replay writes with --charts and without, at two sizes of the pool.
SAVED = {"a.json": ["--num-gpu-blocks", "300", "--charts"], "b.json": ["--num-gpu-blocks", "400", "--charts"], "lean.json": ["--num-gpu-blocks", "400"]}
REPORTS = {"report_compared": ["a.json", "b.json"], "report_lean": ["lean.json"], "report_lean_compared": ["a.json", "lean.json"]}
# Of real traces. They are not part of the project; in CI they must be there.
SHARED = f"{os.path.dirname(ROOT)}/shared"
CONV = ["--trace", f"{SHARED}/traces/azure2023_conv.csv", "--max-num-seqs", "256", "--max-num-batched-tokens", "8192", "--max-model-len", "16384",
        "--num-gpu-blocks", "1300", "--data-plane", "off", "--quiet"]
REAL = {
    "real-replay": ["replay", *CONV],
    "real-explain": ["explain", *CONV],
    "real-ledger": ["ledger", *CONV],
    "real-compare": ["compare", *CONV, "--b", "num_gpu_blocks=2000"],
    "real-compare-sides": ["compare", *CONV, *(word for name in ("fcfs", "sjf", "srpt", "lpm", "mlfq", "edf", "vtc", "priority") for word in ("--side", name, f"scheduling_policy={name}"))],
    "real-sweep": ["sweep", *CONV, "--vary", "num_gpu_blocks=1300,2000,4000", "--vary", "max_num_seqs=16,64"],
    "real-curve": ["curve", "--trace", f"{SHARED}/traces/mooncake_conversation.jsonl", "--quiet"],
    "real-validate": ["validate", f"{SHARED}/groundtruth/rtx4090_llama31_8b", "--quiet"],
}
OPENS_MOST_S, PAGE_MOST = 2, 3 << 20
# What is drawn: points that Chart.js has, or filled cells of a map, against those of the data.
COUNT = """
const { data, drawn } = window.pagesim, out = { figures: document.querySelectorAll("figure[data-chart]").length, wrong: [] };
out.charts = data.charts.length;
for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = data.charts[figure.dataset.chart], picture = drawn.find((picture) => picture.figure === figure);
    if (chart.kind === "grid") { // a pixel a cell, and in each as many as its range has
        const { rows, width, height } = chart.grid, { image, values } = picture, cells = Math.round(chart.x.high / width) * rows;
        const pixels = image.getContext("2d").getImageData(0, 0, image.width, image.height).data;
        const painted = pixels.filter((alpha, i) => i % 4 === 3 && alpha === 255).length;
        const off = values[0].findIndex((_, i) => values.reduce((sum, value) => sum + value[i], 0) !==
                                                  Math.min(height, chart.y.high - chart.y.low - i % rows * height));
        if (painted !== cells || off >= 0 || values.some((value) => value.length !== cells)) out.wrong.push([chart.key, painted, cells, off]);
        continue;
    }
    chart.series.forEach((series, i) => {
        const points = series.points.length / 2;
        let seen = 0;
        if (chart.kind === "heat") seen = [...figure.querySelectorAll("tbody tr")[i].querySelectorAll("td")].filter((td) => td.textContent).length;
        else if (series.draw === "words") seen = series.labels.length;
        else if (series.draw === "spans") seen = picture.view.data.datasets[i].data.filter((point) => !Number.isNaN(point.y)).length;
        else if (series.draw === "arcs") seen = 2 * picture.view.data.datasets[i].data.filter((point) => Number.isNaN(point.y)).length;
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
for (const element of all("button, summary, a, input, select, textarea, [role]:not([role=status]), [tabindex]"))
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
    """By keys: every picture takes the focus and comes closer, with all that is then in it; points and cells tell what they are; tables open."""
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
            // What Chart.js believes to be sorted it searches for the ends of the picture.
            view.data.datasets.forEach((set, i) => {
                if (view.getDatasetMeta(i)._sorted && set.data.some((point, k) => k > 0 && point.x < set.data[k - 1].x))
                    wrong.push([chart.key, set.label, "is not sorted"]);
            });
            if (chart.kind === "grid") {
                plot.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
                if (!/^block id.* at .* s, /.test(figure.querySelector("[role=status]").textContent)) wrong.push([chart.key, "says no cell"]);
            }
            plot.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
            if (Math.abs(x().max - x().min - before) > 1e-6 * before) wrong.push([chart.key, "not whole again"]);
        }
        for (const { canvas, chart, figure } of window.pagesim.drawn.filter((picture) => picture.chart.labels)) {
            const said = () => (figure.querySelector(".told pre") || {}).textContent, keys = ["Enter", "ArrowDown", "Enter"], seen = [];
            for (const key of keys) {
                canvas.parentNode.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
                seen.push(said());
            }
            const known = (text) => chart.series.some((series) => (series.labels || []).some((label) => label !== null && (chart.prefix || "") + label === text));
            if (!seen.every(known) || seen[0] === seen[2]) wrong.push([chart.key, "does not tell its points", seen]);
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


def shape(charts):
    """Key and numbers of points of each chart; cells of a grid are counted by the browser."""
    return [(chart["key"], [len(series.get("points", [])) // 2 for series in chart["series"]]) for chart in charts]


def of_report(text):
    """The charts that a JSON report keeps for its page."""
    elements = json.loads(text)["page"]["elements"]
    return [element for element in elements if element["kind"] == "chart" and element["for"] != ["csv"] and "not page" not in element["for"]]


def check_numbers(path, report):
    """The page has the charts and points of the report, and is light."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    data = json.loads(page.split('<script type="application/json" id="data">')[1].split("</script>")[0])
    grids = {chart["key"] for chart in data["charts"] if chart["kind"] == "grid"}
    wrong = [("of the report", *pair) for pair in zip(shape(data["charts"]), shape(of_report(report))) if pair[0] != pair[1] and pair[0][0] not in grids]
    if len(data["charts"]) != len(of_report(report)) or len(page) > PAGE_MOST:
        wrong.append((len(data["charts"]), "charts, the report has", len(of_report(report)), "bytes", len(page)))
    return wrong


def opens_slowly(driver, path):
    start = time.monotonic()
    driver.get("file://" + path)
    took = time.monotonic() - start
    return [("opened in", took)] if took > OPENS_MOST_S else []


def main():
    program, folder = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    failed = 0
    driver = browser()
    pages = dict(PAGES)
    if os.path.isdir(SHARED):
        pages.update(REAL)
    elif os.environ.get("CI"):
        sys.exit("../shared is missing: in CI that is a failure")
    else:
        print("pages of real traces: skipped, as ../shared is missing")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([program, *MEASURED], check=True, stdout=subprocess.DEVNULL, cwd=scratch)
        for name, options in SAVED.items():
            subprocess.run([program, "replay", *TRACE, *options, "--format", "json", "--output", f"{scratch}/{name}"], check=True)
        pages.update({name: ["report", *(f"{scratch}/{file}" for file in files)] for name, files in REPORTS.items()})
        for name, command in pages.items():
            path = f"{scratch}/{name}.html"
            report = subprocess.run([program, *command, "--html", path, "--format", "json", "--charts"], check=True, stdout=subprocess.PIPE, cwd=scratch)
            wrong = opens_slowly(driver, path) + check(driver, path, folder)
            if command[0] != "report":
                wrong += check_numbers(path, report.stdout)
            failed += bool(wrong)
            if wrong:
                print(f"failed: {name}: {wrong[:8]}")
    driver.quit()
    print(f"{len(pages) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
