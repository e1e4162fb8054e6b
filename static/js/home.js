// The main page's form: says what a paste means while it is typed, and is filled in with it.

import "./bring.js";
import "./choosing.js";
import "./copy.js";
import "./lists.js";
import "./share.js";
import { Refused, request, requestJson } from "./api.js";
import { _ } from "./words.js";

const form = document.getElementById("launch-form");
const token = form.elements._xsrf.value;
const understood = document.getElementById("understood");

// ---- what the paste means ----------------------------------------------------------------

const FIELDS = { ref: _("default"), filepath: "notebooks/index.ipynb" };
const QUIET = 250;

// What fits into an address on its way through every proxy.
const LONGEST = 8000;
const TOO_LONG = _("This is too long for a link. Paste one address, or a badge.");
const PASTING = new Set(["insertFromPaste", "insertFromDrop"]);

let asked = 0;
let timer = 0;
// Whether the form does not have yet what was pasted or typed to its end.
let unfilled = false;
// The fields somebody changed by hand.
const chosen = new Set();
// The repository the form was filled in for, and what was assumed then.
let assumed = { repo: form.elements.repo.value, guessed: [] };

// A press whose beginning and end are on different elements does nothing, so nothing moves meanwhile.
let released = Promise.resolve();
addEventListener("pointerdown", () => {
  released = new Promise((resolve) => {
    // The click comes after the release.
    const soon = () => setTimeout(resolve);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, soon, { once: true });
  });
});

// Whether nothing was typed since; answers once no pointer is down.
async function stillAsked(turn) {
  await released;
  return turn === asked;
}

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
  if (ref && ref !== "HEAD") facts.push(fact(_("at"), ref));
  const file = form.elements.filepath.value || parsed.filepath || parsed.urlpath;
  if (file) facts.push(fact(_("opens"), file));
  const target = form.elements.target.value || parsed.target;
  if (target) facts.push(fact(_("in"), target));
  const before = form.elements.repo.value === assumed.repo ? assumed.guessed : [];
  understood.replaceChildren(...facts, ...[...before, ...(parsed.guessed ?? [])].map(sentence));
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

// A link that says more than the repository, or comes after one that did.
function mustFill(parsed) {
  if (!unfilled || form.elements.repo.value === assumed.repo) return false;
  const says = parsed.link?.includes("?") || !["", "HEAD"].includes(parsed.ref ?? "");
  return says || form.elements.pasted.value !== "";
}

// What is seen is what runs: the form gets all that a link says, but for what was chosen by hand.
// The service makes it, so that nothing can be in the link that has no place in the form.
async function fill(parsed, turn) {
  const kept = [...new FormData(form)].filter(([name]) => chosen.has(name));
  const query = new URLSearchParams([["link", parsed.link], ...kept]);
  const answer = await request(`${form.dataset.fill}?${query}`, token);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!(await stillAsked(turn))) return;
  for (const name of ["repo", "ref", "pasted"]) {
    form.elements[name].value = page.querySelector(`[name=${name}]`).value;
  }
  const focused = document.activeElement?.id;
  renewOptions(page.getElementById("options"));
  if (focused) document.getElementById(focused)?.focus();
  assumed = { repo: form.elements.repo.value, guessed: parsed.guessed ?? [] };
  form.dispatchEvent(new Event("input"));
}

// What is opened or pressed stays: somebody may be at it.
function renewOptions(filled) {
  const options = document.getElementById("options");
  const [summary] = options.children;
  while (options.lastElementChild !== summary) options.lastElementChild.remove();
  options.append(...[...filled.children].slice(1));
  if (filled.open) options.open = true;
}

async function understand() {
  clearTimeout(timer);
  const text = form.elements.repo.value.trim();
  const turn = ++asked;
  if (!text) {
    unfilled = false;
    understood.hidden = true;
    hint({});
    return;
  }
  try {
    if (encodeURIComponent(text).length > LONGEST) throw new Refused(400, TOO_LONG);
    const address = `${form.dataset.parse}?${new URLSearchParams({ text })}`;
    const parsed = await requestJson(address, token);
    if (!(await stillAsked(turn))) return;
    tell(parsed);
    hint(parsed);
    if (mustFill(parsed)) await fill(parsed, turn);
  } catch (error) {
    if (!(await stillAsked(turn))) return;
    hint({});
    // Without the service there is nothing to say here; launching will say it.
    if (!(error instanceof Refused) || error.status >= 500) {
      understood.hidden = true;
      return;
    }
    complain(error.message);
  }
  understood.hidden = false;
  if (turn === asked) unfilled = false;
}

form.addEventListener("input", (event) => {
  if (PASTING.has(event.inputType)) unfilled = true;
  if (event.target.name && event.target.name !== "repo") chosen.add(event.target.name);
  clearTimeout(timer);
  timer = setTimeout(understand, QUIET);
});
form.elements.repo.addEventListener("change", () => {
  unfilled = true;
  understand();
});

// A second click would be a second launch; the first is on its way.
form.addEventListener("submit", (event) => {
  if (!form.elements.repo.value.trim() && !form.elements.image?.value.trim()) {
    event.preventDefault();
    complain(_("Paste the address of a repository first."));
    understood.hidden = false;
    form.elements.repo.focus();
    return;
  }
  if (unfilled) {
    event.preventDefault();
    const { submitter } = event;
    understand().finally(() => {
      unfilled = false;
      form.requestSubmit(submitter);
    });
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

document.documentElement.classList.add("binder-scripted");
if (form.elements.repo.value) understand();
