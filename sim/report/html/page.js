// page.js - draws the charts of a page of pictures by Chart.js and makes its tables when they are opened. What is drawn stands in the script
// element "data" (render_html.c): charts with axes, series and points (x and y in turn) or cells of a grid, and tables as CSV.
"use strict";
(function () {
    const data = JSON.parse(document.getElementById("data").textContent);
    const drawn = []; // {chart, figure, canvas, view} of each picture on a canvas
    const ROWS_SHOWN = 500;

    // --- small things --------------------------------------------------------------------------------------------------------------

    function make(tag, parent, text, attributes) {
        const element = document.createElement(tag);
        if (text !== undefined) element.textContent = text;
        for (const name in attributes || {}) element.setAttribute(name, attributes[name]);
        if (parent) parent.appendChild(element);
        return element;
    }
    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const SHAPES = ["circle", "triangle", "rect", "rectRot"]; // of marks, a shape a series
    // What covers a whole grid is paler than a line of the same color.
    const seriesColor = (series) => (series.cells === undefined ? "" : color("--g" + series.group % 7)) || color("--c" + series.group % 7);
    const label = (axis) => axis.name.replace(/_/g, " ") + (axis.unit && !axis.name.endsWith(axis.unit) ? " (" + axis.unit + ")" : "");
    const short = (value) => Math.abs(value) >= 1e4 ? Intl.NumberFormat("en", { notation: "compact" }).format(value)
                                                    : String(+(+value).toPrecision(4));

    const extent = (values) => values.reduce((ends, value) => value === null ? ends : [Math.min(ends[0], value), Math.max(ends[1], value)],
                                             [Infinity, -Infinity]);
    const ranged = (series) => series !== undefined && series.draw === "range";
    const hasSpans = (chart) => chart.kind === "plot" && chart.series.some((series) => series.draw === "spans");

    // Points between the two ends of an arc: up first, then over. Bent in numbers, not in pixels, so that looking closer keeps it.
    const BENDS = 8;
    function bend(from, to) {
        const part = (i) => i / BENDS * Math.PI / 2, out = [];
        for (let i = 1; i < BENDS; i++)
            out.push({ x: from.x + (to.x - from.x) * (1 - Math.cos(part(i))), y: from.y + (to.y - from.y) * Math.sin(part(i)), label: from.label });
        return out;
    }

    // Pairs of flat points. Spans and arcs are lines with a gap after each. A point without a label has that of the one before it.
    function pairs(series, prefix) {
        const out = [], paired = series.draw === "spans" || series.draw === "arcs";
        let label = undefined;
        for (let i = 0; i + 1 < series.points.length; i += 2) {
            const text = series.labels && series.labels[i / 2];
            if (text) label = (prefix || "") + text;
            const point = { x: series.points[i], y: series.points[i + 1], label }, second = paired && i % 4 === 2;
            if (second && series.draw === "arcs") out.push(...bend(out[out.length - 1], point));
            out.push(point);
            if (second) out.push({ x: point.x, y: NaN });
        }
        return out;
    }

    // Areas: each lies on those before it that are shown, and a value holds until the next point, the last to the end of the axis.
    function areas(chart, hidden) {
        const base = [];
        return chart.series.map((series, i) => {
            const out = [], points = pairs(series);
            points.forEach((point, j) => {
                base[j] = (base[j] || 0) + (hidden[i] ? 0 : point.y);
                out.push({ x: point.x, y: base[j], value: point.y });
                out.push({ x: j + 1 < points.length ? points[j + 1].x : chart.x.high, y: base[j], value: point.y });
            });
            return out;
        });
    }

    // --- tables ---------------------------------------------------------------------------------------------------------------------

    function parseCsv(text) {
        const rows = [];
        let row = [], cell = "", quoted = false;
        for (let i = 0; i < text.length; i++) {
            const c = text[i];
            if (quoted && c === '"' && text[i + 1] === '"') { cell += c; i++; }
            else if (c === '"') quoted = !quoted;
            else if (!quoted && (c === "," || c === "\n")) {
                row.push(cell);
                cell = "";
                if (c === "\n") { rows.push(row); row = []; }
            } else cell += c;
        }
        return rows;
    }

    function save(name, text) {
        const link = make("a", null, "", { download: name + ".csv" });
        link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    function fillTable(parent, name, csv) {
        const rows = parseCsv(csv), heads = rows.shift();
        const bar = make("div", parent, undefined, { class: "bar" });
        make("button", bar, "Save as CSV", { type: "button" }).onclick = () => save(name, csv);
        const box = make("div", parent, undefined, { class: "scroll", tabindex: "0", role: "region", "aria-label": name });
        const table = make("table", box), head = make("tr", make("thead", table)), body = make("tbody", table);
        for (const text of heads) make("th", head, text, { scope: "col" });
        for (const row of rows.slice(0, ROWS_SHOWN)) {
            const line = make("tr", body);
            for (const text of row) make("td", line, text, isNaN(text) ? { class: "word" } : {});
        }
        if (rows.length > ROWS_SHOWN) make("p", parent, "The first " + ROWS_SHOWN + " of " + rows.length + " rows; the CSV has all.");
    }

    // The numbers of a chart: a row a point.
    function chartCsv(chart) {
        const quote = (text) => '"' + String(text).replace(/"/g, '""') + '"';
        const lines = [["series", chart.x.name || "x", chart.y.name || "y"].map(quote).join(",")];
        for (const series of chart.series)
            for (let i = 0; i + 1 < series.points.length; i += 2) {
                if (series.points[i] === null) continue; // the end of a line
                const x = chart.categories.length ? quote(chart.categories[series.points[i]]) : series.points[i];
                lines.push(quote(series.name) + "," + x + "," + series.points[i + 1]);
            }
        return lines.join("\n") + "\n";
    }

    // The numbers of a grid: a row a cell, in which each series has its column.
    function gridCsv(chart) {
        const { rows, width, height } = chart.grid, values = chart.series.map(cells), step = chart.y.name;
        const lines = [[chart.x.name + " (" + chart.x.unit + ")", "first " + step, "last " + step, ...chart.series.map((series) => series.name)].join(",")];
        for (let i = 0; i < values[0].length; i++) {
            const from = chart.y.low + i % rows * height;
            lines.push([+(Math.floor(i / rows) * width).toPrecision(9), from, Math.min(from + height, chart.y.high) - 1,
                        ...values.map((value) => value[i])].join(","));
        }
        return lines.join("\n") + "\n";
    }

    function whenOpened(details, fill) {
        details.addEventListener("toggle", () => {
            if (details.open && !details.dataset.filled) { details.dataset.filled = "1"; fill(); }
        });
    }

    // --- pictures -------------------------------------------------------------------------------------------------------------------

    // Data as they are must rise in x, or Chart.js leaves out what it believes to be outside of the picture. What does not rise is parsed.
    const PARSED = { xAxisKey: "x", yAxisKey: "y" };

    // Up along the highest values and back along the lowest ones: a filled outline.
    function range(series, paint) {
        const points = pairs(series), there = [], back = [];
        for (let i = 0; i + 1 < points.length; i += 2) {
            const until = i + 2 < points.length ? points[i + 2].x : points[i].x;
            there.push({ x: points[i].x, y: points[i + 1].y }, { x: until, y: points[i + 1].y });
            back.push({ x: until, y: points[i].y }, { x: points[i].x, y: points[i].y });
        }
        back.reverse();
        for (let i = 0; i + 1 < back.length; i += 2) [back[i], back[i + 1]] = [back[i + 1], back[i]];
        return { label: series.name, type: "line", data: there.concat(back), borderWidth: 0, pointRadius: 0, pointHitRadius: 0, order: 2,
                 pointHoverRadius: 0, backgroundColor: paint + "33", fill: "shape", parsing: PARSED, stack: "r" + series.group };
    }

    // As thick as the rows leave room for.
    function spanWidth({ chart: view }) {
        const y = view.scales.y;
        return y && y.max > y.min ? Math.max(1.5, Math.min(0.75 * y.height / (y.max - y.min), 12)) : 3;
    }

    function dataset(chart, series, i) {
        const paint = seriesColor(series), areas = chart.kind === "areas", bars = chart.kind === "bars";
        const marks = series.draw === "marks", spans = series.draw === "spans", arcs = series.draw === "arcs", words = series.draw === "words";
        const faint = arcs && series.points.length > 200 || chart.labels && series.draw === "line" && series.points.length > 400;
        if (series.draw === "range") return range(series, paint);
        return {
            label: series.name, type: bars && !spans ? "bar" : marks ? "scatter" : "line", data: areas || words ? [] : pairs(series, chart.prefix),
            parsing: spans || arcs || marks ? PARSED : false, borderColor: marks ? "transparent" : faint ? paint + "80" : paint,
            backgroundColor: areas || bars ? paint + "cc" : marks && series.points.length > 800 ? paint + "80" : paint,
            stack: bars && !spans ? "all" : "s" + i, spanGaps: false, fill: areas ? (i ? "-1" : "origin") : false,
            borderWidth: areas || bars && !spans ? 0 : spans ? (bars ? 3 : spanWidth) : faint ? 1 : 1.6, borderCapStyle: "butt",
            stepped: series.draw === "steps" ? "before" : false, order: marks ? 0 : spans ? -i : 1, // later spans lie over earlier ones
            pointRadius: marks ? (series.points.length > 800 ? 1.8 : series.points.length > 2 ? 4 : 8) : 0, pointHitRadius: 6, pointHoverRadius: 4,
            pointStyle: SHAPES[i % 4], clip: marks ? 6 : 2, // a mark at the edge is whole
            borderDash: chart.kind === "plot" && series.draw === "line" && i % 2 && !chart.labels ? [6, 3] : [],
        };
    }

    // Words in the picture: a label at each point, its words below each other where there is little room.
    const words = (chart) => ({ id: "words", afterDatasetsDraw: (view) => {
        const { ctx, scales } = view;
        for (const series of chart.series.filter((series) => series.draw === "words")) {
            const points = pairs(series), room = scales.x.getPixelForValue(1) - scales.x.getPixelForValue(0) - 6;
            Object.assign(ctx, { fillStyle: color("--ink"), textAlign: "center", textBaseline: "middle", font: "11px " + Chart.defaults.font.family });
            // Neighbours in a row that do not fit next to each other stand at two heights.
            const crowded = points.every((point) => point.y === points[0].y) &&
                points.some((point) => point.label.split(" ").some((word) => ctx.measureText(word).width > room));
            for (const [i, point] of points.entries()) {
                const x = scales.x.getPixelForValue(point.x), y = scales.y.getPixelForValue(point.y) + (crowded ? (i % 2 ? -18 : 18) : 0);
                const lines = ctx.measureText(point.label).width > room ? point.label.split(" ") : [point.label];
                Object.assign(ctx, { lineWidth: 4, strokeStyle: color("--card") });
                lines.forEach((line, i) => {
                    ctx.strokeText(line, x, y + 12 * (i - (lines.length - 1) / 2));
                    ctx.fillText(line, x, y + 12 * (i - (lines.length - 1) / 2));
                });
            }
        }
    } });

    function scale(axis, chart, vertical) {
        const options = {
            type: axis.logarithmic ? "logarithmic" : "linear", title: { display: true, text: label(axis), color: color("--soft") },
            grid: { color: color("--grid"), borderColor: color("--line") }, bounds: vertical ? "ticks" : "data",
            ticks: { color: color("--soft"), maxRotation: 0, autoSkipPadding: 14, includeBounds: false, callback: short },
        };
        if (axis.logarithmic) {
            const own = chart.series.flatMap((series) => series.points.filter((_, i) => i % 2 === (vertical ? 1 : 0)));
            const ends = axis.low === undefined ? extent(own) : [axis.low, axis.high];
            // Powers of ten, with 2 and 5 between them; more digits where there is little more than one power.
            const digits = ends[1] / ends[0] > 12 ? [1, 2, 5] : ends[1] / ends[0] > 4 ? [1, 2, 3, 5, 7] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
            const digit = (value) => value / 10 ** Math.floor(Math.log10(value) + 1e-9);
            options.ticks.callback = (value) => digits.some((wanted) => Math.abs(digit(value) - wanted) < 1e-6) ? short(value) : null;
            options.min = ends[0] / 1.1;
            options.max = ends[1] * 1.1;
        }
        // From the first point to the last one, with round labels between them.
        if (!vertical && !axis.logarithmic && axis.low === undefined && chart.kind !== "bars") {
            const ends = extent(chart.series.flatMap((series) => series.points.filter((_, i) => i % 2 === 0)));
            const step = 10 ** Math.floor(Math.log10(ends[1] - ends[0])); // labels are counted from the low end
            const margin = chart.labels ? (ends[1] - ends[0]) / 50 : 0; // a point that is clicked is not cut in half
            if (ends[1] > ends[0]) [options.min, options.max] = [Math.floor(ends[0] / step) * step, ends[1] + margin];
        }
        if (axis.bare) {
            options.title.display = false;
            options.ticks.display = false;
            options.afterBuildTicks = (built) => { built.ticks = chart.categories.length ? [] : Array.from({ length: Math.ceil(axis.high) }, (_, value) => ({ value })); };
            options.grid.display = !vertical;
        }
        if (axis.low !== undefined && !axis.logarithmic) { options.min = axis.low; options.max = axis.high; }
        if (vertical && !axis.logarithmic && axis.low === undefined) options.beginAtZero = !hasSpans(chart);
        if (vertical && chart.kind !== "grid" && chart.series.every((series) => series.points.every((value, i) => i % 2 === 0 || Number.isInteger(value)))) options.ticks.precision = 0;
        if (vertical && chart.kind === "bars") options.stacked = true;
        if (!vertical && chart.kind === "bars")
            Object.assign(options, { type: "category", labels: chart.categories, stacked: true, ticks: { color: color("--soft") } });
        return options;
    }

    // --- grids: an image of a pixel a cell, laid between the axes -----------------------------------------------------------------------

    // Cells of a series, column after column: "7,0*3," is 7, 0, 0, 0.
    function cells(series) {
        const out = [];
        for (const word of series.cells.split(",").slice(0, -1)) {
            const [value, times] = word.split("*");
            for (let i = 0; i < +(times || 1); i++) out.push(+value);
        }
        return out;
    }

    // The mixture of the series' colors; of those that are hidden, the paper's.
    function gridImage(picture) {
        const { chart, hidden, values } = picture, rows = chart.grid.rows, columns = values[0].length / rows;
        const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
        const paints = chart.series.map((series, i) => rgb(hidden[i] ? color("--card") : seriesColor(series)));
        const image = make("canvas", null, undefined, { width: columns, height: rows });
        const context = image.getContext("2d"), pixels = context.createImageData(columns, rows);
        for (let i = 0; i < values[0].length; i++) {
            const all = values.reduce((sum, value) => sum + value[i], 0) || 1;
            const at = 4 * ((rows - 1 - i % rows) * columns + Math.floor(i / rows));
            for (let c = 0; c < 3; c++) pixels.data[at + c] = values.reduce((sum, value, s) => sum + value[i] * paints[s][c], 0) / all;
            pixels.data[at + 3] = 255;
        }
        context.putImageData(pixels, 0, 0);
        return image;
    }

    // Between the axes, whatever part of it they show, and a frame around the cell that is looked at.
    const gridPainter = (picture) => ({
        id: "grid",
        beforeDatasetsDraw(view) {
            const { x, y } = view.scales, { left, top, right, bottom } = view.chartArea, context = view.ctx, { grid, y: axis } = picture.chart;
            const box = (column, row, columns, rows) => {
                const from = x.getPixelForValue(column * grid.width), under = y.getPixelForValue(axis.low + row * grid.height);
                const over = y.getPixelForValue(axis.low + (row + rows) * grid.height);
                return [from, over, x.getPixelForValue((column + columns) * grid.width) - from, under - over];
            };
            context.save();
            context.beginPath();
            context.rect(left, top, right - left, bottom - top);
            context.clip();
            context.imageSmoothingEnabled = false;
            context.drawImage(picture.image, ...box(0, 0, picture.image.width, grid.rows));
            context.strokeStyle = color("--ink");
            if (picture.cell) context.strokeRect(...box(picture.cell[0], picture.cell[1], 1, 1));
            context.restore();
        },
    });

    // What the cell that is looked at holds, in words.
    function cellText(picture) {
        const { chart, values, cell } = picture, { rows, width, height } = chart.grid, from = chart.y.low + cell[1] * height;
        const counts = chart.series.map((series, i) => [series.name, values[i][cell[0] * rows + cell[1]]]).filter((pair) => pair[1] > 0);
        const to = Math.min(from + height, chart.y.high) - 1;
        return [chart.y.name + (to > from ? "s " + from + " to " + to : " " + from) + " at " + short(cell[0] * width) + " " + chart.x.unit,
                ...counts.map(([name, count]) => to > from ? name + ": " + count : name)];
    }

    // A cell is looked at by the pointer or by the arrow keys; the picture follows it out of what it shows.
    function looker(picture, figure) {
        const { chart, values, canvas } = picture, plot = canvas.parentNode, said = make("p", figure, undefined, { class: "said", role: "status" });
        const columns = values[0].length / chart.grid.rows, within = (value, most) => Math.max(0, Math.min(value, most - 1));
        const look = (column, row) => {
            picture.cell = [within(column, columns), within(row, chart.grid.rows)];
            const at = (picture.cell[0] + 0.5) * chart.grid.width;
            picture.view.data.datasets[0].data = [{ x: at, y: Math.min(chart.y.low + (picture.cell[1] + 0.5) * chart.grid.height, chart.y.high) }];
            const axis = picture.view.options.scales.x, out = at < axis.min ? at - axis.min : at > axis.max ? at - axis.max : 0;
            if (out) [axis.min, axis.max] = [axis.min + 1.2 * out, axis.max + 1.2 * out];
            picture.view.update("none");
        };
        canvas.addEventListener("pointermove", (event) => {
            const { x, y } = picture.view.scales;
            look(Math.floor(x.getValueForPixel(event.offsetX) / chart.grid.width),
                 Math.floor((y.getValueForPixel(event.offsetY) - chart.y.low) / chart.grid.height));
        });
        canvas.addEventListener("pointerleave", () => { picture.cell = null; picture.view.update("none"); });
        plot.addEventListener("keydown", (event) => {
            const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
            if (!by || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            const [column, row] = picture.cell || [Math.floor(columns / 2), Math.floor(chart.grid.rows / 2)];
            look(column + by[0], row + by[1]);
            picture.view.tooltip.setActiveElements([{ datasetIndex: 0, index: 0 }], { x: 0, y: 0 });
            picture.view.update("none");
            said.textContent = cellText(picture).join(", ");
        });
    }

    function options(picture) {
        const chart = picture.chart;
        return {
            animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: false,
            interaction: { mode: "nearest", intersect: false, axis: "xy" },
            scales: { x: scale(chart.x, chart, false), y: scale(chart.y, chart, true) },
            plugins: {
                legend: { display: false },
                tooltip: chart.kind === "grid" ? {
                    displayColors: false,
                    filter: () => picture.cell !== null, // nothing is looked at before the pointer is there
                    callbacks: { title: () => cellText(picture)[0], label: () => cellText(picture).slice(1) },
                } : {
                    callbacks: {
                        title: (items) => items.length && chart.categories.length ? items[0].label : "",
                        label: (item) => item.dataset.label + ": " + short(item.raw.value === undefined ? item.parsed.y : item.raw.value) + (chart.y.unit ? " " + chart.y.unit : "") +
                            (chart.categories.length ? "" : " at " + short(item.parsed.x) + (chart.x.unit ? " " + chart.x.unit : "")),
                        afterLabel: (item) => item.raw.label && item.raw.label.length < 80 ? item.raw.label : "",
                    },
                },
            },
        };
    }

    // Spans fill the height: the rows that have one in the time that is shown.
    function fitRows(picture) {
        const { view, chart } = picture, { x } = view.scales;
        let low = Infinity, high = -Infinity;
        for (const { points, draw } of chart.series)
            for (let i = 0; draw === "spans" && i + 3 < points.length; i += 4)
                if (points[i] <= x.max && points[i + 2] >= x.min) {
                    low = Math.min(low, points[i + 1]);
                    high = Math.max(high, points[i + 1]);
                }
        if (low > high) return;
        Object.assign(view.options.scales.y, { min: low - 1, max: high + 1 });
        view.update();
    }

    function draw(picture) {
        const { chart, hidden } = picture, stacked = chart.kind === "areas" ? areas(chart, hidden) : null;
        if (picture.view) picture.view.destroy();
        const grid = chart.kind === "grid"; // its only point is the cell that is looked at
        const sets = grid ? [{ type: "scatter", data: [], pointRadius: 0, pointHoverRadius: 0 }] : chart.series.map((series, i) =>
            Object.assign(dataset(chart, series, i), stacked ? { data: stacked[i] } : { hidden: hidden[i] }));
        if (grid) picture.image = gridImage(picture);
        picture.view = new Chart(picture.canvas, { data: { datasets: sets }, options: options(picture), plugins: [grid ? gridPainter(picture) : words(chart)] });
        picture.full = [picture.view.options.scales.x.min, picture.view.options.scales.x.max];
        if (hasSpans(chart)) fitRows(picture);
        for (const swatch of picture.figure.querySelectorAll("i[data-series]"))
            swatch.style.background = seriesColor(picture.chart.series[swatch.dataset.series]);
    }

    // A button a series, which hides it.
    function legend(picture, bar) {
        picture.chart.series.forEach((series, i) => {
            if (ranged(series) || series.draw === "words") return; // goes with the one before it
            const button = make("button", bar, undefined, { type: "button", "aria-pressed": "true" });
            make("i", button, undefined, { "data-series": i, class: series.draw === "marks" ? SHAPES[i % 4] : series.draw });
            button.append(series.name);
            button.onclick = () => {
                picture.hidden[i] = !picture.hidden[i];
                if (ranged(picture.chart.series[i + 1])) picture.hidden[i + 1] = picture.hidden[i];
                button.setAttribute("aria-pressed", String(!picture.hidden[i]));
                draw(picture);
            };
        });
    }

    // --- looking closer: + and -, left and right, by buttons, keys or dragging ---------------------------------------------------------

    function zoomer(picture, bar) {
        const axis = () => picture.view.scales.x;
        const set = (from, to) => {
            Object.assign(picture.view.options.scales.x, { min: from, max: to });
            picture.view.update();
            if (hasSpans(picture.chart)) fitRows(picture);
        };
        const scaleBy = (factor) => {
            const middle = (axis().min + axis().max) / 2, half = (axis().max - axis().min) / 2 * factor;
            set(middle - half, middle + half);
        };
        const move = (part) => { const by = (axis().max - axis().min) * part; set(axis().min + by, axis().max + by); };
        const acts = [["+", "closer", () => scaleBy(0.5)], ["\u2212", "farther", () => scaleBy(2)], ["\u2190", "left", () => move(-0.4)],
                      ["\u2192", "right", () => move(0.4)], ["all", "the whole", () => set(...picture.full)]];
        const box = make("span", bar, undefined, { class: "zoom" });
        for (const [text, name, act] of acts)
            make("button", box, text, { type: "button", "aria-label": name, title: name }).onclick = act;
        const keys = { "+": acts[0][2], "-": acts[1][2], Escape: acts[4][2] };
        if (!picture.values) Object.assign(keys, { ArrowLeft: acts[2][2], ArrowRight: acts[3][2] }); // in a grid they go from cell to cell
        picture.canvas.parentNode.addEventListener("keydown", (event) => {
            if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            keys[event.key]();
        });
        let start = null;
        picture.canvas.addEventListener("pointerdown", (event) => { start = event.offsetX; });
        picture.canvas.addEventListener("pointerup", (event) => {
            const ends = [start, event.offsetX].sort((a, b) => a - b).map((pixel) => axis().getValueForPixel(pixel));
            if (start !== null && Math.abs(event.offsetX - start) > 8) set(...ends);
            start = null;
        });
    }

    // --- what a point stands for: a click, or up and down and Enter ------------------------------------------------------------------------

    function teller(picture) {
        const { chart, figure, canvas } = picture, box = make("div", figure, undefined, { class: "told", "aria-live": "polite" });
        const say = (text) => {
            box.replaceChildren();
            make("pre", box, text, { class: "command" });
            const copy = make("button", box, "Copy", { type: "button" });
            copy.onclick = () => copyText(text, box.firstChild).then((done) => { copy.textContent = done ? "Copied" : "Marked: copy it"; });
        };
        make("p", box, "Click a point, or go up and down by keys and press Enter: its " + chart.labels + ".");
        const labelled = () => picture.view.data.datasets.flatMap((set, datasetIndex) => set.hidden ? [] : set.data.flatMap((point, index) =>
            point.label && (index === 0 || set.data[index - 1].label !== point.label) ? [{ datasetIndex, index, point }] : []))
            .sort((a, b) => a.point.x - b.point.x || a.point.y - b.point.y);
        const mark = (element) => {
            const { x, y } = picture.view.getDatasetMeta(element.datasetIndex).data[element.index];
            picture.view.setActiveElements([element]);
            picture.view.tooltip.setActiveElements([element], { x, y });
            picture.view.update();
        };
        let at = null; // the label, since hiding a series changes the numbers
        canvas.parentNode.addEventListener("keydown", (event) => {
            const step = { ArrowDown: 1, ArrowUp: -1, Enter: 0 }[event.key], all = labelled();
            if (step === undefined || all.length === 0) return;
            event.preventDefault();
            const first = all.findIndex((element) => element.datasetIndex === 0), old = all.findIndex((element) => element.point.label === at);
            const now = all[old < 0 ? Math.max(first, 0) : (old + step + all.length) % all.length];
            at = now.point.label;
            mark(now);
            if (step === 0) say(at);
        });
        canvas.addEventListener("click", (event) => {
            // What is under the pointer, the uppermost first, or what is nearest.
            const [near] = picture.view.getElementsAtEventForMode(event, "point", { intersect: true }, false).sort((a, b) => a.datasetIndex - b.datasetIndex)
                .concat(picture.view.getElementsAtEventForMode(event, "nearest", { intersect: false, axis: "xy" }, false));
            const point = near && picture.view.data.datasets[near.datasetIndex].data[near.index];
            if (point && point.label) { at = point.label; say(at); }
        });
    }

    // Pages of files have no clipboard in some browsers: then the text is marked for the reader's own copying.
    async function copyText(text, element) {
        try {
            await navigator.clipboard.writeText(text);
            return true;
        } catch (error) {
            getSelection().selectAllChildren(element);
            return document.execCommand("copy");
        }
    }

    // --- a map of two keys: a table, so that it is read out and printed as what it is -----------------------------------------------------

    function drawMap(chart, plot) {
        const values = chart.series.flatMap((series) => series.points.filter((_, i) => i % 2 === 1)).filter((value) => value !== null);
        const low = Math.min(...values), high = Math.max(...values);
        const table = make("table", plot), head = make("tr", make("thead", table)), body = make("tbody", table);
        plot.classList.add("map");
        plot.setAttribute("role", "region");
        make("th", head, chart.y.name + (chart.y.unit ? " (" + chart.y.unit + ")" : "") + " by " + chart.x.name, { scope: "col" });
        for (const name of chart.categories) make("th", head, name, { scope: "col" });
        for (const series of chart.series) {
            const row = make("tr", body), cells = new Array(chart.categories.length).fill(null);
            make("th", row, series.name, { scope: "row" });
            for (let i = 0; i + 1 < series.points.length; i += 2) cells[series.points[i]] = series.points[i + 1];
            for (const value of cells) {
                const cell = make("td", row, value === null ? "" : short(value));
                const part = value === null ? 0 : high > low ? (value - low) / (high - low) : 0;
                cell.style.background = "color-mix(in srgb, var(--c0) " + Math.round(5 + 45 * part) + "%, var(--card))";
            }
        }
    }

    // --- the page -------------------------------------------------------------------------------------------------------------------

    function show(figure) {
        const chart = data.charts[figure.dataset.chart], plot = figure.querySelector(".plot");
        if (chart.kind === "heat") drawMap(chart, plot);
        else {
            const picture = { chart, figure, canvas: make("canvas", plot), view: null, hidden: [], cell: null };
            if (chart.kind === "grid") {
                picture.values = chart.series.map(cells);
                plot.classList.add("wide");
                looker(picture, figure);
            }
            const small = figure.closest(".panel") !== null; // colors are told once, above all of them
            const bar = small ? null : make("div", figure, undefined, { class: "bar" });
            if (hasSpans(chart) && chart.series.some((series) => series.points.length > 200)) plot.classList.add("tall");
            if (chart.x.bare) plot.classList.add("wide");
            if (!small && chart.series.filter((series) => !ranged(series)).length > 1) legend(picture, bar);
            if (!small && chart.kind !== "bars" && !chart.x.logarithmic && !chart.x.bare) zoomer(picture, bar);
            if (chart.labels) teller(picture);
            drawn.push(picture);
            draw(picture);
        }
        const details = make("details", figure);
        make("summary", details, "The numbers");
        whenOpened(details, () => fillTable(details, chart.key, chart.kind === "grid" ? gridCsv(chart) : chartCsv(chart)));
    }

    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    document.querySelectorAll("figure[data-chart]").forEach(show);
    for (const details of document.querySelectorAll("details[data-table]")) {
        const table = data.tables[details.dataset.table];
        whenOpened(details, () => fillTable(details, table.key, table.csv));
    }

    const redraw = () => drawn.forEach(draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    // Ink on paper, whatever the screen is like.
    addEventListener("beforeprint", () => {
        document.documentElement.dataset.printing = "1";
        redraw();
        drawn.forEach((picture) => picture.view.resize());
    });
    addEventListener("afterprint", () => { delete document.documentElement.dataset.printing; redraw(); });
    window.pagesim = { data, drawn }; // for the tests
})();
