// The official client in Node, unchanged: every event as a line of JSON on standard output.
//
// Usage: BINDER_TOKEN=… node build.mjs ENDPOINT SPEC [--build-only] [--build-token TOKEN]
//            [--until WORDS]
//
// Ends as BinderHub's own pages do: at `ready` or `failed`. With --until it hangs up after the
// first message with these words, as a client whose network is gone.

import { BinderRepository } from "@jupyterhub/binderhub-client/client.js";

// The client's event source takes timers and fetch from a browser's window, and asks the document
// whether it is hidden.
globalThis.window = globalThis;
globalThis.document = Object.assign(new EventTarget(), { cookie: "", hidden: false });

// After `failed` the client rejects a promise nobody waits for; browsers only log that.
process.on("unhandledRejection", () => {});

const [endpoint, spec, ...options] = process.argv.slice(2);
const given = (name) => (options.includes(name) ? options[options.indexOf(name) + 1] : null);
const until = given("--until");
const repository = new BinderRepository(spec, new URL(endpoint), {
  apiToken: process.env.BINDER_TOKEN,
  buildOnly: options.includes("--build-only"),
  buildToken: given("--build-token") ?? undefined,
});

for await (const event of repository.fetch()) {
  console.log(JSON.stringify(event));
  const seen = until !== null && event.message?.includes(until);
  if (seen || ["ready", "failed"].includes(event.phase)) break;
}
repository.close();
