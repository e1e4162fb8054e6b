// Menus are <details>: they work without this. It closes the one that is open when somebody goes
// on elsewhere.

const OPEN = ".binder-menu[open]";

// Close a menu; who was in it is at its button then.
export function close(menu) {
  const within = menu.contains(document.activeElement);
  menu.open = false;
  if (within) menu.querySelector("summary").focus();
}

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll(OPEN)) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape") document.querySelectorAll(OPEN).forEach(close);
});
