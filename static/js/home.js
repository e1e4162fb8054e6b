// The main page: says what a paste means while it is typed, and works the list of servers.

import "./copy.js";
import "./share.js";
import "./time.js";
import { Refused, requestJson } from "./api.js";

const form = document.getElementById("launch-form");
const token = form.elements._xsrf.value;
const understood = document.getElementById("understood");

// ---- what the paste means ----------------------------------------------------------------

const FIELDS = { ref: "default", filepath: "notebooks/index.ipynb" };
const QUIET = 250;

let asked = 0;
let timer = 0;

function fact(label, value) {
  const item = document.createElement("span");
  item.className = "binder-fact";
  const name = document.createElement("span");
  name.className = "binder-fact-label";
  name.textContent = label;
  const text = document.createElement("strong");
  text.textContent = value;
  item.append(name, " ", text);
  return item;
}

function sentence(words) {
  const item = document.createElement("span");
  item.className = "binder-guess";
  item.textContent = words;
  return item;
}

function tell(parsed) {
  const facts = [fact(parsed.provider_name, nameOf(parsed))];
  const ref = form.elements.ref.value || parsed.ref;
  if (ref && ref !== "HEAD") facts.push(fact("at", ref));
  const file = form.elements.filepath.value || parsed.filepath || parsed.urlpath;
  if (file) facts.push(fact("opens", file));
  const target = form.elements.target.value || parsed.target;
  if (target) facts.push(fact("in", target));
  understood.replaceChildren(...facts, ...(parsed.guessed ?? []).map(sentence));
  understood.dataset.kind = "understood";
}

function nameOf(parsed) {
  return parsed.name || parsed.repo || parsed.image || parsed.spec;
}

// What the link says stands in the empty fields as a hint: typing over it stays possible.
function hint(parsed) {
  for (const [name, nothing] of Object.entries(FIELDS)) {
    const value = parsed[name];
    form.elements[name].placeholder = value && value !== "HEAD" ? value : nothing;
  }
}

function complain(message) {
  understood.replaceChildren(document.createTextNode(message));
  understood.dataset.kind = "problem";
}

async function understand() {
  const text = form.elements.repo.value.trim();
  const turn = ++asked;
  if (!text) {
    understood.hidden = true;
    hint({});
    return;
  }
  try {
    const address = `${form.dataset.parse}?${new URLSearchParams({ text })}`;
    const parsed = await requestJson(address, token);
    if (turn !== asked) return;
    tell(parsed);
    hint(parsed);
  } catch (error) {
    if (turn !== asked) return;
    hint({});
    // Without the service there is nothing to say here; launching will say it.
    if (!(error instanceof Refused) || error.status >= 500) {
      understood.hidden = true;
      return;
    }
    complain(error.message);
  }
  understood.hidden = false;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(understand, QUIET);
}

form.addEventListener("input", later);

// A second click would be a second launch; the first is on its way.
form.addEventListener("submit", (event) => {
  if (!form.elements.repo.value.trim() && !form.elements.image?.value.trim()) {
    event.preventDefault();
    complain("Paste the address of a repository first.");
    understood.hidden = false;
    form.elements.repo.focus();
    return;
  }
  const button = form.querySelector("[type=submit]");
  button.setAttribute("aria-disabled", "true");
  button.classList.add("disabled");
});
// The page may come back out of the browser's memory with the button still off.
addEventListener("pageshow", () => {
  const button = form.querySelector("[type=submit]");
  button.removeAttribute("aria-disabled");
  button.classList.remove("disabled");
});

// ---- servers -----------------------------------------------------------------------------

const list = document.getElementById("servers");
const status = document.getElementById("servers-status");
const dialog = document.getElementById("delete-dialog");
const POLL = 700;

function setState(row, state) {
  row.dataset.state = state;
  row.querySelector("[data-state-text]").textContent = state;
  for (const part of row.querySelectorAll("[data-when]")) {
    part.hidden = !part.dataset.when.split(" ").includes(state);
  }
  status.textContent = `${row.dataset.title}: ${state}`;
}

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
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL));
    const answer = await requestJson(list.dataset.url, token);
    const servers = Array.isArray(answer) ? answer : answer.servers;
    const server = servers.find((one) => one.name === row.dataset.server);
    if (!server) return remove(row);
    if (server.state !== row.dataset.state) setState(row, server.state);
    if (["running", "stopped"].includes(server.state)) return undefined;
  }
}

async function stop(row, url) {
  const before = row.dataset.state;
  setState(row, "stopping");
  try {
    await requestJson(url, token, { method: "POST" });
    await settle(row);
  } catch (error) {
    setState(row, before);
    trouble(row, error);
  }
}

function remove(row) {
  status.textContent = `${row.dataset.title}: deleted`;
  row.remove();
  document.getElementById("no-servers").hidden = list.children.length > 0;
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

async function discard(row, url) {
  if (!(await sure(row))) return;
  try {
    await requestJson(url, token, { method: "DELETE" });
    remove(row);
  } catch (error) {
    trouble(row, error);
  }
}

list.addEventListener("submit", (event) => {
  if (event.target.dataset.action !== "stop") return;
  event.preventDefault();
  stop(event.target.closest("[data-server]"), event.target.action);
});
list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action=delete]");
  if (button) discard(button.closest("[data-server]"), button.dataset.url);
});
for (const row of list.children) {
  if (["starting", "stopping"].includes(row.dataset.state)) {
    settle(row).catch((error) => trouble(row, error));
  }
}

document.documentElement.classList.add("binder-scripted");
if (form.elements.repo.value) understand();
