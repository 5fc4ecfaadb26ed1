"use strict";

// The latent square: its images from a distance, and the one where one points.

const square = part("square", {
  async show(result, options) {
    await give(pad.querySelector("img"), result, "image");
    walked = options;
    walk(...at);
  },
});
const pad = square.section.querySelector(".pad"), here = square.section.querySelector(".place");
let at = [0.5, 0.5]; // x from the left, y from the top, both 0 to 1
let walked; // the options of the square that is shown
let wanted = null, isWalking = false, isLost = false; // the last when it says why no place is shown

offer(square.form, drawing, "dcgan_faces_64", ({ classes }) => {
  square.form.elements.label.replaceChildren(...classes.map((name) => element("option", {}, name)));
  toggle(square.form.elements.label, classes.length);
});

/** Go to a place; where one goes faster than images are drawn, those between are left out. */
async function walk(x, y) {
  at = wanted = [x, y].map((share) => Math.min(1, Math.max(0, share)));
  const words = at.map((share) => share.toFixed(2));
  pad.style.setProperty("--x", at[0]);
  pad.style.setProperty("--y", at[1]);
  pad.ariaValueNow = Math.round(100 * at[0]);
  pad.ariaValueText = `x ${words[0]}, y ${words[1]}`;
  if (isWalking) return;
  isWalking = true;
  try {
    while (wanted) {
      const [x, y] = wanted;
      wanted = null;
      const result = await ask("place", [...Object.entries(walked), ["x", x], ["y", y]]);
      await give(here.querySelector("img"), result, "image");
      here.querySelector("img").alt = `The image at x ${x.toFixed(2)}, y ${y.toFixed(2)}`;
      here.querySelector("figcaption").textContent = `x ${x.toFixed(2)}, y ${y.toFixed(2)}`;
    }
    if (isLost) square.say("");
    isLost = false;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    square.say(error.message, true);
    isLost = true;
  } finally {
    isWalking = false;
  }
}

const point = (event) => {
  const box = pad.getBoundingClientRect();
  walk((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
};
pad.addEventListener("pointerdown", point);
pad.addEventListener("pointermove", point);
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
pad.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  walk(...at.map((share, i) => share + step[i] * (event.shiftKey ? 0.1 : 0.02)));
});
