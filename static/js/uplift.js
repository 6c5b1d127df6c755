// Behaviour shared by all pages: CSRF for htmx, local times, repeated rows, sliders, scrolling tables by keyboard.
"use strict";

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  if (token) event.detail.headers["X-CSRFToken"] = token[1];
});

function showLocalTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
  });
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = format.format(new Date(time.getAttribute("datetime")));
  }
}

function letTablesScroll(root) {
  for (const box of root.querySelectorAll(".up-scroll")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
}

// A slider beside a number: around data-base, by factors of ten or in equal steps.
function addSliders(root) {
  for (const input of root.querySelectorAll("input[data-slider]:not([data-ready])")) {
    input.dataset.ready = "";
    const base = Number(input.dataset.base), linear = input.dataset.slider === "linear";
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: -100, max: 100, step: 1 });
    slider.setAttribute("aria-label", `${input.labels[0]?.textContent.trim()}, slider`);
    const place = () => {
      const now = Number(input.value);
      slider.value = linear ? 20 * now / base : 100 * Math.log10(Math.max(now, base / 10) / base);
    };
    slider.addEventListener("input", () => {
      const value = linear ? slider.value / 20 * base : base * 10 ** (slider.value / 100);
      input.value = Number(value.toPrecision(3));
    });
    input.addEventListener("input", place);
    place();
    input.after(slider);
  }
}

function showOptions(row) {
  const type = row.querySelector("select[name$='-type']");
  row.querySelector("[data-options]").hidden = !type.value.includes("enum");
}

function prepareRows(fieldset) {
  const total = fieldset.querySelector("input[name$='-TOTAL_FORMS']");
  const list = fieldset.querySelector("[data-rows-list]");
  for (const row of list.querySelectorAll("[data-row]")) showOptions(row);
  fieldset.querySelector("[data-rows-add]").addEventListener("click", () => {
    const html = fieldset.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
    total.value = Number(total.value) + 1;
    list.insertAdjacentHTML("beforeend", html);
    showOptions(list.lastElementChild);
    list.lastElementChild.querySelector("input").focus();
  });
  fieldset.addEventListener("change", (event) => {
    if (event.target.name.endsWith("-type")) showOptions(event.target.closest("[data-row]"));
  });
  fieldset.addEventListener("click", (event) => {
    if (!event.target.matches("[data-row-remove]")) return;
    const row = event.target.closest("[data-row]");
    row.querySelector("input[name$='-DELETE']").checked = true;
    row.hidden = true;
  });
}

function showStep(step) {
  const chosen = step.querySelector("select[name$='-module']").value;
  for (const part of step.querySelectorAll("[data-only-for]")) {
    part.hidden = !part.dataset.onlyFor.split(" ").includes(chosen);
  }
}

// With one step there is nothing to name or to wire: it reads all inputs.
function numberSteps(steps) {
  const shown = [...steps.querySelectorAll("[data-step]")].filter((step) => !step.hidden);
  shown.forEach((step, index) => {
    step.querySelector("[data-step-number]").textContent = shown.length > 1 ? String(index + 1) : "";
    for (const part of step.querySelectorAll("[data-step-only-many]")) part.hidden = shown.length < 2;
  });
}

function prepareSteps(steps) {
  const total = steps.querySelector("input[name='steps-TOTAL']");
  const list = steps.querySelector("[data-steps-list]");
  list.querySelectorAll("[data-step]").forEach(showStep);
  numberSteps(list);
  steps.querySelector("[data-step-add]").addEventListener("click", () => {
    const number = total.value;
    const html = steps.querySelector("[data-step-template]").innerHTML.replaceAll("__step__", number);
    total.value = Number(number) + 1;
    list.insertAdjacentHTML("beforeend", html);
    const step = list.lastElementChild;
    step.querySelector("input[name$='-name']").value = `step${total.value}`;
    step.querySelectorAll("[data-rows]").forEach(prepareRows);
    showStep(step);
    numberSteps(list);
    step.querySelector("select").focus();
  });
  list.addEventListener("change", (event) => {
    if (event.target.name.endsWith("-module")) showStep(event.target.closest("[data-step]"));
  });
  list.addEventListener("click", (event) => {
    if (!event.target.matches("[data-step-remove]")) return;
    const step = event.target.closest("[data-step]");
    step.querySelector("input[name$='-DELETE']").checked = true;
    step.hidden = true;
    numberSteps(list);
  });
}

/* A key does what the control marked with it does, unless someone is typing. */
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), textarea, select")) return;
  const marked = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (marked) {
    event.preventDefault();
    marked.click();
  }
});
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-check-all]")) return;
  for (const box of event.target.closest("form").querySelectorAll("input[type=checkbox][name=item]")) box.checked = event.target.checked;
});

document.addEventListener("DOMContentLoaded", () => {
  // The shell's script expects its own markup around every file input and fails on ours; it skips marked ones.
  for (const input of document.querySelectorAll("input[type=file]")) input.hasChangeListener = true;
  showLocalTimes(document);
  letTablesScroll(document);
  addSliders(document);
  document.querySelectorAll("[data-rows]").forEach(prepareRows);
  document.querySelectorAll("[data-steps]").forEach(prepareSteps);
});
document.addEventListener("htmx:load", (event) => {
  showLocalTimes(event.detail.elt);
  letTablesScroll(event.detail.elt);
  addSliders(event.detail.elt);
});
