// Branches, tags and files of the repository in the form, offered while somebody types. The service
// asks the host, so it is asked once for each repository, and only by somebody who is in the field.

import { requestJson } from "./api.js";
import { _ } from "./words.js";

const form = document.getElementById("launch-form");
const known = new Map();

function ask(address, values) {
  const url = `${address}?${new URLSearchParams(values)}`;
  if (!known.has(url)) {
    const answer = requestJson(url, form.elements._xsrf.value);
    // Nothing is said of what cannot be offered; the launch will say it.
    known.set(url, answer.catch(() => {
      known.delete(url);
      return {};
    }));
  }
  return known.get(url);
}

const OFFERS = {
  async ref(repo) {
    const { branches = [], tags = [] } = await ask(form.dataset.refs, { repo });
    return [...branches.map((name) => [name, ""]), ...tags.map((name) => [name, _("tag")])];
  },
  async filepath(repo) {
    const ref = form.elements.ref.value.trim();
    const { paths = [] } = await ask(form.dataset.paths, { repo, ref });
    return paths.map((path) => [path, ""]);
  },
};

async function offer(field) {
  const repo = form.elements.repo.value.trim();
  const choices = repo ? await OFFERS[field.name](repo) : [];
  // It may be another one by now.
  if (form.elements.repo.value.trim() !== repo) return;
  const id = `${field.name}-choices`;
  const list = document.getElementById(id) ?? document.createElement("datalist");
  list.id = id;
  list.replaceChildren(
    ...choices.map(([value, label]) => {
      const option = document.createElement("option");
      option.value = value;
      if (label) option.label = label;
      return option;
    }),
  );
  form.append(list);
  if (choices.length) field.setAttribute("list", id);
  else field.removeAttribute("list");
}

for (const happens of ["focusin", "input"]) {
  form.addEventListener(happens, ({ target }) => {
    if (target.name in OFFERS) offer(target);
  });
}
