// The progress page: follows the launch and tells it in words, steps, a bar and a log.

import "./copy.js";
import { Refused, request } from "./api.js";
import { Log } from "./log.js";
import { showReadme } from "./readme.js";
import { follow } from "./stream.js";
import { duration, parseMoment } from "./time.js";
import { showUpdate, wantsEyes } from "./update.js";
import { _ } from "./words.js";

const PHASE_STEP = {
  waiting: "resolve",
  fetching: "resolve",
  building: "image",
  pushing: "image",
  built: "image",
  launching: "server",
  ready: "redirect",
};
// Milliseconds a server's first page may take before another tab asks for it too.
const LEAVING = 10000;
// Ends with a question whose answers are forms of the page as the service makes it.
const QUESTIONS = ["server-differs", "files-differ", "target-missing"];
const ASKING = _("waits for your choice");
const STATE_WORDS = {
  waiting: "",
  active: _("under way"),
  done: _("done"),
  failed: _("failed"),
};

const byId = (id) => document.getElementById(id);
const page = byId("launch");
const token = page.dataset.xsrf;
// What only prepares has no more steps than that.
const STEPS = [...byId("steps").children].map((step) => step.dataset.step);
const log = new Log(byId("log-lines"), byId("log-count"));
const stepStarted = new Map();

let current = -1;
let progress = 0;
// Two versions of a file lie side by side, or somebody was not let in: nobody is sent on before
// they have seen that.
let stays = page.dataset.stays === "yes";
let ended = page.dataset.finished ? parseMoment(page.dataset.finished) : 0;

// ---- steps, bar, clock -------------------------------------------------------------------

// `time` is when it happened, in seconds since 1970 by the service's clock; without it (what is
// told again after a reload came earlier) no duration is shown.
function setStep(index, state, time) {
  const item = byId("steps").children[index];
  item.dataset.state = state;
  const asks = state === "failed" && page.dataset.choices;
  item.querySelector("[data-state-text]").textContent = asks ? ASKING : STATE_WORDS[state];
  if (state === "active") {
    item.setAttribute("aria-current", "step");
    stepStarted.set(index, time);
    return;
  }
  item.removeAttribute("aria-current");
  const seconds = time - stepStarted.get(index);
  stepStarted.delete(index);
  if (seconds >= 1) item.querySelector("[data-time]").textContent = duration(seconds);
}

function reach(step, time) {
  const index = STEPS.indexOf(step);
  if (index <= current) return;
  for (let done = 0; done < index; done++) setStep(done, "done", time);
  setStep(index, "active", time);
  current = index;
}

function showProgress(percent) {
  // A bar that runs backwards says nothing true about how long it will take.
  progress = Math.max(progress, Math.min(100, Math.round(percent)));
  byId("bar").setAttribute("aria-valuenow", progress);
  byId("bar").firstElementChild.style.width = `${progress}%`;
}

function showCommit(id, short) {
  byId("commit").title = id;
  byId("commit").textContent = short;
}

function showClock() {
  const started = parseMoment(page.dataset.started);
  if (Number.isNaN(started)) return;
  byId("elapsed").textContent = duration(((ended || Date.now()) - started) / 1000);
}

function showTitle(prefix, icon) {
  document.title = `${prefix} · ${page.dataset.title}`;
  const address = `${page.dataset.images}favicon_${icon}.svg`;
  if (byId("favicon").getAttribute("href") !== address) byId("favicon").href = address;
}

// ---- ends --------------------------------------------------------------------------------

function finish() {
  ended ||= Date.now();
  clearInterval(clock);
  showClock();
  log.flush();
  byId("cancel").hidden = true;
  byId("log").hidden = log.total === 0 && !page.dataset.log;
  byId("connection").hidden = true;
}

function prepared(event) {
  STEPS.forEach((_, index) => setStep(index, "done", event.time));
  showProgress(100);
  showTitle(_("Prepared"), "success");
  page.dataset.phase = "ready";
  byId("message").textContent = (event.message || "").trim();
  byId("prepared").hidden = false;
}

function ready(event) {
  finish();
  if (!event.url) return prepared(event);
  const target = new URL(event.url, location.href);
  // The service promises a server of this hub; anything else is not followed.
  if (target.origin !== location.origin && !isServerHost(target)) {
    return failed({
      message: _("The service named an address outside this hub. It was not opened."),
    });
  }
  STEPS.forEach((_, index) => setStep(index, "done", event.time));
  showProgress(100);
  showTitle(_("Ready"), "success");
  page.dataset.phase = "ready";
  byId("message").textContent = stays
    ? _("Read this, then open it.")
    : _("Opening your server…");
  byId("ready-link").href = target;
  byId("ready").hidden = false;
  return arrive(target);
}

// People's servers have hosts of their own below this one, where a hub is set up for it.
function isServerHost(target) {
  return target.protocol === location.protocol && target.host.endsWith(`.${location.host}`);
}

async function arrive(target) {
  const reached = await canReach(target);
  byId("unreachable").hidden = reached;
  byId("ready-waits").hidden = stays || !reached;
  if (!reached) byId("message").textContent = "";
  if (reached && !stays) leave(target);
}

// Whether the browser finds the server's host: nothing is read, and any answer will do.
async function canReach(target) {
  if (target.origin === location.origin) return true;
  const base = target.pathname.match(/^.*?\/user\/[^/]+\/[^/]*/);
  const question = new URL(`${base ? base[0] : ""}/api`, target);
  return fetch(question, { mode: "no-cors", credentials: "omit" }).then(
    () => true,
    () => false,
  );
}

// Replaced, so that "back" leads to where the person came from and not here again. One tab at a
// time: two that sign in to a new server at the same moment spoil each other's sign-in. Whoever
// waits goes on when the other page has come, or after a while if it does not.
function leave(target) {
  if (!navigator.locks) return location.replace(target);
  return navigator.locks.request(`binder-open ${target.pathname}`, () => {
    location.replace(target);
    return new Promise((resolve) => setTimeout(resolve, LEAVING));
  });
}

function failed(event) {
  finish();
  if (QUESTIONS.includes(event.code) && !page.dataset.choices) return location.reload();
  const cancelled = event.code === "cancelled";
  if (current >= 0) setStep(current, "failed", event.time);
  page.dataset.phase = "failed";
  byId("failure-title").textContent = failureTitle(event.code);
  byId("failure-words").textContent = (event.message || "").trim();
  byId("message").textContent = "";
  showDetail(event.detail || "");
  showReference(event);
  byId("failure-private").hidden = event.code !== "repo-not-found";
  byId("failure-moved").hidden = event.code !== "ref-moved";
  byId("log").open = !cancelled && log.total > 0;
  byId("failure").hidden = false;
  byId("failure").focus({ preventScroll: true });
  if (!page.dataset.choices && !cancelled) seen();
  if (page.dataset.choices) return showTitle(_("Your choice"), "building");
  return showTitle(cancelled ? _("Cancelled") : _("Failed"), "fail");
}

// Whoever is here has read why; the main page shows it to those who were away.
function seen() {
  if (document.hidden) {
    document.addEventListener("visibilitychange", seen, { once: true });
    return;
  }
  request(page.dataset.dismiss, token, { method: "POST" }).catch(() => undefined);
}

function failureTitle(code) {
  if (code === "cancelled") return _("Cancelled");
  return page.dataset.choices ? _("Your choice") : _("This launch failed");
}

function showDetail(detail) {
  const section = byId("failure-detail");
  section.querySelector("pre").textContent = detail;
  section.hidden = !detail;
  // The log, where there is one, says the same and more.
  section.open = log.total === 0;
}

function showReference(event) {
  if (event.code) {
    const number = event.reference || location.pathname.split("/").filter(Boolean).at(-1);
    byId("failure-reference").textContent = `${event.code} ${number}`;
  }
  const report = byId("failure-report");
  report.dataset.source ??= report.textContent.trim();
  report.textContent = [
    report.dataset.source,
    byId("failure-reference").textContent,
    (event.message || "").trim(),
    event.detail || "",
  ].join("\n");
}

// ---- events ------------------------------------------------------------------------------

function attend(sentence) {
  const box = byId("attention");
  stays = true;
  // after a reload the page has some already, and hears of them again
  if ([...box.children].some((told) => told.textContent === sentence)) return;
  const paragraph = document.createElement("p");
  paragraph.className = "binder-break";
  paragraph.textContent = sentence;
  box.append(paragraph);
  box.hidden = false;
}

function show(event) {
  const message = (event.message || "").replace(/\n$/, "");
  if (event.log && message) log.append(message);
  if (event.phase === "failed" || event.phase === "failure") return failed(event);
  const step = event.step || PHASE_STEP[event.phase];
  if (step) reach(step, event.time);
  if (event.commit) showCommit(event.commit, event.short);
  if (event.update) {
    showUpdate(byId("update"), event.update);
    stays ||= wantsEyes(event.update);
  }
  if (event.attention) attend(event.attention);
  if (event.progress !== undefined) showProgress(event.progress);
  if (event.phase === "building") {
    showReadme(byId("readme"), token);
    showReadme(byId("notebook"), token);
  }
  if (event.phase === "ready") return ready(event);
  if (!event.log && message) byId("message").textContent = message;
  page.dataset.phase = event.phase || page.dataset.phase;
  return showTitle(`${progress}%`, "building");
}

function showConnection({ lost, why }) {
  const broken = why || _("The connection is interrupted; the launch goes on. Trying again…");
  byId("connection").hidden = !lost;
  byId("connection").textContent = lost ? broken : "";
}

const isFinal = (event) => ["ready", "failed", "failure"].includes(event.phase);

async function watch() {
  try {
    for await (const item of follow(page.dataset.events, token, isFinal)) {
      if (item.event) show(item.event);
      else showConnection(item);
    }
  } catch (error) {
    // The page already says how it ended; the stream may be long forgotten.
    if (isFinal(page.dataset)) return;
    const refused = error instanceof Refused;
    const why = _("The page cannot follow this launch: {error}", { error: String(error) });
    failed({ message: refused ? error.message : why });
  }
}

async function cancel(submit) {
  submit.preventDefault();
  const button = byId("cancel").querySelector("button");
  button.disabled = true;
  button.textContent = _("Cancelling…");
  try {
    await request(page.dataset.cancel, token, { method: "POST" });
  } catch (error) {
    byId("message").textContent =
      error instanceof Refused ? error.message : _("Not reached. Try again.");
    button.disabled = false;
    button.textContent = _("Cancel");
  }
}

// The log is laid out only when it is opened; then its end is what matters.
byId("log").addEventListener("toggle", () => {
  byId("log-lines").scrollTop = byId("log-lines").scrollHeight;
});
byId("cancel").addEventListener("submit", cancel);
const clock = setInterval(showClock, 1000);
showProgress(Number(byId("bar").getAttribute("aria-valuenow")));
showClock();
watch();
