// What a repository says of itself and the notebook that opens, while its environment is being built.

import { requestJson } from "./api.js";

// The service has taken everything out of it that acts or is fetched.
export async function showReadme(section, token) {
  if (section.dataset.asked) return;
  section.dataset.asked = "yes";
  const readme = await requestJson(section.dataset.url, token).catch(() => ({}));
  if (!readme.html) return;
  section.querySelector("[data-name]").textContent = readme.name;
  section.querySelector("[data-text]").innerHTML = readme.html;
  section.querySelector("[data-cut]").hidden = !readme.cut;
  section.hidden = false;
}
