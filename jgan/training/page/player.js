"use strict";

// A slider over the training, with a play button.

const FRAME_MS = 250;

/**
 * The controls, which call show(i) for each of the steps at which something was drawn; at first the last one is shown.
 * Playing begins anew at the end, and stops there.
 */
function player(steps, show) {
  const last = steps.length - 1;
  const slider = element("input", { type: "range", min: 0, max: last, step: 1, value: last, ariaLabel: "Step" });
  const output = element("output", { className: "step" });
  const button = element("button", { type: "button", className: "play" });
  let timer = null;

  function move(i) {
    slider.value = i;
    slider.ariaValueText = `step ${integer(steps[i])}`;
    output.textContent = `step ${integer(steps[i])}`;
    slider.style.setProperty("--done", last ? i / last : 1);
    show(i);
  }

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(next, FRAME_MS) : null;
    button.dataset.playing = on;
    button.ariaLabel = on ? "Pause" : "Play the training";
  }

  function next() {
    const i = Number(slider.value) + 1;
    if (i <= last) move(i);
    if (i >= last) play(false);
  }

  slider.addEventListener("input", () => { play(false); move(Number(slider.value)); });
  button.addEventListener("click", () => {
    if (timer) return play(false);
    if (Number(slider.value) === last) move(0);
    play(true);
  });
  button.disabled = last < 1;
  play(false);
  move(last);
  return element("div", { className: "player" }, button, slider, output);
}

/** A picture with its caption; both are set by the functions that it is returned with. */
function figure(caption) {
  const image = element("img", { decoding: "sync" });
  const text = element("figcaption", {}, caption);
  const set = (url, alt) => { image.src = url; image.alt = alt; };
  return { figure: element("figure", {}, image, text), set, text };
}
