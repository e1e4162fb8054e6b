// A build log that may be long: lines are collected and put into the page a few times a
// second, in blocks the browser need not lay out while they are out of sight.

import { _, ngettext } from "./words.js";

const BLOCK = 500;
const CAP = 100000;
const EVERY = 150;
// Colours and cursor movements of terminals (ECMA-48).
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])/g;

// What a terminal would show of a message: its lines without escapes, and of a line that was
// written over (progress bars) only the last state.
export function linesOf(message) {
  const text = message.replace(ESCAPES, "").replace(/\r?\n$/, "");
  return text.split(/\r?\n/).map((line) => line.replace(/\r+$/, "").replace(/^.*\r/s, ""));
}

export class Log {
  #waiting = [];
  #timer = 0;
  #blocks = [];
  #dropped = 0;

  constructor(pre, count) {
    this.pre = pre;
    this.count = count;
    this.total = 0;
  }

  append(message) {
    const lines = linesOf(message);
    this.total += lines.length;
    this.#waiting.push(...lines);
    this.#timer ||= setTimeout(() => this.flush(), EVERY);
  }

  flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#waiting.length) return;
    const following = this.#atEnd();
    this.#write(this.#waiting.splice(0));
    this.#forget();
    this.count.textContent = ngettext("{count} line", "{count} lines", this.total);
    if (following) this.pre.scrollTop = this.pre.scrollHeight;
  }

  #atEnd() {
    return this.pre.scrollHeight - this.pre.scrollTop - this.pre.clientHeight < 40;
  }

  #write(lines) {
    for (let at = 0; at < lines.length;) {
      const block = this.#room();
      const part = lines.slice(at, at + BLOCK - block.lines);
      block.element.append(part.map((line) => `${line}\n`).join(""));
      block.lines += part.length;
      block.element.classList.toggle("full", block.lines === BLOCK);
      at += part.length;
    }
  }

  #room() {
    const last = this.#blocks.at(-1);
    if (last && last.lines < BLOCK) return last;
    const block = { element: document.createElement("span"), lines: 0 };
    block.element.className = "binder-log-block";
    this.pre.append(block.element);
    this.#blocks.push(block);
    return block;
  }

  #forget() {
    while (this.#blocks.length * BLOCK > CAP + BLOCK) {
      const oldest = this.#blocks.shift();
      this.#dropped += oldest.lines;
      oldest.element.remove();
      this.pre.dataset.dropped = _("{count} earlier lines left out", {
        count: this.#dropped,
      });
    }
  }
}
