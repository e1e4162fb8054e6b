// Buttons that copy: <button data-copy="#id" hidden>. They stay hidden where copying cannot
// work (no script, or a page that is not in a secure context).

import { _ } from "./words.js";

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = _("Copied");
  } catch {
    button.textContent = _("Copying was refused");
  }
  setTimeout(() => (button.textContent = words), 2000);
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
