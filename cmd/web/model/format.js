// Numbers and times as a person reads them. Times are this browser's local ones.
const two = (number) => String(number).padStart(2, "0");

export function clock(time) {
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** The time of day, with the date unless it is today's. */
export function moment(time) {
  const date = new Date(time);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return new Date().toDateString() === date.toDateString() ? clock(time) : `${day} ${clock(time)}`;
}

/** 999, 12.3 k, 4.56 M: three digits are enough to compare by. */
export function count(number) {
  if (number < 1000) return String(Math.round(number));
  const units = ["k", "M", "G", "T", "P"];
  const power = Math.min(Math.floor(Math.log10(number) / 3), units.length);
  const scaled = number / 1000 ** power;
  return `${scaled.toPrecision(scaled >= 999.5 ? 4 : 3)} ${units[power - 1]}`;
}

export function rate(perSecond) {
  if (perSecond === null) return "–";
  return `${perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(perSecond)}/s`;
}

export function duration(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60000)} min`;
}

export const plural = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
