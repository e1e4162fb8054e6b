// The lists of the main page: kept as things are, and worked. The service makes the rows; what
// somebody is just using in one is left alone.

import { Refused, request } from "./api.js";
import { tellMoments } from "./time.js";

const LISTS = ["launches", "failed", "servers", "shared", "projects"];
const LASTING = ["running", "stopped"];
// Milliseconds between two looks: at what was just asked for, while anything moves, otherwise.
const EAGER = 700;
const MOVING = 3000;
const STILL = 30000;

const root = document.getElementById("lists");
const token = root.dataset.xsrf;
const status = document.getElementById("servers-status");
const dialog = document.getElementById("delete-dialog");
// Rows as the service made them, and those whose button was pressed a moment ago.
const made = new WeakMap();
const working = new Set();

let timer = 0;

// ---- rows --------------------------------------------------------------------------------

function isShown(part) {
  return !part.closest("[hidden]");
}

function setState(row, state) {
  const words = row.querySelector("[data-state-text]");
  if (!words || row.dataset.state === state) return;
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  row.dataset.state = state;
  words.textContent = state;
  for (const part of row.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
  }
  status.textContent = `${row.dataset.title}: ${state}`;
  if (focused && (focused === row || !isShown(focused))) keepFocus(row);
}

// A button that goes takes the keyboard's place on the page with it.
function keepFocus(row) {
  const buttons = [...row.querySelectorAll(".binder-row-actions :is(a, button)")];
  row.tabIndex = -1;
  (buttons.find(isShown) ?? row).focus();
}

function isUsed(row) {
  return row.contains(document.activeElement) || row.querySelector("details[open]") !== null;
}

function merge(list, fresh) {
  const left = new Map([...list.children].map((row) => [row.id, row]));
  [...fresh.children].forEach((row, index) => {
    const html = row.outerHTML;
    const old = left.get(row.id);
    left.delete(row.id);
    if (old && (isUsed(old) || working.has(old))) return setState(old, row.dataset.state);
    if (old && made.get(old) === html) return undefined;
    made.set(row, html);
    tellMoments(row);
    return old ? old.replaceWith(row) : list.insertBefore(row, list.children[index] ?? null);
  });
  for (const row of left.values()) if (working.has(row) || !isUsed(row)) row.remove();
}

// ---- looking -----------------------------------------------------------------------------

async function refresh() {
  const answer = await request(root.dataset.url, token);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of LISTS) {
    const fresh = page.getElementById(id);
    const list = document.getElementById(id);
    const { hidden } = fresh.closest("section");
    merge(list, fresh);
    list.closest("section").hidden = hidden && list.children.length === 0;
  }
  showEmpty();
}

function showEmpty() {
  const servers = document.getElementById("servers");
  document.getElementById("no-servers").hidden = servers.children.length > 0;
}

async function look() {
  clearTimeout(timer);
  // What is not reached now is asked again.
  await refresh().catch(() => undefined);
  later();
}

function later() {
  clearTimeout(timer);
  if (document.hidden) return;
  const moves = root.querySelector("[data-state=starting], [data-state=stopping]");
  timer = setTimeout(look, moves ? MOVING : STILL);
}

document.addEventListener("visibilitychange", () => (document.hidden ? later() : look()));
addEventListener("pageshow", (event) => event.persisted && look());

// ---- buttons -----------------------------------------------------------------------------

function trouble(row, error) {
  let words = row.querySelector(".binder-row-trouble");
  if (!words) {
    words = document.createElement("p");
    words.className = "binder-row-trouble";
    words.setAttribute("role", "alert");
    row.append(words);
  }
  words.textContent =
    error instanceof Refused ? error.message : "The service was not reached. Try again.";
}

// Follow a server until it is in a state that lasts.
async function settle(row) {
  do {
    await new Promise((resolve) => setTimeout(resolve, EAGER));
    await refresh();
  } while (row.isConnected && !LASTING.includes(row.dataset.state));
}

async function stop(row, url) {
  const before = row.dataset.state;
  working.add(row);
  setState(row, "stopping");
  try {
    await request(url, token, { method: "POST" });
    await settle(row);
  } catch (error) {
    setState(row, before);
    trouble(row, error);
  } finally {
    working.delete(row);
  }
}

function sure(row) {
  dialog.querySelector("[data-name]").textContent = row.dataset.title;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"), {
      once: true,
    });
  });
}

async function remove(row, url, method) {
  try {
    await request(url, token, { method });
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const list = row.parentElement;
    status.textContent = `${row.dataset.title}: gone from this list`;
    row.remove();
    list.closest("section").hidden = !next && list.id !== "servers";
    if (next) keepFocus(next);
    else document.getElementById("main").focus();
    showEmpty();
  } catch (error) {
    trouble(row, error);
  }
}

root.addEventListener("submit", (event) => {
  const row = event.target.closest(".binder-row");
  const { action } = event.target.dataset;
  if (action !== "stop" && action !== "dismiss") return;
  event.preventDefault();
  if (action === "stop") stop(row, event.target.action);
  else remove(row, event.target.action, "POST");
});
root.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-action=delete]");
  const row = button?.closest(".binder-row");
  if (button && (await sure(row))) remove(row, button.dataset.url, "DELETE");
});
later();
