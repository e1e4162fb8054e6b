// The event stream of a launch: read, resumed where it broke off, ended by its last event.
//
// fetch instead of EventSource: the token travels in a header instead of the address, and a
// refusal can be told from a broken line.

import { Refused, request } from "./api.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;
// The service sends a comment at least every 25 s: a line silent for longer is dead.
const SILENCE = 60000;
const TOO_MANY = 429;

// Turns text, cut anywhere, into events {id, data}. The part of the standard
// (https://html.spec.whatwg.org/multipage/server-sent-events.html) that the service uses.
export class EventParser {
  #rest = "";
  #id = "";
  #data = [];

  *push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length) yield { id: this.#id, data: this.#data.join("\n") };
        this.#data = [];
      } else {
        this.#field(line);
      }
    }
  }

  #field(line) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (name === "data") this.#data.push(value);
    if (name === "id") this.#id = value;
  }
}

function resumed(url, last) {
  const address = new URL(url, location.href);
  if (last) address.searchParams.set("last", last);
  return address;
}

async function* connection(url, token, last, stop) {
  const silence = new AbortController();
  const signal = AbortSignal.any([silence.signal, stop]);
  let timer = setTimeout(() => silence.abort(), SILENCE);
  const headers = { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) };
  try {
    const response = await request(resumed(url, last), token, { headers, signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parser = new EventParser();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE);
      yield* parser.push(part.value);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    addEventListener("online", wake);
  });
}

function lasting(error) {
  const passing = error.status === TOO_MANY || error.status >= 500;
  return error instanceof Refused && !passing;
}

// Follow a launch to its end: yields {event} for each event and {lost: true | false} when the
// line breaks and when it is back; {lost: true, why} when the service has a reason for it that
// passes. Ends when the signal `stop` says so, too. Throws Refused when asking again is of no use.
export async function* follow(url, token, isFinal, stop = new AbortController().signal) {
  let last = "";
  let failures = 0;
  while (!stop.aborted) {
    let why = "";
    try {
      for await (const { id, data } of connection(url, token, last, stop)) {
        if (failures) yield { lost: false };
        failures = 0;
        last = id || last;
        const event = JSON.parse(data);
        yield { event };
        if (isFinal(event)) return;
      }
    } catch (error) {
      if (stop.aborted) return;
      if (lasting(error) || error instanceof SyntaxError) throw error;
      if (error.status === TOO_MANY) why = error.message;
    }
    yield { lost: true, why };
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures++);
    await pause(longest * (0.5 + Math.random() / 2));
  }
}
