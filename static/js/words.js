// What scripts say, in the language of the page. The page has the translations; English needs none.

const source = document.getElementById("binder-words");
const words = source ? JSON.parse(source.textContent) : {};
export const language = document.documentElement.lang || "en";
const plural = new Intl.PluralRules(language);
const number = new Intl.NumberFormat(language);

// Fill the places of a text, such as {name}.
function fill(text, fields) {
  return text.replace(/\{(\w+)\}/g, (place, name) => {
    const value = fields[name];
    if (value === undefined) return place;
    return typeof value === "number" ? number.format(value) : value;
  });
}

// A text, said.
export function _(english, fields = {}) {
  return fill(words[english] ?? english, fields);
}

// A text about a number, which has the place {count}.
export function ngettext(one, many, count, fields = {}) {
  const forms = words[one] ?? { one, other: many };
  return fill(forms[plural.select(count)] ?? forms.other ?? many, { count, ...fields });
}
