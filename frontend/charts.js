// Charts of the pages that have some. Draws every element with [data-chart] from the JSON beside it, draws again what
// htmx swaps in, follows size, language and colour scheme of the page. The JSON is one of two things:
//
//   {"kind": "bar" | "line" | "area" | "pie" | "funnel" | "heatmap",
//    "categories": ["Mon", …],                    x axis, or the names of slices and funnel steps
//    "series": [{"name": "Visits", "values": [3, …], "tone": "success", "kind": "line", "stack": "all"}],
//    "rows": ["Hall 1", …]                        heatmap: y axis; its values are [column, row, value]
//    "format": "number" | "percent" | "money", "currency": "CNY", "unit": "m²",
//    "horizontal": true, "stacked": true, "label": "what the chart shows, for screen readers"}
//
// or an ECharts option ({"series": […], "xAxis": …} without "kind"), which gets the same theme. Values of null leave a gap.
//
// Canvas and rich-text tooltips: the SVG renderer and HTML tooltips write style attributes, which our
// Content-Security-Policy refuses.
import { BarChart, FunnelChart, HeatmapChart, LineChart, PieChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([
  BarChart,
  FunnelChart,
  HeatmapChart,
  LineChart,
  PieChart,
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
  CanvasRenderer,
]);

// Told apart with every kind of colour vision, 3:1 or better on white.
const PALETTE = ["#1f6feb", "#c2410c", "#0f766e", "#7c3aed", "#a16207", "#be185d", "#475569", "#15803d"];
// The same order, light enough for the dark ground of a wall screen.
const PALETTE_ON_DARK = ["#6ea8ff", "#ff9a5c", "#2dd4bf", "#c4a5ff", "#f0c14b", "#ff8fbe", "#b6c4dc", "#6fdc98"];
const TONES = {
  neutral: "#64748b",
  info: "#1f6feb",
  progress: "#7c3aed",
  success: "#15803d",
  warning: "#a16207",
  danger: "#b91c1c",
};
const FONT = '"Noto Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif';
const HEIGHT = "18rem";

const drawn = new Map(); // element → {chart, text, host}
const still = matchMedia("(prefers-reduced-motion: reduce)");
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const entry = drawn.get(target);
    if (entry && target.clientWidth && target.clientHeight) entry.chart.resize();
  }
});

function specText(element) {
  const named = element.dataset.chart ? document.getElementById(element.dataset.chart) : null;
  const sibling = element.nextElementSibling;
  const script =
    named ??
    element.querySelector('script[type="application/json"]') ??
    (sibling?.matches('script[type="application/json"]') ? sibling : null);
  return script?.textContent.trim() ?? "";
}

function draw(element) {
  const text = specText(element);
  const known = drawn.get(element);
  if (!text || (known?.text === text && known.host.isConnected)) return;
  if (known && !known.host.isConnected) forget(element);
  let spec;
  try {
    spec = JSON.parse(text);
  } catch {
    return; // a half-swapped element; the next change draws it
  }
  const entry = drawn.get(element) ?? start(element);
  entry.text = text;
  entry.chart.setOption(optionFrom(spec, element), { notMerge: true });
}

function start(element) {
  // Own host: ECharts empties the element that it draws in, and the JSON must stay.
  const host = document.createElement("div");
  element.append(host);
  if (element.dataset.height) element.style.height = `${Number.parseInt(element.dataset.height, 10)}px`;
  else if (element.clientHeight < 40) element.style.height = HEIGHT;
  host.style.width = "100%";
  host.style.height = "100%";
  const language = document.documentElement.lang.startsWith("zh") ? "ZH" : "EN";
  const entry = { chart: init(host, null, { renderer: "canvas", locale: language }), host, text: "" };
  drawn.set(element, entry);
  sizes.observe(element);
  return entry;
}

function forget(element) {
  const entry = drawn.get(element);
  sizes.unobserve(element);
  entry.chart.dispose();
  entry.host.remove();
  drawn.delete(element);
}

function scan() {
  for (const element of [...drawn.keys()]) if (!element.isConnected) forget(element);
  for (const element of document.querySelectorAll("[data-chart]")) draw(element);
}

function redraw() {
  for (const element of [...drawn.keys()]) {
    drawn.get(element).text = "";
    draw(element);
  }
}

// --- from our short description to an ECharts option ------------------------------------------------------------------

function optionFrom(spec, element) {
  const look = { ...theme(), width: element.clientWidth };
  const own = spec.kind ? described(spec, look) : { ...spec };
  return {
    color: look.dark ? PALETTE_ON_DARK : PALETTE,
    backgroundColor: "transparent",
    animation: !still.matches,
    animationDuration: 300,
    textStyle: { fontFamily: FONT, color: look.text },
    ...own,
    tooltip: { confine: true, ...own.tooltip, renderMode: "richText" },
    aria: ariaOf(spec, element),
  };
}

// What a screen reader hears: the page's own words when the element has a label, else the chart describes its numbers.
function ariaOf(spec, element) {
  if (element.hasAttribute("aria-label")) return { enabled: false };
  return { enabled: true, label: spec.label ? { description: spec.label } : {} };
}

// The kit's colours, which are functions (light-dark(), color-mix()) that a chart cannot read: one pixel painted with
// each of them says what it is here and now.
function theme() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const pixel = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const pick = (name, fallback) => {
    probe.style.color = `var(${name}, ${fallback})`;
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = getComputedStyle(probe).color;
    pixel.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pixel.getImageData(0, 0, 1, 1).data;
    return `rgba(${red},${green},${blue},${(alpha / 255).toFixed(3)})`;
  };
  const colours = {
    text: pick("--tblr-body-color", "#1f2937"),
    muted: pick("--tblr-secondary-color", "#4b5563"),
    line: pick("--tblr-border-color", "#dce1e7"),
    surface: pick("--tblr-bg-surface", "#ffffff"),
  };
  probe.remove();
  const [red, green, blue] = colours.text.match(/\d+/g).map(Number);
  return { ...colours, dark: red + green + blue > 500 };
}

function described(spec, look) {
  const format = formatter(spec);
  if (spec.kind === "pie") return pie(spec, look, format);
  if (spec.kind === "funnel") return funnel(spec, look, format);
  if (spec.kind === "heatmap") return heatmap(spec, look, format);
  return cartesian(spec, look, format);
}

function formatter({ format = "number", currency = "CNY", unit = "", digits }) {
  const language = document.documentElement.lang || "en";
  const options = { maximumFractionDigits: digits ?? (format === "percent" ? 1 : 2) };
  if (format === "percent") options.style = "percent";
  if (format === "money") Object.assign(options, { style: "currency", currency, currencyDisplay: "narrowSymbol", maximumFractionDigits: digits ?? 0 });
  const full = new Intl.NumberFormat(language, options);
  const short = new Intl.NumberFormat(language, { ...options, notation: "compact", maximumFractionDigits: 1 });
  const after = unit ? ` ${unit}` : "";
  return {
    full: (value) => (value === null || value === undefined || Number.isNaN(value) ? "–" : full.format(value) + after),
    short: (value) => (format === "percent" ? full : short).format(value),
  };
}

function legend(names, look) {
  return { show: names.length > 1, type: "plain", bottom: 0, textStyle: { color: look.text }, itemWidth: 14, itemHeight: 10 };
}

// How many rows the names take below the chart; Chinese signs are twice as wide as letters.
function legendRows(series, { width }) {
  const wide = series.reduce((sum, { name }) => sum + 40 + [...name].reduce((own, sign) => own + (sign > "\u2e80" ? 13 : 7), 0), 0);
  return Math.max(1, Math.ceil(wide / Math.max(200, width - 24)));
}

function cartesian(spec, look, format) {
  const series = spec.series.map((one) => {
    const kind = one.kind ?? spec.kind;
    return {
      name: one.name,
      type: kind === "bar" ? "bar" : "line",
      data: one.values,
      stack: one.stack ?? (spec.stacked ? "all" : undefined),
      barMaxWidth: 36,
      symbolSize: 6,
      showSymbol: one.values.length <= 40,
      areaStyle: kind === "area" ? { opacity: 0.15 } : undefined,
      itemStyle: one.tone ? { color: look.dark && one.tone === "neutral" ? look.text : TONES[one.tone] } : undefined,
      lineStyle: kind === "bar" ? undefined : { width: 2, type: one.dashed ? "dashed" : "solid" },
    };
  });
  const category = {
    type: "category",
    data: spec.categories,
    inverse: Boolean(spec.horizontal),
    axisTick: { show: false },
    axisLine: { lineStyle: { color: look.line } },
    axisLabel: { color: look.muted, hideOverlap: true, width: spec.horizontal ? 160 : undefined, overflow: "truncate" },
  };
  const value = {
    type: "value",
    axisLabel: { color: look.muted, formatter: format.short, hideOverlap: true },
    splitLine: { lineStyle: { color: look.line } },
    max: spec.max,
    minInterval: spec.format === "number" || !spec.format ? (spec.digits ? undefined : 1) : undefined,
  };
  return {
    grid: { left: 8, right: 16, top: 16, bottom: series.length > 1 ? 12 + 24 * legendRows(series, look) : 8, containLabel: true },
    legend: legend(series, look),
    tooltip: { trigger: "axis", axisPointer: { type: spec.kind === "bar" ? "shadow" : "line" }, valueFormatter: format.full },
    xAxis: spec.horizontal ? value : category,
    yAxis: spec.horizontal ? category : value,
    series,
  };
}

function slices(spec) {
  const [first] = spec.series;
  return spec.categories.map((name, index) => ({
    name,
    value: first.values[index],
    itemStyle: first.tones?.[index] ? { color: TONES[first.tones[index]] } : undefined,
  }));
}

function pie(spec, look, format) {
  return {
    legend: legend(spec.categories, look),
    tooltip: { trigger: "item", valueFormatter: format.full },
    series: [
      {
        type: "pie",
        name: spec.series[0].name,
        radius: ["45%", "70%"],
        center: ["50%", "44%"],
        data: slices(spec),
        itemStyle: { borderColor: look.surface, borderWidth: 2 },
        label: { color: look.text, formatter: "{b} {d}%" },
      },
    ],
  };
}

function funnel(spec, look, format) {
  return {
    tooltip: { trigger: "item", valueFormatter: format.full },
    series: [
      {
        type: "funnel",
        name: spec.series[0].name,
        left: 8,
        right: 8,
        top: 8,
        bottom: 8,
        sort: "none", // the order of the steps says something, whatever their size
        minSize: "12%",
        gap: 2,
        data: slices(spec),
        color: [PALETTE[0]], // steps of one thing, not different things
        label: { position: "inside", color: "#ffffff", formatter: ({ name, value }) => `${name}  ${format.full(value)}` },
        labelLayout: { hideOverlap: true },
      },
    ],
  };
}

function heatmap(spec, look, format) {
  const values = spec.series[0].values;
  const numbers = values.map((cell) => cell[2]).filter((number) => number !== null);
  const axis = { type: "category", axisTick: { show: false }, axisLabel: { color: look.muted, hideOverlap: true }, splitArea: { show: true } };
  return {
    grid: { left: 8, right: 16, top: 8, bottom: 44, containLabel: true },
    tooltip: {
      formatter: ({ data: [column, row, value] }) => `${spec.rows[row]} · ${spec.categories[column]}\n${format.full(value)}`,
    },
    xAxis: { ...axis, data: spec.categories },
    yAxis: { ...axis, data: spec.rows, inverse: true },
    visualMap: {
      min: Math.min(0, ...numbers),
      max: spec.max ?? Math.max(1, ...numbers),
      calculable: false,
      orient: "horizontal",
      left: "center",
      bottom: 0,
      itemHeight: 120,
      itemWidth: 12,
      textStyle: { color: look.muted },
      formatter: format.short,
      inRange: { color: ["#eef4ff", "#9ec1ff", "#1f6feb", "#0b3a8f"] },
    },
    series: [{ type: "heatmap", name: spec.series[0].name, data: values, itemStyle: { borderColor: look.surface, borderWidth: 1 } }],
  };
}

scan();
new MutationObserver(scan).observe(document.body, { childList: true, subtree: true });
// The colour scheme changes by attribute (Tabler) or by the system.
new MutationObserver(redraw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme", "lang"] });
