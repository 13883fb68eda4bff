// Small charts of the traffic: a line a value, the latest at the right end.

import {byId, element, renew} from "./elements.js";
import {PHASES, POINTS} from "./metrics.js";
import {duration, rounded, span} from "./words.js";

export function showTraffic(points, pollSeconds) {
  showRate(points, pollSeconds);
  PHASES.forEach((phase) => showPhase(phase, points, pollSeconds));
}

function showRate(points, pollSeconds) {
  const series = points.map((point) => point?.rate ?? [null, null]);
  const [rate, failed] = series.at(-1) ?? [null, null];
  const values = [
    [rate === null ? "–" : rounded(rate), "", "first"],
    [failed === null ? "–" : rounded(failed), "failed (5xx)", "failed"],
  ];
  chart("chart-rate", values, series, pollSeconds, (most) => `${rounded(most)} a second`);
}

function showPhase(phase, points, pollSeconds) {
  const series = points.map((point) => point?.[phase] ?? [null, null]);
  const [half, nearlyAll] = series.at(-1) ?? [null, null];
  const values = [
    [duration(half), "p50", "first"],
    [duration(nearlyAll), "p99", "second"],
  ];
  chart(`chart-${phase}`, values, series, pollSeconds, duration);
}

function chart(id, values, series, pollSeconds, scale) {
  const most = Math.max(...series.flat().filter((value) => value !== null), 0);
  const shown = [values, series.length, most, series.at(-1)];
  const caption = byId(id).querySelector("figcaption");
  renew(id, shown, () => [
    caption,
    element(
      "div",
      {className: "values"},
      ...values.map(([value, name, look]) =>
        element(
          "div",
          {},
          element("i", {className: look}),
          element("b", {}, value),
          " ",
          element("span", {}, name),
        ),
      ),
    ),
    drawing(
      series,
      most,
      values.map(([, , look]) => look),
      describe(caption.textContent, values),
    ),
    element(
      "div",
      {className: "scale"},
      element("span", {}, ago(series.length, pollSeconds)),
      element("span", {}, most ? `most: ${scale(most)}` : ""),
    ),
  ]);
}

function ago(count, pollSeconds) {
  return count > 1 ? `the last ${span((count - 1) * pollSeconds)}` : "";
}

function describe(caption, values) {
  return `${caption}: ${values.map(([value, name]) => `${name} ${value}`.trim()).join(", ")}`;
}

function drawing(series, most, looks, label) {
  const make = (tag, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    made.append(...children);
    return made;
  };
  const lines = looks.map((look, index) =>
    make("path", {
      class: look,
      d: line(
        series.map((row) => row[index]),
        most,
      ),
    }),
  );
  const box = {
    class: "chart",
    viewBox: "0 0 100 56",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": label,
  };
  return make("svg", box, make("path", {class: "base", d: "M0 55.5H100"}), ...lines.reverse());
}

// A path with a gap where nothing is known. The latest is at the right end.
function line(values, most) {
  const left = POINTS - values.length;
  let drawn = false;
  return values
    .map((value, index) => {
      if (value === null) {
        drawn = false;
        return "";
      }
      const x = (((left + index) * 100) / (POINTS - 1)).toFixed(2);
      const y = (54 - (most ? (value / most) * 52 : 0)).toFixed(2);
      const command = drawn ? "L" : "M";
      drawn = true;
      return `${command}${x} ${y}`;
    })
    .join("");
}
