// The link and badge maker: what the form stands for, in every form people pass on.

import { Refused, requestJson } from "./api.js";
import { _ } from "./words.js";

const form = document.getElementById("launch-form");
const share = document.getElementById("share");
const words = document.getElementById("share-words");
const ways = document.getElementById("share-ways");
const hubs = document.getElementById("share-hubs");
const publish = document.getElementById("share-publish");
const qr = document.getElementById("share-qr");
const QUIET = 300;
const PRIVATE = new Set(["_xsrf", "pasted"]);

let asked = 0;
let timer = 0;

function fields() {
  const pairs = [...new FormData(form)].filter(([name, value]) => value && !PRIVATE.has(name));
  return new URLSearchParams(pairs);
}

function put(id, text) {
  const field = document.getElementById(`share-${id}`);
  field.value = text ?? "";
  field.closest(".binder-share-row").hidden = !text;
}

function link({ name, url }) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.rel = "noopener noreferrer";
  anchor.target = "_blank";
  anchor.textContent = name;
  return anchor;
}

function lacking({ without }) {
  if (!without.length) return "";
  return ` ${_("(not there: {things})", { things: without.join(", ") })}`;
}

function show(made) {
  for (const id of ["url", "anywhere", "markdown", "html", "rst"]) put(id, made[id].trim());
  put("repo2docker", made.commands.repo2docker ?? made.commands.docker);
  publish.href = made.publish;
  const others = made.hubs.flatMap((hub) => [" ", link(hub), lacking(hub)]);
  hubs.replaceChildren(_("The same environment elsewhere, where your files are not:"), ...others);
  hubs.hidden = made.hubs.length === 0;
  qr.hidden = !made.qr;
  if (made.qr) qr.querySelector("img").src = made.qr;
  words.textContent = _("Whoever follows it gets the same environment, with their own files.");
  ways.hidden = false;
}

function complain(message) {
  ways.hidden = true;
  words.textContent = message;
}

async function make() {
  if (!share.open) return;
  const turn = ++asked;
  if (!form.elements.repo.value.trim() && !form.elements.image?.value.trim()) {
    complain(_("Paste a repository first."));
    return;
  }
  try {
    const made = await requestJson(`${share.dataset.url}?${fields()}`, form.elements._xsrf.value);
    if (turn === asked) show(made);
  } catch (error) {
    if (turn !== asked) return;
    const unreached = _("The service was not reached. Try again.");
    complain(error instanceof Refused ? error.message : unreached);
  }
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(make, QUIET);
});
share.addEventListener("toggle", make);
share.hidden = false;
