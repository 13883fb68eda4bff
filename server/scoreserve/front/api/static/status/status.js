// Shows what the server is doing. Every two seconds it reads /health/ready (state, workers, batching),
// /metrics (counters, of which it shows the differences) and status/details.json (last failures).
//
//     poll ─→ read ─→ sample ─→ points ─→ show
//
// All that comes from the server is put into the page as text, never as markup.

import {askForKey, fetchWithKey, KeyNeeded} from "./api_key.js";

const POLL_MS = 2000;
const PATIENCE_MS = 5000;
const POINTS = 90; // of a chart: three minutes
const WINDOW = 5; // polls that quantiles are taken over: ten seconds
const PHASES = ["total", "queue", "run"];

const byId = (id) => document.getElementById(id);
const samples = []; // the last ones, of which charts show the differences
const points = [];
let lostSince = null;
let keyNeeded = false;
let timer = 0;
let polling = false;

// Reading.

async function poll() {
  if (polling) {
    return;
  }
  polling = true;
  clearTimeout(timer);
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const [health, metrics, details] = await Promise.all([
      fetch("health/ready", {signal}).then((response) => response.json()),
      fetch("metrics", {signal}).then((response) => response.text()).then(parseMetrics),
      readDetails(signal),
    ]);
    lostSince = null;
    addPoint(sampleOf(metrics));
    show(health, metrics, details);
  } catch (error) {
    if (!["TypeError", "TimeoutError", "AbortError", "SyntaxError"].includes(error.name)) {
      console.error(error);
    }
    lost();
  }
  polling = false;
  if (!document.hidden) {
    timer = setTimeout(poll, POLL_MS);
  }
}

// What needs an API key; null while none is given that the server knows.
async function readDetails(signal) {
  if (keyNeeded) {
    return null;
  }
  try {
    const response = await fetchWithKey("status/details.json", {signal});
    return response.ok ? await response.json() : null;
  } catch (error) {
    if (!(error instanceof KeyNeeded)) {
      throw error;
    }
    ask(false);
    return null;
  }
}

function ask(wrong) {
  keyNeeded = true;
  const given = async () => {
    keyNeeded = false;
    await poll();
    if (keyNeeded) {
      ask(true);
    }
  };
  askForKey(byId("key"), given, wrong);
}

// Prometheus's text format, as {name: [{labels, value}]}.
function parseMetrics(text) {
  const found = {};
  for (const line of text.split("\n")) {
    const [, name, inside = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name) {
      const labels = Object.fromEntries(
        [...inside.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, label]) => [key, label]),
      );
      (found[name] ??= []).push({labels, value: Number(value.replace("Inf", "Infinity"))});
    }
  }
  return found;
}

function all(metrics, name, wanted = {}) {
  const fits = ({labels}) => Object.entries(wanted).every(([key, value]) => labels[key] === value);
  return (metrics[`scoreserve_${name}`] ?? []).filter(fits);
}

function sum(series) {
  return series.reduce((total, {value}) => total + value, 0);
}

// Counting.

function sampleOf(metrics) {
  const answers = all(metrics, "requests_total", {route: "/score"});
  const phases = PHASES.map((phase) => [
    phase,
    all(metrics, "request_seconds_bucket", {phase}).map(({labels, value}) => ({
      bound: Number(labels.le.replace("Inf", "Infinity")),
      count: value,
    })),
  ]);
  return {
    at: performance.now(),
    answered: sum(answers),
    failed: sum(answers.filter(({labels}) => labels.status >= "500")),
    phases: Object.fromEntries(phases),
  };
}

function addPoint(sample) {
  const before = samples.at(-1);
  if (before && sample.answered < before.answered) {
    gap(); // another server: it counts from zero
  } else if (before) {
    const seconds = (sample.at - before.at) / 1000;
    const window = samples[0];
    const quantiles = PHASES.map((phase) => {
      const counts = sample.phases[phase].map(({bound, count}, index) => ({
        bound,
        count: count - window.phases[phase][index].count,
      }));
      return [phase, [quantile(0.5, counts), quantile(0.99, counts)]];
    });
    points.push({
      rate: [
        (sample.answered - before.answered) / seconds,
        (sample.failed - before.failed) / seconds,
      ],
      ...Object.fromEntries(quantiles),
    });
  }
  samples.push(sample);
  samples.splice(0, samples.length - WINDOW);
  points.splice(0, points.length - POINTS);
}

function gap() {
  samples.length = 0;
  if (points.length) {
    points.push(null);
  }
}

// As Prometheus estimates it: in between the bounds of the bucket that it lies in.
function quantile(share, counts) {
  const rank = share * (counts.at(-1)?.count ?? 0);
  const index = counts.findIndex(({count}) => count > 0 && count >= rank);
  if (!rank || index < 0) {
    return null;
  }
  const {bound: lower, count: below} = index ? counts[index - 1] : {bound: 0, count: 0};
  const {bound: upper, count} = counts[index];
  return upper === Infinity ? lower : lower + ((upper - lower) * (rank - below)) / (count - below);
}

// Words.

const number = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat(undefined, {timeStyle: "medium"});
const day = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "medium"});

function rounded(value) {
  return number.format(Number(value.toPrecision(value < 1000 ? 3 : 6).replace(/e.*/, "")));
}

function duration(seconds) {
  if (seconds === null) {
    return "–";
  }
  return seconds < 0.001 ? "< 1 ms" : seconds < 1 ? `${rounded(seconds * 1000)} ms` : `${rounded(seconds)} s`;
}

function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  const index = units.findIndex(([, size]) => seconds >= size);
  if (index < 0) {
    return `${Math.floor(seconds)} s`;
  }
  const [unit, size] = units[index];
  const [smaller, less] = units[index + 1] ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit} ${Math.floor((seconds % size) / less)} ${smaller}`;
}

function bytes(count) {
  if (count === null || count === undefined) {
    return "–";
  }
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return `${rounded(count / 1000 ** power)} ${units[power]}`;
}

function moment(epochSeconds) {
  const date = new Date(epochSeconds * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return element("time", {dateTime: date.toISOString(), title: day.format(date)}, today ? clock.format(date) : day.format(date));
}

function plural(count, noun) {
  return `${number.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

// Elements.

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Makes the content of an element anew, but only where what it shows has changed: a text that is
// being selected stays so.
function renew(id, shown, make) {
  const place = byId(id);
  const key = JSON.stringify(shown);
  if (place.dataset.shown !== key) {
    place.dataset.shown = key;
    place.replaceChildren(...make());
  }
}

function table(caption, names, rows) {
  const head = names.map((name) => element("th", {scope: "col"}, name));
  const body = rows.map((cells) =>
    element("tr", {}, ...cells.map((cell, index) => {
      const made = element("td", {}, element("span", {}, cell));
      made.dataset.name = names[index];
      return made;
    })),
  );
  return element(
    "table", {ariaLabel: caption},
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body),
  );
}

function badge(word, mood) {
  return element("span", {className: `badge ${mood}`}, word);
}

function listed(pairs) {
  return pairs.flatMap(([name, value]) => [element("div", {}, element("dt", {}, name), element("dd", {}, value))]);
}

// Showing.

function show(health, metrics, details) {
  showState(health, metrics, details);
  showRate();
  PHASES.forEach(showPhase);
  showWorkers(health.processes);
  showQueue(metrics);
  showBatching(health.batching);
  if (details) {
    byId("title").textContent = details.title;
    document.title = `${details.title} · Status`;
    showFailures(details.failures);
  }
  showEvents(health, metrics);
}

function setState(word, mood, text) {
  // A reader of screens speaks what is new: so only that is touched.
  byId("state").className = `badge ${mood}`;
  for (const [id, said] of [["state", word], ["message", text]]) {
    if (byId(id).textContent !== said) {
      byId(id).textContent = said;
    }
  }
}

function lost() {
  if (lostSince === null) {
    lostSince = new Date();
    gap();
    byId("main").classList.add("stale");
    setState("no answer", "bad", `The server has not answered since ${clock.format(lostSince)}. This page goes on when it does.`);
  }
}

function showState(health, metrics, details) {
  byId("main").classList.remove("stale");
  const {ready, busy} = health.workers;
  const wanted = sum(all(metrics, "workers_configured"));
  if (health.status !== "ready") {
    setState(health.status, health.status === "starting" ? "warn" : "bad", health.message);
  } else {
    const text = `${ready + busy} of ${plural(wanted, "worker")} ${ready + busy === 1 ? "takes" : "take"} requests.`;
    setState("ready", ready + busy < wanted ? "warn" : "good", text);
  }
  const answers = all(metrics, "requests_total", {route: "/score"});
  const class_ = (digit) => number.format(sum(answers.filter(({labels}) => labels.status[0] === digit)));
  const shed = all(metrics, "requests_shed_total").filter(({value}) => value);
  const memory = all(metrics, "process_resident_memory_bytes");
  const version = all(metrics, "build_info")[0]?.labels ?? {};
  const facts = [
    ["Answered", number.format(sum(answers))],
    ["2xx · 4xx · 5xx", `${class_("2")} · ${class_("4")} · ${class_("5")}`],
    ["Turned away", shed.length ? shed.map(({labels, value}) => `${labels.reason} ${number.format(value)}`).join(", ") : "0"],
    ["Clients", number.format(sum(all(metrics, "connections")))],
    ["Memory", memory.length ? bytes(sum(memory)) : "–"],
    ["Up for", details ? span(details.uptime_seconds) : "–"],
    ["scoreserve", version.version ?? "–"],
    ["Python", version.python ?? "–"],
  ];
  renew("facts", facts, () => listed(facts));
}

function showRate() {
  const series = points.map((point) => point?.rate ?? [null, null]);
  const [rate, failed] = series.at(-1) ?? [null, null];
  const values = [
    [rate === null ? "–" : rounded(rate), "", "first"],
    [failed === null ? "–" : rounded(failed), "failed (5xx)", "failed"],
  ];
  chart("chart-rate", values, series, (most) => `${rounded(most)} a second`);
}

function showPhase(phase) {
  const series = points.map((point) => point?.[phase] ?? [null, null]);
  const [half, nearlyAll] = series.at(-1) ?? [null, null];
  const values = [[duration(half), "p50", "first"], [duration(nearlyAll), "p99", "second"]];
  chart(`chart-${phase}`, values, series, duration);
}

function chart(id, values, series, scale) {
  const most = Math.max(...series.flat().filter((value) => value !== null), 0);
  const shown = [values, series.length, most, series.at(-1)];
  const figure = byId(id);
  const caption = figure.querySelector("figcaption");
  renewFigure(figure, caption, shown, () => [
    element("div", {className: "values"}, ...values.map(([value, name, look]) =>
      element("div", {}, element("i", {className: look}), element("b", {}, value), " ", element("span", {}, name)),
    )),
    drawing(series, most, values.map(([, , look]) => look), describe(caption.textContent, values)),
    element("div", {className: "scale"}, element("span", {}, ago(series.length)), element("span", {}, most ? `most: ${scale(most)}` : "")),
  ]);
}

function renewFigure(figure, caption, shown, make) {
  const key = JSON.stringify(shown);
  if (figure.dataset.shown !== key) {
    figure.dataset.shown = key;
    figure.replaceChildren(caption, ...make());
  }
}

function ago(count) {
  return count > 1 ? `the last ${span(((count - 1) * POLL_MS) / 1000)}` : "";
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
  const lines = looks.map((look, index) => make("path", {class: look, d: line(series.map((row) => row[index]), most)}));
  const box = {class: "chart", viewBox: "0 0 100 56", preserveAspectRatio: "none", role: "img", "aria-label": label};
  return make("svg", box, make("path", {class: "base", d: "M0 55.5H100"}), ...lines.reverse());
}

// A path with a gap where nothing is known. The latest is at the right end.
function line(values, most) {
  const left = POINTS - values.length;
  let drawn = false;
  return values.map((value, index) => {
    if (value === null) {
      drawn = false;
      return "";
    }
    const x = (((left + index) * 100) / (POINTS - 1)).toFixed(2);
    const y = (54 - (most ? (value / most) * 52 : 0)).toFixed(2);
    const command = drawn ? "L" : "M";
    drawn = true;
    return `${command}${x} ${y}`;
  }).join("");
}

function showWorkers(workers) {
  const moods = {ready: "good", busy: "good", starting: "warn", stopping: "warn"};
  const rows = workers.map(({pid, state, seconds, busy_seconds: busy, answered, resident_bytes: memory}) =>
    [String(pid), state, span(seconds), busy === null ? "–" : duration(busy), number.format(answered), bytes(memory)]);
  renew("workers", rows, () => rows.length
    ? [table(
      "Workers", ["Process id", "State", "Up for", "At its work for", "Answered", "Memory"],
      rows.map(([pid, state, ...rest]) => [pid, badge(state, moods[state] ?? ""), ...rest]),
    )]
    : [element("p", {className: "none"}, "There is no worker at present.")]);
}

function showQueue(metrics) {
  const of = (name) => sum(all(metrics, name));
  const waiting = of("queue_jobs");
  const rows = [
    ["Requests that wait for a worker", waiting, of("queue_limit_jobs"), number.format],
    ["Bytes of bodies that come or wait", of("queue_bytes"), of("queue_limit_bytes"), bytes],
  ];
  const working = Math.max(of("jobs_in_hand") - waiting, 0);
  renew("queue", [rows, working], () => [
    ...rows.map(([name, value, limit, format]) => meter(name, value, limit, format)),
    element("p", {className: "named"}, element("span", {}, "Requests that workers have"), element("span", {}, number.format(working))),
  ]);
}

function meter(name, value, limit, format) {
  const share = limit ? Math.min(value / limit, 1) : 0;
  const fill = element("div", {className: share > 0.9 ? "full" : ""});
  fill.style.width = `${share * 100}%`;
  const bar = element("div", {
    className: "meter", role: "meter", ariaLabel: name, ariaValueMin: "0", ariaValueMax: String(limit), ariaValueNow: String(value),
  }, fill);
  const text = limit ? `${format(value)} of ${format(limit)}` : `${format(value)}, no limit`;
  return element("div", {}, element("div", {className: "named"}, element("span", {}, name), element("span", {}, text)), bar);
}

const WAYS = {
  "off": "Each request has a call of the model to itself.",
  "model": "Calls of run() meet in the model.",
  "rows": "Bodies are merged by rows into one call of run().",
  "by hand": "run() takes a list of inputs (@batched).",
};

function showBatching(batching) {
  renew("batching", batching, () => {
    if (!batching) {
      return [element("p", {className: "none"}, "Not known yet.")];
    }
    const {way, requests_at_once: most, wait_seconds: wait, off, methods} = batching;
    const on = way !== "off" && !off;
    const limits = `At most ${plural(most, "request")} at once${wait ? `, the oldest waiting up to ${duration(wait)} for others` : ""}.`;
    return [
      element("p", {}, badge(on ? "on" : "off", on ? "good" : ""), ` ${WAYS[on ? way : "off"] ?? way}`),
      off && element("p", {}, element("span", {className: "faint"}, "Why: "), off),
      on && element("p", {className: "faint"}, limits),
      batching.merged_calls && element("p", {}, shared(batching)),
      Object.keys(batching.ran_alone).length && element("p", {}, alone(batching.ran_alone)),
      methods.length && table("Methods of models", ["Model", "Method", "In workers", "Why off"], methods.map(methodCells)),
    ].filter(Boolean);
  });
}

function shared({merged_requests: requests, merged_calls: calls}) {
  return `${plural(requests, "request")} shared ${plural(calls, "call")}: ${rounded(requests / calls)} a call.`;
}

function alone(reasons) {
  const told = Object.entries(reasons).map(([reason, count]) => `${reason} ${number.format(count)}`);
  return `Requests that came together and ran alone: ${told.join(", ")}.`;
}

function methodCells({model, method, workers, off}) {
  const steps = Object.entries(workers).map(([step, count]) => `${step} ${count}`).join(", ");
  return [element("code", {}, model), element("code", {}, method), steps, off ?? "–"];
}

function showFailures(failures) {
  byId("key").hidden = true;
  renew("failures", failures, () => failures.length
    ? [table("Last failures", ["Time", "Request id", "Status", "Error"], failures.map(
      ({time, request_id: id, status, error}) =>
        [moment(time), element("code", {}, id || "–"), badge(String(status), "bad"), element("code", {}, error)],
    ))]
    : [element("p", {className: "none"}, "No request has failed since the server started.")]);
}

function showEvents({last_death: death, last_reload: reload, last_reload_seconds_ago: since}, metrics) {
  const deaths = all(metrics, "worker_deaths_total").filter(({value}) => value);
  const counted = deaths.map(({labels, value}) => `${labels.reason} ${number.format(value)}`).join(", ");
  const told = [
    ["Last death of a worker", death ? `${span(death.seconds_ago)} ago: the worker with process id ${death.pid} ${death.text}.` : "None since the server started."],
    ...(counted ? [["Deaths by reason", counted]] : []),
    ["Last reload of the script", reload ? `${span(since)} ago: ${reload}` : "None since the server started."],
  ];
  renew("events", told, () => listed(told));
}

document.addEventListener("visibilitychange", () => document.hidden || poll());
poll();
