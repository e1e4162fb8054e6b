// The lists of the main page: kept as things are, and worked. The service makes the rows; what
// somebody is just using in one is left alone.

import { Refused, request } from "./api.js";
import { close } from "./menu.js";
import { follow } from "./stream.js";
import { tellMoments } from "./time.js";
import { _ } from "./words.js";

const LISTS = ["launches", "failed", "work", "shared"];
// Where in the list of all work one is.
const PLACES = ["work-total", "work-pages"];
const STATES = {
  running: _("running"),
  starting: _("starting"),
  stopping: _("stopping"),
  stopped: _("stopped"),
  failed: _("failed"),
};
const LASTING = ["running", "stopped"];
// Milliseconds before a look: after news, and between two: at what was just asked for, while anything
// moves, otherwise.
const AFTER_NEWS = 200;
const EAGER = 700;
const MOVING = 3000;
const STILL = 30000;

const root = document.getElementById("lists");
const token = root.dataset.xsrf;
const status = document.getElementById("work-status");
const dialog = document.getElementById("delete-dialog");
// Rows as the service made them, and those whose button was pressed a moment ago.
const made = new WeakMap();
const working = new Set();

let timer = 0;
let hearing = new AbortController();

// ---- rows --------------------------------------------------------------------------------

function isShown(part) {
  return !part.closest("[hidden]");
}

function setState(row, state) {
  const words = row.querySelector("[data-state-text]");
  if (!words || row.dataset.state === state) return;
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  row.dataset.state = state;
  words.textContent = STATES[state] ?? state;
  for (const part of row.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
  }
  status.textContent = `${row.dataset.title}: ${words.textContent}`;
  if (focused && (focused === row || !isShown(focused))) keepFocus(row);
}

// A button that goes takes the keyboard's place on the page with it.
function keepFocus(row) {
  const buttons = [...row.querySelectorAll("[data-main], .binder-menu > summary")];
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
  document.getElementById("work-search").hidden = page.getElementById("work-search").hidden;
  for (const id of PLACES) renew(document.getElementById(id), page.getElementById(id));
  showEmpty();
}

function renew(old, fresh) {
  if (!old.contains(document.activeElement) && !old.isEqualNode(fresh)) old.replaceWith(fresh);
}

function showEmpty() {
  const work = document.getElementById("work");
  document.getElementById("no-work").hidden = work.children.length > 0;
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

// The service says when something of this person's has changed, wherever that was done. A page
// nobody sees keeps no connection: browsers have six for all pages of a hub together.
async function hear() {
  hearing.abort();
  hearing = new AbortController();
  try {
    const told = follow(root.dataset.events, token, () => false, hearing.signal);
    for await (const { event } of told) {
      if (!event) continue;
      clearTimeout(timer);
      timer = setTimeout(look, AFTER_NEWS);
    }
  } catch {
    // Refused: the looks go on, and the first says why.
  }
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    hearing.abort();
    later();
  } else {
    look();
    hear();
  }
});
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
    error instanceof Refused ? error.message : _("The service was not reached. Try again.");
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
    status.textContent = _("{title}: gone from this list", { title: row.dataset.title });
    row.remove();
    list.closest("section").hidden = !next && list.id !== "work";
    if (next) keepFocus(next);
    else document.getElementById("main").focus();
    showEmpty();
  } catch (error) {
    trouble(row, error);
  }
}

root.addEventListener("submit", (event) => {
  const row = event.target.closest(".binder-row");
  const { action } = event.submitter.dataset;
  if (action !== "stop" && action !== "dismiss") return;
  event.preventDefault();
  if (action === "stop") {
    close(row.querySelector(".binder-menu"));
    stop(row, event.submitter.formAction);
  }
  if (action === "dismiss") remove(row, event.submitter.formAction, "POST");
});
root.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-action=delete]");
  if (!button) return;
  const row = button.closest(".binder-row");
  close(button.closest(".binder-menu"));
  if (await sure(row)) remove(row, button.dataset.url, "DELETE");
});
later();
hear();
