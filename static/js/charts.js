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

// Times with a zone are shown in the reader's own; days without one stay as they are.
const ZONED = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/;

function localTimes(value) {
  if (typeof value === "string" && ZONED.test(value)) {
    const moment = new Date(value);
    return new Date(moment.getTime() - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
  }
  if (Array.isArray(value)) return value.map(localTimes);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, localTimes(item)]));
  }
  return value;
}

function addPicture(target) {
  if (target.parentElement.querySelector("[data-picture]")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "up-picture";
  button.dataset.picture = "";
  button.textContent = "PNG";
  button.setAttribute("aria-label", "Save this chart as a PNG picture");
  button.addEventListener("click", () => Plotly.downloadImage(target, {
    format: "png", scale: 2, width: target.clientWidth, height: target.clientHeight, filename: target.dataset.chart,
  }));
  target.after(button);
}

function axisOf(own, shared) {
  const title = own && own.title ? { ...own.title, font: { size: 12.5 } } : undefined;
  return { ...shared, ...own, title };
}

function draw(target) {
  const source = document.getElementById(target.dataset.chart);
  if (!source || !window.Plotly) return;
  const style = getComputedStyle(document.getElementById("up-main"));
  const figure = localTimes(themed(JSON.parse(source.textContent), style));
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
  addPicture(target);
}

function drawAll(root) {
  root.querySelectorAll("[data-chart]").forEach(draw);
}

document.addEventListener("DOMContentLoaded", () => drawAll(document));
document.addEventListener("htmx:load", (event) => drawAll(event.detail.elt));
new MutationObserver(() => drawAll(document)).observe(document.documentElement, { attributeFilter: ["class"] });
