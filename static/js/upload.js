// The page of a folder: files are sent one after the other, each as it is.

import { tellMoments } from "./time.js";
import { Refused, request, requestJson } from "./api.js";
import { _ } from "./words.js";

const form = document.getElementById("upload");
const told = document.getElementById("told");
const limit = Number(form?.dataset.limit);

function line(text) {
  const item = document.createElement("p");
  item.className = "binder-break";
  item.textContent = text;
  told.append(item);
  return item;
}

// What became of a file, in words.
async function send(file) {
  if (file.size > limit) {
    return _("{name} is too large to be uploaded here.", { name: file.name });
  }
  const address = `${form.dataset.url}&${new URLSearchParams({ name: file.name })}`;
  try {
    const options = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } };
    const { name } = await requestJson(address, form.elements._xsrf.value, options);
    return name === file.name
      ? _("{name} is uploaded.", { name })
      : _("{name} was here already, so the new one is called {other}.", { name: file.name, other: name });
  } catch (error) {
    const why = error instanceof Refused ? error.message : _("The connection broke off, or the file changed.");
    return _("{name} was not uploaded: {why}", { name: file.name, why });
  }
}

async function renew() {
  const answer = await request(location.href, form.elements._xsrf.value);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const entries = page.getElementById("entries");
  tellMoments(entries);
  document.getElementById("entries").replaceWith(entries);
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  button.classList.add("disabled");
  told.replaceChildren();
  for (const file of form.elements.files.files) {
    const item = line(_("{name} is being uploaded…", { name: file.name }));
    item.textContent = await send(file);
  }
  form.reset();
  button.removeAttribute("aria-disabled");
  button.classList.remove("disabled");
  await renew();
});

document.documentElement.classList.add("binder-scripted");
