// Shows what the server is doing. Every two seconds it reads /health/ready (state, workers,
// batching), /metrics (counters, of which it shows the differences) and status/details.json (the
// last failures).
//
//     poll ─→ Traffic ─→ points ─→ charts
//       └──────────────────────→ state, sections

import {askForKey, fetchWithKey, KeyNeeded} from "./api_key.js";
import {showTraffic} from "./charts.js";
import {byId} from "./elements.js";
import {parseMetrics, Traffic} from "./metrics.js";
import {showBatching, showEvents, showFailures, showQueue, showWorkers} from "./sections.js";
import {showLost, showState} from "./state.js";

const POLL_SECONDS = 2;
const PATIENCE_MS = 5000;
// What a request raises that is not answered, or not to its end.
const NO_ANSWER = new Set(["AbortError", "SyntaxError", "TimeoutError", "TypeError"]);

const traffic = new Traffic();
let lostSince = null;
let keyNeeded = false;
let keyTried = false; // and not known yet to be a good one
let polling = false;
let timer = 0;

async function poll() {
  if (polling) {
    return;
  }
  polling = true;
  clearTimeout(timer);
  try {
    const told = await read().catch(noAnswer);
    if (told) {
      lostSince = null;
      show(...told);
    }
  } finally {
    polling = false;
    if (!document.hidden) {
      timer = setTimeout(poll, POLL_SECONDS * 1000);
    }
  }
}

async function read() {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return Promise.all([
    fetch("health/ready", {signal}).then((response) => response.json()),
    fetch("metrics", {signal}).then((response) => response.text()),
    readDetails(signal),
  ]);
}

function noAnswer(error) {
  if (!NO_ANSWER.has(error.name)) {
    throw error;
  }
  if (lostSince === null) {
    lostSince = new Date();
    traffic.gap();
  }
  showLost(lostSince);
}

// What needs an API key; null while none is given that the server knows.
async function readDetails(signal) {
  if (keyNeeded) {
    return null;
  }
  try {
    const response = await fetchWithKey("status/details.json", {signal});
    keyTried = false;
    return response.ok ? await response.json() : null;
  } catch (error) {
    if (!(error instanceof KeyNeeded)) {
      throw error;
    }
    keyNeeded = true;
    askForKey(byId("key"), useKey, keyTried);
    return null;
  }
}

function useKey() {
  keyNeeded = false;
  keyTried = true;
  poll();
}

function show(health, page, details) {
  const metrics = parseMetrics(page);
  traffic.add(metrics, performance.now());
  showState(health, metrics, details);
  showTraffic(traffic.points, POLL_SECONDS);
  showWorkers(health.processes, health.preload);
  showQueue(metrics);
  showBatching(health.batching);
  showEvents(health, metrics);
  if (details) {
    byId("title").textContent = details.title;
    document.title = `${details.title} · Status`;
    showFailures(details.failures);
  }
}

document.addEventListener("visibilitychange", () => document.hidden || poll());
poll();
