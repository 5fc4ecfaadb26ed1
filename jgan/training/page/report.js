"use strict";

// The page that compares several runs.

const { runs } = data;

themeButton();
byId("name").textContent = runs.length > 4 ? `${runs.length} runs` : runs.map(({ name }) => name).join(", ");

function showRuns(show) {
  const names = [...new Set(runs.flatMap(({ score_curves }) => score_curves.map(({ name }) => name)))];
  const deciding = runs.map(({ score_curves, best_scores }) => best_scores ? best_scores[score_curves[0].name] : Infinity);
  const sameScore = new Set(runs.filter((run) => run.best_scores).map(({ score_curves }) => score_curves[0].name)).size === 1;
  const best = data.comparable && sameScore ? deciding.indexOf(Math.min(...deciding)) : -1;
  const rows = runs.map((run, i) => {
    const toggle = element("button", { type: "button", className: "toggle", ariaPressed: "true" }, swatch(runColor(i)), run.name);
    toggle.addEventListener("click", () => {
      const on = toggle.ariaPressed !== "true";
      toggle.ariaPressed = String(on);
      show(i, on);
    });
    return {
      className: i === best ? "best" : "",
      cells: [
        element("th", { scope: "row" }, toggle, ...(i === best ? [" ", badge("best")] : [])),
        run.steps ? `${integer(run.step)} of ${integer(run.steps)}` : integer(run.step),
        run.speed === null ? MISSING : number(run.speed),
        ...(names.length ? [run.best === null ? MISSING : integer(run.best)] : []),
        ...names.map((name) => number(run.best_scores?.[name])),
      ],
    };
  });
  byId("runs").append(table("Runs and their scores",
    ["Run", "Steps", "Images/s", ...(names.length ? ["Best step", ...names.map(title)] : [])], rows));
  const note = !names.length ? "None of the runs is scored."
    : best < 0 ? "The scores are of other data, by another judge or of another kind, so that none can be called the best."
    : "Scores are those of each run's best step; the first one decides, and lower is better.";
  byId("runs").append(element("p", { className: "hint" }, `${note} A click on a run hides its curves.`));
}

function showSamples() {
  const place = byId("samples");
  if (!data.frames.length) return place.append(element("p", { className: "empty" }, "One of the runs has drawn no sample yet."));
  const figures = runs.map(() => figure(""));
  const controls = player(data.frames.map(({ step }) => step), (i) => {
    data.frames[i].images.forEach((image, k) => {
      const step = data.frames[i].steps[k];
      figures[k].set(image, `Generated images of ${runs[k].name} at step ${integer(step)}`);
      const ended = step < data.frames[i].step ? `, ended at step ${integer(step)}` : "";
      figures[k].text.replaceChildren(swatch(runColor(k)), runs[k].name + ended);
    });
  });
  const real = data.real.map(({ image, runs: of }) => {
    const made = figure(data.real.length > 1 ? `Real images of ${of.join(", ")}` : "Real images");
    made.set(image, `Real images of ${of.join(", ")}, in the layout of the samples`);
    return made.figure;
  });
  place.append(controls, element("div", { className: "pictures side-by-side" }, ...figures.map((each) => each.figure), ...real));
}

function showCurves() {
  const names = (curves_of) => [...new Set(runs.flatMap((run) => run[curves_of].map(({ name }) => name)))];
  const quantities = ["score_curves", "curves"].flatMap((kind) => names(kind).map((name) => ({
    name, curves: runs.map((run) => run[kind].find((curve) => curve.name === name) ?? null),
  }))).filter(({ curves }) => curves.filter(Boolean).length > 1);
  const made = charts(quantities, runs);
  byId("curves").append(made.element);
  return made.show;
}

/** A table that is as high as its rows. */
function whole(made) {
  made.classList.add("whole");
  return made;
}

function showRows(id, rows) {
  const line = ({ name, values, differs }) => ({
    className: differs ? "differs" : "",
    cells: [code(name), ...values.map(words)],
  });
  const head = () => ["", ...runs.map(({ name }, i) => element("span", {}, swatch(runColor(i)), name))];
  const [different, same] = [true, false].map((differs) => rows.filter((row) => row.differs === differs));
  byId(id).append(
    different.length ? whole(table(`What differs in ${id}`, head(), different.map(line))) : element("p", { className: "empty" }, "All are the same."),
    element("details", {}, element("summary", {}, `${same.length} more are the same`), table(`What is the same in ${id}`, head(), same.map(line))));
}

const show = showCurves();
showRuns(show);
showSamples();
showRows("options", data.options);
showRows("setting", data.setting);
byId("footer").append(element("p", {}, `As of ${moment(Math.max(...runs.map(({ written }) => written)))}.`));
