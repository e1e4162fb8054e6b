// For pages on other sites, such as a book with Thebe: build streams with a person's token.
//
//   <script src="https://hub.example.org/services/binder/static/js/eventsource.js"></script>
//   <script>binderToken("https://hub.example.org/services/binder/", token)</script>
//
// A browser's own EventSource cannot send a token, and cookies do not work from other sites.
// Streams of that one service are read by fetch from then on, and taken up where they broke off;
// every other EventSource of the page stays what it was. A plain script, not a module: it has to
// be there before the client is.

(() => {
  const Native = window.EventSource;
  const tokens = new Map();
  const RETRY = 1000;
  const ATTEMPTS = 30;

  class TokenEventSource extends EventTarget {
    #last = "";
    #left = ATTEMPTS;
    #abort = new AbortController();

    constructor(url, token) {
      super();
      this.url = url;
      this.readyState = Native.CONNECTING;
      this.onopen = this.onmessage = this.onerror = null;
      this.#run(token);
    }

    close() {
      this.readyState = Native.CLOSED;
      this.#abort.abort();
    }

    async #run(token) {
      while (this.readyState !== Native.CLOSED && this.#left > 0) {
        this.#left -= 1;
        try {
          const ended = await this.#read(token);
          if (ended) break;
        } catch {
          // the network: again, after a pause
        }
        await new Promise((done) => setTimeout(done, RETRY));
      }
      if (this.readyState === Native.CLOSED) return;
      this.close();
      this.#tell(new Event("error"));
    }

    async #read(token) {
      const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
      if (this.#last) headers["Last-Event-ID"] = this.#last;
      const response = await fetch(this.url, {
        headers,
        credentials: "omit",
        signal: this.#abort.signal,
      });
      if (!response.ok) return response.status < 500;
      this.readyState = Native.OPEN;
      this.#left = ATTEMPTS;
      this.#tell(new Event("open"));
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return true;
        const blocks = (text + value).split("\n\n");
        text = blocks.pop();
        for (const block of blocks) this.#message(block);
      }
    }

    #message(block) {
      const data = [];
      for (const line of block.split("\n")) {
        const [, name, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
        if (name === "id") this.#last = value;
        if (name === "data") data.push(value);
      }
      if (data.length === 0 || this.readyState === Native.CLOSED) return;
      this.#tell(new MessageEvent("message", { data: data.join("\n"), lastEventId: this.#last }));
    }

    #tell(event) {
      this[`on${event.type}`]?.call(this, event);
      this.dispatchEvent(event);
    }
  }

  window.EventSource = new Proxy(Native, {
    construct(target, [url, ...options]) {
      const full = new URL(url, document.baseURI).href;
      for (const [service, token] of tokens) {
        if (full.startsWith(`${service}build/`)) return new TokenEventSource(full, token);
      }
      return new target(url, ...options);
    },
  });

  // service: address of the service, with a slash at its end; token: of the Hub, of this person.
  window.binderToken = (service, token) => {
    const { href } = new URL(service, document.baseURI);
    tokens.set(href.endsWith("/") ? href : `${href}/`, token);
  };
})();
