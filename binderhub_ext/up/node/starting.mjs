// What the proxy shows while there is no Hub to ask for a page. Loaded before the proxy by
// `node --import`; its own answer there is two bare words.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const proxy = createRequire(realpathSync(process.argv[1])).resolve("../lib/configproxy.js");
const { default: ConfigurableProxy } = await import(pathToFileURL(proxy));
const page = readFileSync(new URL("starting.html", import.meta.url));

ConfigurableProxy.prototype._handleProxyErrorDefault = (_code, _kind, _request, response) => {
  if (response.writableEnded) return;
  if (!response.headersSent) {
    response.writeHead(503, { "Content-Type": "text/html; charset=utf-8", "Retry-After": "2" });
  }
  response.end(page);
};
