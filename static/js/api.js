// Requests to the service. It takes a cookie as proof of identity only together with the
// page's XSRF token, also for reading, and answers errors as {code, message}.

import { _ } from "./words.js";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const UNKNOWN = _("The service did not answer as expected. Reload the page and try again.");

async function refusal(response) {
  if (response.status === 401 || response.status === 403) {
    const body = await response.json().catch(() => ({}));
    return new Refused(
      response.status,
      body.message || _("You are signed out, or may not do this. Reload the page to sign in."),
    );
  }
  const body = await response.json().catch(() => ({}));
  return new Refused(response.status, body.message || UNKNOWN);
}

// A response that is fine, or an exception: Refused by the service, TypeError by the network.
export async function request(url, token, { headers = {}, ...options } = {}) {
  const response = await fetch(url, {
    credentials: "same-origin",
    cache: "no-store",
    // A sign-in page is never the answer to a request of ours.
    redirect: "error",
    ...options,
    headers: { "X-XSRFToken": token, ...headers },
  });
  if (!response.ok) throw await refusal(response);
  return response;
}

export async function requestJson(url, token, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  const response = await request(url, token, { ...options, headers });
  return response.status === 204 ? null : response.json();
}
