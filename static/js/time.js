// Moments and durations in the reader's own words. Importing this module puts every
// <time data-relative> of the page into words.

import { _, language } from "./words.js";

const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

// Milliseconds of an ISO date. The Hub writes times without a zone and means UTC.
export function parseMoment(iso) {
  if (!iso) return NaN;
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`);
}

// "3 hours ago", in the language of the page.
export function relative(then, now = Date.now()) {
  const seconds = (then - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return format.format(Math.round(seconds / length), unit);
  }
  return _("just now");
}

// "1:05", "1:02:05".
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor((whole % 3600) / 60), whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

// Put the moments of a part of the page into words.
export function tellMoments(part) {
  for (const time of part.querySelectorAll("time[data-relative]")) {
    const then = parseMoment(time.dateTime);
    if (Number.isNaN(then)) continue;
    time.title = new Date(then).toLocaleString(language);
    time.textContent = relative(then);
  }
}

tellMoments(document);
