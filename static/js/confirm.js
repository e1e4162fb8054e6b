// The page that asks before a link runs. Where the answer was given before, it is given again,
// but not to somebody who came back to this page: they want to read or change something.

import "./time.js";

const form = document.querySelector(".binder-confirm");
const [navigation] = performance.getEntriesByType("navigation");

if (form.dataset.trusted && navigation?.type !== "back_forward") form.requestSubmit();
