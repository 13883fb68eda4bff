// Numbers, times and counts in words.

export const number = new Intl.NumberFormat("en");
export const clock = new Intl.DateTimeFormat(undefined, {timeStyle: "medium"});
export const day = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "medium"});

export function rounded(value) {
  return number.format(value < 1000 ? Number(value.toPrecision(3)) : Math.round(value));
}

export function duration(seconds) {
  if (seconds === null) {
    return "–";
  }
  return seconds < 0.001
    ? "< 1 ms"
    : seconds < 1
      ? `${rounded(seconds * 1000)} ms`
      : `${rounded(seconds)} s`;
}

export function span(seconds) {
  const units = [
    ["d", 86400],
    ["h", 3600],
    ["min", 60],
  ];
  const index = units.findIndex(([, size]) => seconds >= size);
  if (index < 0) {
    return `${Math.floor(seconds)} s`;
  }
  const [unit, size] = units[index];
  const [smaller, less] = units[index + 1] ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit} ${Math.floor((seconds % size) / less)} ${smaller}`;
}

export function bytes(count) {
  if (count === null || count === undefined) {
    return "–";
  }
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), units.length - 1);
  return `${rounded(count / 1000 ** power)} ${units[power]}`;
}

export function plural(count, noun) {
  return `${number.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}
