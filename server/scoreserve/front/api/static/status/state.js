// The first section: whether requests should be sent here, and the figures beside it.

import {byId, listed, renew} from "./elements.js";
import {all, sum} from "./metrics.js";
import {bytes, clock, number, plural, span} from "./words.js";

export function showState(health, metrics, details) {
  byId("main").classList.remove("stale");
  const {ready, busy} = health.workers;
  const wanted = sum(all(metrics, "workers_configured"));
  if (health.status !== "ready") {
    setState(health.status, health.status === "starting" ? "warn" : "bad", health.message);
  } else {
    const takers = ready + busy;
    const verb = takers === 1 ? "takes" : "take";
    const text = `${takers} of ${plural(wanted, "worker")} ${verb} requests.`;
    setState("ready", takers < wanted ? "warn" : "good", text);
  }
  showFacts(metrics, details);
}

// The server does not answer. What the page shows is from before.
export function showLost(since) {
  byId("main").classList.add("stale");
  const text = `The server has not answered since ${clock.format(since)}.`;
  setState("no answer", "bad", `${text} This page goes on when it does.`);
}

function setState(word, mood, text) {
  byId("state").className = `badge ${mood}`;
  // A reader of screens speaks what is new: so only that is touched.
  for (const [id, said] of Object.entries({state: word, message: text})) {
    if (byId(id).textContent !== said) {
      byId(id).textContent = said;
    }
  }
}

function showFacts(metrics, details) {
  const answers = all(metrics, "requests_total", {route: "/score"});
  const ofClass = (digit) =>
    number.format(sum(answers.filter(({labels}) => labels.status[0] === digit)));
  const shed = all(metrics, "requests_shed_total").filter(({value}) => value);
  const memory = all(metrics, "process_resident_memory_bytes");
  const version = all(metrics, "build_info")[0]?.labels ?? {};
  const facts = [
    ["Answered", number.format(sum(answers))],
    ["2xx · 4xx · 5xx", `${ofClass("2")} · ${ofClass("4")} · ${ofClass("5")}`],
    [
      "Turned away",
      shed.length
        ? shed.map(({labels, value}) => `${labels.reason} ${number.format(value)}`).join(", ")
        : "0",
    ],
    ["Clients", number.format(sum(all(metrics, "connections")))],
    ["Memory", memory.length ? bytes(sum(memory)) : "–"],
    ["Up for", details ? span(details.uptime_seconds) : "–"],
    ["scoreserve", version.version ?? "–"],
    ["Python", version.python ?? "–"],
  ];
  renew("facts", facts, () => listed(facts));
}
