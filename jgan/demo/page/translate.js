"use strict";

// An image of the reader's own, and its translation.

const translation = part("translation", {
  upload: () => chosen,
  async show(result, { weights }) {
    const [given, made] = translation.section.querySelectorAll("figure");
    await give(given.querySelector("img"), result, "input");
    await give(made.querySelector("img"), result, "image");
    made.querySelector("figcaption").textContent = `By ${weights}`;
  },
});
const place = translation.form.querySelector(".upload"), input = translation.form.elements.upload;
let chosen;

offer(translation.form, data.models.filter(({ draws }) => !draws), "cyclegan_monet_128", ({ two_ways, hint }) => {
  toggle(translation.form.elements.direction, two_ways);
  toggle(translation.form.elements.seed, !two_ways);
  translation.form.querySelector(".hint").textContent = hint;
});

function choose([file]) {
  if (!file) return;
  chosen = file;
  place.querySelector("span").textContent = file.name;
  translation.submit();
}

input.addEventListener("change", () => choose(input.files));
for (const name of ["dragover", "dragleave", "drop"]) {
  place.addEventListener(name, (event) => {
    event.preventDefault();
    place.classList.toggle("over", name === "dragover");
    if (name === "drop") choose(event.dataTransfer.files);
  });
}

themeButton();
tabs({ number: number_.submit, samples: samples.submit, square: square.submit });
