// The server's counters, and what they say of the traffic since the page was opened: the
// differences between one poll and another.

export const POINTS = 90; // that are kept
const WINDOW = 5; // polls that quantiles are taken over
export const PHASES = ["total", "queue", "run"];

// Prometheus's text format, as {name: [{labels, value}]}.
export function parseMetrics(text) {
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

export function all(metrics, name, wanted = {}) {
  const fits = ({labels}) => Object.entries(wanted).every(([key, value]) => labels[key] === value);
  return (metrics[`scoreserve_${name}`] ?? []).filter(fits);
}

export function sum(series) {
  return series.reduce((total, {value}) => total + value, 0);
}

// A point a poll: rates are [answered, failed] a second, each phase is [p50, p99] in seconds, null
// where there was nothing. The point itself is null where the server was lost, or is another.
export class Traffic {
  points = [];
  #samples = []; // the last ones

  add(metrics, now) {
    const sample = sampleOf(metrics, now);
    const before = this.#samples.at(-1);
    if (before && sample.answered < before.answered) {
      this.gap(); // another server: it counts from zero
    } else if (before) {
      this.points.push(pointOf(sample, before, this.#samples[0]));
    }
    this.#samples.push(sample);
    this.#samples.splice(0, this.#samples.length - WINDOW);
    this.points.splice(0, this.points.length - POINTS);
  }

  gap() {
    this.#samples.length = 0;
    if (this.points.length) {
      this.points.push(null);
    }
  }
}

function sampleOf(metrics, now) {
  const answers = all(metrics, "requests_total", {route: "/score"});
  const phases = PHASES.map((phase) => [
    phase,
    all(metrics, "request_seconds_bucket", {phase}).map(({labels, value}) => ({
      bound: Number(labels.le.replace("Inf", "Infinity")),
      count: value,
    })),
  ]);
  return {
    at: now,
    answered: sum(answers),
    failed: sum(answers.filter(({labels}) => labels.status >= "500")),
    phases: Object.fromEntries(phases),
  };
}

function pointOf(sample, before, first) {
  const seconds = (sample.at - before.at) / 1000;
  const quantiles = PHASES.map((phase) => {
    const counts = sample.phases[phase].map(({bound, count}, index) => ({
      bound,
      count: count - first.phases[phase][index].count,
    }));
    return [phase, [quantile(0.5, counts), quantile(0.99, counts)]];
  });
  const rate = ["answered", "failed"].map((name) => (sample[name] - before[name]) / seconds);
  return {rate, ...Object.fromEntries(quantiles)};
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
