// The sections below the charts: workers, queue, batching, failures, deaths and reloads.

import {badge, byId, element, listed, moment, renew, table} from "./elements.js";
import {all, sum} from "./metrics.js";
import {bytes, duration, number, plural, rounded, span} from "./words.js";

const SHARING = {
  on: ({template}) => `They share the memory of one init(), in the process with id ${template}.`,
  starting: () => "Whether they can share the memory of one init() is being found out.",
  off: ({reason}) => `They do not share memory, each runs init() itself: ${reason}`,
};

export function showWorkers(workers, preload) {
  const moods = {ready: "good", busy: "good", starting: "warn", stopping: "warn"};
  const rows = workers.map(
    ({pid, state, seconds, busy_seconds: busy, answered, resident_bytes: memory}) => [
      String(pid),
      state,
      span(seconds),
      busy === null ? "–" : duration(busy),
      number.format(answered),
      bytes(memory),
    ],
  );
  const shared = preload ? SHARING[preload.state](preload) : "";
  renew("workers", [rows, shared], () => [
    ...(shared ? [element("p", {}, shared)] : []),
    rows.length
      ? table(
          "Workers",
          ["Process id", "State", "Up for", "At its work for", "Answered", "Memory"],
          rows.map(([pid, state, ...rest]) => [pid, badge(state, moods[state] ?? ""), ...rest]),
        )
      : element("p", {className: "none"}, "There is no worker at present."),
  ]);
}

export function showQueue(metrics) {
  const of = (name) => sum(all(metrics, name));
  const waiting = of("queue_jobs");
  const rows = [
    ["Requests that wait for a worker", waiting, of("queue_limit_jobs"), number.format],
    ["Bytes of bodies that come or wait", of("queue_bytes"), of("queue_limit_bytes"), bytes],
  ];
  const working = Math.max(of("jobs_in_hand") - waiting, 0);
  renew("queue", [rows, working], () => [
    ...rows.map(([name, value, limit, format]) => meter(name, value, limit, format)),
    element(
      "p",
      {className: "named"},
      element("span", {}, "Requests that workers have"),
      element("span", {}, number.format(working)),
    ),
  ]);
}

function meter(name, value, limit, format) {
  const share = limit ? Math.min(value / limit, 1) : 0;
  const fill = element("div", {className: share > 0.9 ? "full" : ""});
  fill.style.width = `${share * 100}%`;
  const bar = element(
    "div",
    {
      className: "meter",
      role: "meter",
      ariaLabel: name,
      ariaValueMin: "0",
      ariaValueMax: String(limit),
      ariaValueNow: String(value),
    },
    fill,
  );
  const text = limit ? `${format(value)} of ${format(limit)}` : `${format(value)}, no limit`;
  return element(
    "div",
    {},
    element("div", {className: "named"}, element("span", {}, name), element("span", {}, text)),
    bar,
  );
}

const WAYS = {
  off: "Each request has a call of the model to itself.",
  model: "Calls of run() meet in the model.",
  rows: "Bodies are merged by rows into one call of run().",
  "by hand": "run() takes a list of inputs (@batched).",
};

export function showBatching(batching) {
  renew("batching", batching, () => {
    if (!batching) {
      return [element("p", {className: "none"}, "Not known yet.")];
    }
    const {way, requests_at_once: most, wait_seconds: wait, off, methods} = batching;
    const on = way !== "off" && !off;
    const company = wait ? `, the oldest waiting up to ${duration(wait)} for others` : "";
    const limits = `At most ${plural(most, "request")} at once${company}.`;
    return [
      element(
        "p",
        {},
        badge(on ? "on" : "off", on ? "good" : ""),
        ` ${WAYS[on ? way : "off"] ?? way}`,
      ),
      off && element("p", {}, element("span", {className: "faint"}, "Why: "), off),
      on && element("p", {className: "faint"}, limits),
      batching.merged_calls && element("p", {}, shared(batching)),
      Object.keys(batching.ran_alone).length && element("p", {}, alone(batching.ran_alone)),
      methods.length &&
        table(
          "Methods of models",
          ["Model", "Method", "In workers", "Why off"],
          methods.map(methodCells),
        ),
    ].filter(Boolean);
  });
}

function shared({merged_requests: requests, merged_calls: calls}) {
  const each = rounded(requests / calls);
  return `${plural(requests, "request")} shared ${plural(calls, "call")}: ${each} a call.`;
}

function alone(reasons) {
  const told = Object.entries(reasons).map(
    ([reason, count]) => `${reason} ${number.format(count)}`,
  );
  return `Requests that came together and ran alone: ${told.join(", ")}.`;
}

function methodCells({model, method, workers, off}) {
  const steps = Object.entries(workers)
    .map(([step, count]) => `${step} ${count}`)
    .join(", ");
  return [element("code", {}, model), element("code", {}, method), steps, off ?? "–"];
}

export function showFailures(failures) {
  byId("key").hidden = true;
  renew("failures", failures, () =>
    failures.length
      ? [
          table(
            "Last failures",
            ["Time", "Request id", "Status", "Error"],
            failures.map(({time, request_id: id, status, error}) => [
              moment(time),
              element("code", {}, id || "–"),
              badge(String(status), "bad"),
              element("code", {}, error),
            ]),
          ),
        ]
      : [element("p", {className: "none"}, "No request has failed since the server started.")],
  );
}

export function showEvents(
  {last_death: death, last_reload: reload, last_reload_seconds_ago: since},
  metrics,
) {
  const deaths = all(metrics, "worker_deaths_total").filter(({value}) => value);
  const counted = deaths
    .map(({labels, value}) => `${labels.reason} ${number.format(value)}`)
    .join(", ");
  const told = [
    [
      "Last death of a worker",
      death
        ? `${span(death.seconds_ago)} ago: the worker with process id ${death.pid} ${death.text}.`
        : "None since the server started.",
    ],
    ...(counted ? [["Deaths by reason", counted]] : []),
    [
      "Last reload of the script",
      reload ? `${span(since)} ago: ${reload}` : "None since the server started.",
    ],
  ];
  renew("events", told, () => listed(told));
}
