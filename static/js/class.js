// A class's page: its list is kept as things are. The service makes the rows.

import "./copy.js";
import { request } from "./api.js";
import { follow } from "./stream.js";
import { tellMoments } from "./time.js";

// Milliseconds before a look: after news, of which the service tells every two seconds at most; and
// between two looks at what nobody tells it, such as a server that ended by itself.
const AFTER_NEWS = 200;
const STILL = 15000;

const root = document.getElementById("class");

let timer = 0;
let hearing = new AbortController();

// Only what is different is put in: what was heard once is not read out again.
function replace(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return;
  const left = new Map([...old.children].map((row) => [row.id, row]));
  if (!fresh.children.length || !fresh.firstElementChild.id) {
    old.replaceChildren(...fresh.childNodes);
    return;
  }
  const rows = [...fresh.children].map((row) => {
    const before = left.get(row.id);
    return before && before.dataset.html === row.outerHTML ? before : made(row);
  });
  old.replaceChildren(...rows);
}

function made(row) {
  row.dataset.html = row.outerHTML;
  tellMoments(row);
  return row;
}

async function refresh() {
  const answer = await request(root.dataset.url, root.dataset.xsrf);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["class-counts", "people"]) {
    replace(document.getElementById(id), page.getElementById(id));
  }
}

function later(wait) {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(look, wait);
}

async function look() {
  // What is not reached now is asked again.
  await refresh().catch(() => undefined);
  later(STILL);
}

// A page nobody sees keeps no connection: browsers have six for all pages of a hub together.
async function hear() {
  hearing.abort();
  hearing = new AbortController();
  const { events, xsrf } = root.dataset;
  try {
    for await (const { event } of follow(events, xsrf, () => false, hearing.signal)) {
      if (event) later(AFTER_NEWS);
    }
  } catch {
    // Refused: the looks go on.
  }
}

if (root) {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      hearing.abort();
      clearTimeout(timer);
    } else {
      look();
      hear();
    }
  });
  later(STILL);
  hear();
}
