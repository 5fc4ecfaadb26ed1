"use strict";

// The page of one run.

const run = data;
const isDone = run.steps !== null && run.step >= run.steps;

themeButton();
byId("program").textContent = run.program;
byId("name").textContent = run.name;

function showProgress() {
  const share = run.steps ? Math.min(1, run.step / run.steps) : null;
  const state = isDone ? badge("Done") : "";
  byId("progress").append(
    element("p", {}, element("strong", {}, `Step ${integer(run.step)}`), run.steps ? ` of ${integer(run.steps)} ` : " ", state),
    ...(share === null ? [] : [element("progress", { max: 1, value: share, ariaLabel: "Steps done" })]));
  const session = run.sessions.at(-1);
  const best = run.scores.find((row) => row.step === run.best), deciding = run.score_curves[0]?.name;
  const tile = (name, value, more = "") => element("div", {},
    element("dt", {}, name), element("dd", {}, value, ...(more ? [element("small", {}, more)] : [])));
  byId("tiles").append(
    ...(run.speed === null ? [] : [
      tile("Speed", `${number(run.speed)} images/s`),
      tile("Trained for", duration(run.computed)),
      ...(isDone ? [] : [tile("Left at this speed", duration(run.left))]),
    ]),
    ...(session ? [tile("Device", words(session.device))] : []),
    ...(best ? [tile("Best step", integer(run.best), `${title(deciding)} ${number(best[deciding])}`)] : []));
}

function showSamples() {
  const place = byId("samples");
  const real = figure("Real images");
  if (run.real) real.set(run.real, "Real images, in the layout of the samples");
  if (!run.samples.length) {
    return place.append(element("p", { className: "empty" }, "No sample has been drawn yet."), ...(run.real ? [real.figure] : []));
  }
  const drawn = figure("Generated");
  const controls = player(run.samples.map(({ step }) => step), (i) => {
    const { step, image } = run.samples[i];
    drawn.set(image, `Generated images at step ${integer(step)}`);
  });
  place.append(controls, element("div", { className: "pictures" }, drawn.figure, ...(run.real ? [real.figure] : [])));
  if (run.real) makeEquallyHigh([drawn.figure, real.figure]);
}

/** So that the rows of their images lie side by side, however many columns each has. */
async function makeEquallyHigh(figures) {
  const images = figures.map((each) => each.querySelector("img"));
  await Promise.all(images.map((image) => image.decode()));
  const aspects = images.map((image) => image.naturalWidth / image.naturalHeight);
  figures.forEach((each, i) => { each.style.width = `${100 * aspects[i] / Math.max(...aspects)}%`; });
}

function showCurves() {
  const quantities = [...run.score_curves, ...run.curves].map((curve) => ({ name: curve.name, curves: [curve] }));
  if (!quantities.length) return byId("curves").append(element("p", { className: "empty" }, "Nothing has been logged yet."));
  byId("curves").append(charts(quantities, [run]).element);
}

function showScores() {
  if (!run.scores.length) return byId("scores-section").remove();
  const names = run.score_curves.map(({ name }) => name);
  const rows = run.scores.toReversed().map((row) => ({
    className: row.step === run.best ? "best" : "",
    cells: [
      element("th", { scope: "row" }, integer(row.step), ...(row.step === run.best ? [" ", badge("best")] : [])),
      ...names.map((name) => number(row[name])),
    ],
  }));
  byId("scores").append(table("Scores by step", ["Step", ...names.map(title)], rows));
}

function showFacts() {
  const entry = ([name, value]) => element("div", {}, element("dt", {}, code(name)), element("dd", {}, value));
  const given = Object.entries(run.options).filter(([, value]) => value !== null);
  byId("options").append(...given.map(([name, value]) => entry([name, words(value)])));
  const names = [...new Set(run.sessions.flatMap(Object.keys))].filter((name) => name !== "steps");
  byId("setting").append(...names.map((name) => {
    const all = run.sessions.map((session) => name in session ? words(session[name]) : MISSING);
    return entry([name, [...new Set(all)].join(" → ")]);
  }));
  if (run.sessions.length > 1) byId("setting").append(entry(["sessions", integer(run.sessions.length)]));
  byId("files").append(table("Files of the run", ["File", "Size"], run.files.map(({ name, bytes: size, n }) => ({
    cells: [element("a", { href: encodeURIComponent(name).replace(/%2F$/, "/") }, name), n === undefined ? bytes(size) : `${integer(n)} file${n === 1 ? "" : "s"}, ${bytes(size)}`],
  }))));
}

showProgress();
showSamples();
showCurves();
showScores();
showFacts();
byId("footer").append(
  element("p", {}, `As of ${moment(run.written)}. The page is written anew whenever the run saves its state; reload it to see more. `
    + "It holds its pictures and curves and can be sent alone; the links to files lead into the run's directory."));
