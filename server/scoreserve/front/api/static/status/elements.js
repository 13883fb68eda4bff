// The parts that the page is made of. All that comes from the server is put into it as text, never
// as markup.

import {clock, day} from "./words.js";

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Makes the content of an element anew, but only where what it shows has changed: a text that is
// being selected stays so.
export function renew(id, shown, make) {
  const place = byId(id);
  const key = JSON.stringify(shown);
  if (place.dataset.shown !== key) {
    place.dataset.shown = key;
    place.replaceChildren(...make());
  }
}

// With its roles written out: where it has no room, it is laid out as no table.
export function table(caption, names, rows) {
  const head = names.map((name) => element("th", {scope: "col", role: "columnheader"}, name));
  const body = rows.map((cells) =>
    element(
      "tr",
      {role: "row"},
      ...cells.map((cell, index) => {
        const made = element("td", {role: "cell"}, element("span", {}, cell));
        made.dataset.name = names[index];
        return made;
      }),
    ),
  );
  return element(
    "table",
    {ariaLabel: caption, role: "table"},
    element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, ...head)),
    element("tbody", {role: "rowgroup"}, ...body),
  );
}

export function badge(word, mood) {
  return element("span", {className: `badge ${mood}`}, word);
}

export function listed(pairs) {
  return pairs.flatMap(([name, value]) => [
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  ]);
}

export function moment(epochSeconds) {
  const date = new Date(epochSeconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return element(
    "time",
    {dateTime: date.toISOString(), title: day.format(date)},
    today ? clock.format(date) : day.format(date),
  );
}
