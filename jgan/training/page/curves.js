"use strict";

// Charts over the steps: one for each quantity, in it a curve for each run; all share what is shown and where one points.

const HEIGHT = 190;
const FEW = 25; // points of a curve, each of which is marked

const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const RUN_COLORS = ["--run-1", "--run-2", "--run-3", "--run-4", "--run-5", "--run-6"];
const runColor = (i) => RUN_COLORS[i % RUN_COLORS.length];
const DASHES = [[], [7, 4], [2, 3]]; // of the curves when colours come again
const runDash = (i) => DASHES[Math.floor(i / RUN_COLORS.length) % DASHES.length];

/** The labels of an axis: with as many decimals as tell values apart that lie a step apart. */
function ticks(values, step) {
  const largest = Math.max(...values.map(Math.abs)), isPlain = largest < 1e5 && step >= 1e-4;
  const unit = isPlain ? 1 : 10 ** Math.floor(Math.log10(largest || 1));
  let decimals = 0;
  while (decimals < 8 && Math.abs(step / unit * 10 ** decimals - Math.round(step / unit * 10 ** decimals)) > 1e-6) decimals++;
  return values.map((value) => isPlain ? value.toFixed(decimals) : value === 0 ? "0" : value.toExponential(decimals));
}

/**
 * Charts of quantities [{name, curves: [curve of each run, or null]}], and the buttons that zoom them.
 * Returns the element, and show(run, on) to hide a run and show it again.
 */
function charts(quantities, runs) {
  const steps = quantities.flatMap(({ curves }) => curves.flatMap((curve) => curve ? curve.steps : []));
  const least = steps.reduce((a, b) => Math.min(a, b)), most = steps.reduce((a, b) => Math.max(a, b));
  const whole = least < most ? [least, most] : [least - 1, most + 1];

  const view = {
    range: whole,
    zoom(low, high) {
      const width = Math.min(Math.max(2, high - low), whole[1] - whole[0]);
      const start = Math.max(whole[0], Math.min(low, whole[1] - width));
      view.range = [start, start + width];
      for (const { plot } of made) plot.setScale("x", { min: start, max: start + width });
    },
    by(factor, center = (view.range[0] + view.range[1]) / 2) {
      view.zoom(center - (center - view.range[0]) * factor, center + (view.range[1] - center) * factor);
    },
    reset: () => view.zoom(...whole),
  };
  const made = quantities.map((quantity) => chart(quantity, runs, view));

  const button = (label, text, act) => {
    const made = element("button", { type: "button", ariaLabel: label, title: label }, text);
    made.addEventListener("click", act);
    return made;
  };
  const many = runs.length > 1;
  const toolbar = element("div", { className: "toolbar" },
    element("p", { className: "hint" },
      `Faint: as logged. Strong: the running mean${many ? ", whose values are given" : ""}. Drag over a stretch to enlarge it.`),
    element("div", { className: "buttons" },
      button("Zoom in", "+", () => view.by(0.5)),
      button("Zoom out", "−", () => view.by(2)),
      button("Show all steps", "All", view.reset)));
  document.addEventListener("theme", () => made.forEach(({ plot }) => plot.redraw()));
  return {
    element: element("div", {}, toolbar, element("div", { className: "charts" }, ...made.map(({ card }) => card))),
    show: (run, on) => made.forEach(({ show }) => show(run, on)),
  };
}

function chart({ name, curves }, runs, view) {
  const readout = element("div", { className: "readout" });
  const place = element("div", { className: "plot", tabIndex: 0, role: "slider", ariaLabel: title(name) });
  const card = element("article", { className: "card chart" },
    element("div", { className: "chart-head" }, element("h3", {}, title(name)), readout), place);
  const single = runs.length === 1;
  const visible = runs.map(() => true);

  const tables = curves.map((curve) => curve ? [curve.steps, curve.low, curve.high, curve.mean] : [[], [], [], []]);
  const values = single ? tables[0] : uPlot.join(tables);
  const color = (i, opacity) => () => {
    const hex = variable(single ? "--accent" : runColor(i));
    return opacity === undefined ? hex : hex + Math.round(255 * opacity).toString(16).padStart(2, "0");
  };
  const faint = single ? 0.4 : 0.28;
  const series = (i, curve) => {
    const isThinned = curve?.low.some((value, k) => value !== curve.high[k]);
    const edge = { stroke: color(i, isThinned ? faint / 2 : faint), width: 1, spanGaps: true, points: { show: false } };
    const points = { show: (curve?.steps.length ?? 0) < FEW, size: 6, fill: color(i) };
    return [edge, edge, { stroke: color(i), width: 2, spanGaps: true, dash: runDash(i), points }];
  };
  const axis = { stroke: () => variable("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => variable("--line"), width: 1 };
  const meanOf = (i) => 3 + 3 * i;

  const plot = new uPlot({
    width: 320,
    height: HEIGHT,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    scales: { x: { time: false, range: () => view.range } },
    series: [{}, ...curves.flatMap((curve, i) => series(i, curve).map((each) => ({ ...each })))],
    bands: curves.map((_, i) => ({ series: [meanOf(i) - 1, meanOf(i) - 2], fill: color(i, faint / 2) })),
    axes: [
      { ...axis, size: 28, gap: 6, space: 70, grid: { show: false }, values: (_, ticks) => ticks.map((v) => Number.isInteger(v) ? integer(v) : "") },
      { ...axis, size: 56, gap: 6, space: 36, grid, values: (_, values, axis, space, step) => ticks(values, step) },
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { show: (u, i) => i % 3 === 0 && i > 0 ? undefined : false, size: 7, fill: (u, i) => color(i / 3 - 1)(), width: 0 },
      sync: { key: "steps", scales: ["x", null], filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
      bind: { dblclick: () => () => { view.reset(); return null; } },
    },
    hooks: {
      setCursor: [tell],
      setSelect: [(u) => {
        const { left, width } = u.select;
        if (width > 5) view.zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
    },
  }, values, place);

  /** Say the values where the cursor is, or those of the end. */
  function tell(u) {
    const end = u.data[0].length - 1;
    const at = u.cursor.idx ?? null;
    const index = (i) => at === null ? curves[i] && u.data[meanOf(i)].findLastIndex((v) => v != null) : u.cursor.idxs[meanOf(i)];
    const step = u.data[0][at ?? end];
    const parts = runs.map((run, i) => {
      const found = curves[i] && visible[i] ? index(i) : null;
      if (found === null || found === undefined || found < 0) return null;
      const [low, high, mean] = [-2, -1, 0].map((k) => u.data[meanOf(i) + k][found]);
      const logged = low === high ? number(low) : `${number(low)} to ${number(high)}`;
      return single ? [element("b", {}, logged), logged === number(mean) ? "" : `, mean ${number(mean)}`]
        : [swatch(runColor(i)), element("b", {}, number(mean)), element("span", { className: "sr" }, ` ${run.name}`)];
    });
    readout.replaceChildren(
      ...parts.filter(Boolean).map((part) => element("span", {}, ...part)),
      element("span", {}, at === null && !single ? "last" : `step ${integer(step)}`));
    place.ariaValueMin = u.data[0][0];
    place.ariaValueMax = u.data[0][end];
    place.ariaValueNow = step;
    place.ariaValueText = [...readout.children].map((child) => child.textContent).join("; ");
  }

  /** Move the cursor as a key says; whether it is one of ours. */
  function press(key) {
    const u = plot, end = u.data[0].length - 1;
    const inside = u.data[0].reduce((found, step, i) => step >= view.range[0] && step <= view.range[1] ? [...found, i] : found, []);
    if (key === "Escape" || key === "0") return view.reset(), true;
    if (key === "+" || key === "=") return view.by(0.5, u.cursor.idx == null ? undefined : u.data[0][u.cursor.idx]), true;
    if (key === "-") return view.by(2), true;
    const now = u.cursor.idx ?? end;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, PageDown: now - 20, PageUp: now + 20, Home: inside[0], End: inside.at(-1) }[key];
    if (to === undefined || !inside.length) return false;
    const i = Math.max(inside[0], Math.min(to, inside.at(-1)));
    u.setCursor({ left: u.valToPos(u.data[0][i], "x"), top: HEIGHT / 3 }, true, true); // and those of the other curves
    return true;
  }

  place.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.metaKey && !event.altKey && press(event.key)) event.preventDefault();
  });
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  tell(plot);
  return {
    card, plot,
    show(run, on) {
      visible[run] = on;
      for (const i of [0, 1, 2]) plot.setSeries(meanOf(run) - i, { show: on });
      tell(plot);
    },
  };
}
