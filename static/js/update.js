// What a start did to the project's files, listed on the progress page.

import { _ } from "./words.js";

export function showUpdate(section, update) {
  section.querySelector("[data-sentence]").textContent = update.sentence;
  const list = section.querySelector(".binder-changes");
  const lines = update.changes.map(line);
  if (update.unlisted) lines.push(quiet("li", _("… and {count} more", { count: update.unlisted })));
  list.replaceChildren(...lines);
  section.querySelector("[data-notes]").textContent = update.notes.join(" ");
  section.hidden = update.state === "created";
}

// Whether somebody should see the list before the server opens: there are two versions of a file.
export function wantsEyes(update) {
  return update.state === "untouched" || update.changes.some((change) => change.other);
}

function line(change) {
  const item = document.createElement("li");
  if (change.conflict) item.dataset.conflict = "";
  const name = document.createElement("code");
  name.className = "binder-break";
  name.textContent = change.path;
  item.append(name, " ", quiet("span", change.words));
  return item;
}

function quiet(tag, text) {
  const element = document.createElement(tag);
  element.className = "binder-sub";
  element.textContent = text;
  return element;
}
