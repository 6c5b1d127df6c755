// Behaviour shared by all pages: CSRF for htmx, local times, repeated rows, scrolling tables by keyboard.
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

document.addEventListener("DOMContentLoaded", () => {
  // The shell's script expects its own markup around every file input and fails on ours; it skips marked ones.
  for (const input of document.querySelectorAll("input[type=file]")) input.hasChangeListener = true;
  showLocalTimes(document);
  letTablesScroll(document);
  document.querySelectorAll("[data-rows]").forEach(prepareRows);
});
document.addEventListener("htmx:load", (event) => {
  showLocalTimes(event.detail.elt);
  letTablesScroll(event.detail.elt);
});
