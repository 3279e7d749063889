import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

import { count } from "../model/format.js";
import { rateRows, serviceKey } from "../model/samples.js";
import { html, Section } from "./html.js";

const HEIGHT = 150;
const COLOURS = 6; // --line-0 to --line-5 in style.css

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function options(width, keys) {
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
  const line = (key, i) => ({
    label: key,
    stroke: colour(`--line-${i % COLOURS}`),
    dash: i >= COLOURS ? [6, 3] : undefined,
    width: 1.5,
    points: { show: false },
    value: (_, value) => (value === null ? "–" : `${count(value)}/s`),
  });
  return {
    width,
    height: HEIGHT,
    legend: { live: true },
    cursor: { y: false },
    scales: { y: { range: (_, low, high) => [0, Math.max(high ?? 0, 10) * 1.1] } },
    axes: [
      { ...axis, values: (_, times) => times.map((time) => new Date(time * 1000).toTimeString().slice(0, 8)), space: 60, size: 26 },
      { ...axis, values: (_, values) => values.map(count), size: 52 },
    ],
    series: [{ label: "time", value: (_, time) => (time === null ? "–" : new Date(time * 1000).toTimeString().slice(0, 8)) }, ...keys.map(line)],
  };
}

/** Counts changes between light and dark: a canvas does not follow them by itself. */
function useColourScheme() {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setChanges((before) => before + 1);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return changes;
}

function Plot({ keys, samples }) {
  const place = useRef(null);
  const plot = useRef(null);
  const scheme = useColourScheme();
  useEffect(() => {
    plot.current = new uPlot(options(place.current.clientWidth, keys), rateRows(samples, keys), place.current);
    const watch = new ResizeObserver(() => plot.current.setSize({ width: place.current.clientWidth, height: HEIGHT }));
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      plot.current.destroy();
    };
  }, [keys.join("\n"), scheme]);
  useEffect(() => plot.current.setData(rateRows(samples, keys)), [samples]);
  return html`<div class="plot" ref=${place}></div>`;
}

/** The numbers of the moment stand in the table of services, for whoever can't see the lines. */
export function Plots({ traffic, samples }) {
  const vips = Object.entries(traffic?.vips ?? {}).filter(([, vip]) => vip.services.length > 0);
  if (vips.length === 0) return null;
  return html`<${Section} id="plots" title="Packets per second" note="the last five minutes, as far as this page saw them">
    ${vips.map(
      ([name, vip]) => html`<figure key=${name}>
        <figcaption>${name}</figcaption>
        <${Plot} keys=${vip.services.map((service) => serviceKey(name, service))} samples=${samples} />
      </figure>`,
    )}
  <//>`;
}
