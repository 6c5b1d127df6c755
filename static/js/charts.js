// Draws every [data-chart] from the JSON script of the same id, in the colours of the present theme.
"use strict";

const ROLES = {
  $before: "--up-before", $after: "--up-after", $muted: "--up-muted", $good: "--up-good", $bad: "--up-bad",
  $accent: "--up-ink",
};

function themed(value, style) {
  if (typeof value === "string") return ROLES[value] ? style.getPropertyValue(ROLES[value]).trim() : value;
  if (Array.isArray(value)) return value.map((item) => themed(item, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]));
  }
  return value;
}

function axisOf(own, shared) {
  const title = own && own.title ? { ...own.title, font: { size: 12.5 } } : undefined;
  return { ...shared, ...own, title };
}

function draw(target) {
  const source = document.getElementById(target.dataset.chart);
  if (!source || !window.Plotly) return;
  const style = getComputedStyle(document.getElementById("up-main"));
  const figure = themed(JSON.parse(source.textContent), style);
  const axis = {
    gridcolor: style.getPropertyValue("--up-line").trim(), zerolinecolor: style.getPropertyValue("--up-line").trim(),
    linecolor: style.getPropertyValue("--up-line").trim(), automargin: true, fixedrange: true, tickfont: { size: 12 },
  };
  const layout = {
    ...figure.layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "Inter, sans-serif", size: 13, color: style.getPropertyValue("--up-ink").trim() },
    xaxis: axisOf(figure.layout.xaxis, axis), yaxis: axisOf(figure.layout.yaxis, axis),
  };
  target.style.minHeight = `${layout.height}px`;
  Plotly.react(target, figure.data, layout, figure.config);
}

function drawAll(root) {
  root.querySelectorAll("[data-chart]").forEach(draw);
}

document.addEventListener("DOMContentLoaded", () => drawAll(document));
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
new MutationObserver(() => drawAll(document)).observe(document.documentElement, { attributeFilter: ["class"] });
