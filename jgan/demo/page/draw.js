"use strict";

// A number with its reading, and sheets of samples.

const drawing = data.models.filter(({ draws }) => draws);
const DIGITS = "0123456789";

const number_ = part("number", {
  async show(result, { number }) {
    const image = number_.section.querySelector(".strip img"), { readings } = result;
    await give(image, result, "image");
    image.alt = `The number ${number}, drawn`;
    image.style.setProperty("--n", readings.length);
    number_.section.querySelector("figcaption").textContent = `${32 * readings.length} × 32 pixels of 8-bit grey`;
    number_.section.querySelector(".digits").replaceChildren(...readings.map((reading, i) => digit(image.src, reading, i, readings.length)));
  },
});

/** A digit of the strip with what is read in it. */
function digit(src, { digit, label, percent }, i, n) {
  const crop = element("img", { src, alt: `Digit ${i + 1}, a ${digit}` });
  crop.style.objectPosition = `${n > 1 ? 100 * i / (n - 1) : 0}% 0`;
  const wrong = label !== digit;
  return element("li", { className: wrong ? "wrong" : "" }, crop,
    element("b", {}, wrong ? `${digit} → ${label}` : String(label)), element("small", {}, percent),
    ...(wrong ? [element("span", { className: "sr" }, `, read as another; try another seed, or 20 candidates`)] : []));
}

const ofDigits = drawing.filter(({ classes }) => classes.slice(0, 10).join("") === DIGITS);
offer(number_.form, ofDigits, "cgan_mnist");

const samples = part("samples", {
  async show(result, { seeds, weights, labels }) {
    const image = samples.section.querySelector(".sheet img");
    await give(image, result, "image");
    image.alt = `Images of ${weights} with the seeds ${seeds}`;
    image.style.setProperty("--width", image.naturalWidth);
    const columns = labels?.split(",") ?? drawing.find(({ name }) => name === weights).classes;
    samples.section.querySelector("figcaption").textContent = columns.length > 1 ? "A row for each seed, a column for each class." : "An image for each seed.";
  },
});
offer(samples.form, drawing, "cgan_mnist", ({ classes }) => {
  const place = samples.form.querySelector("fieldset");
  const box = (name) => element("label", {}, element("input", { type: "checkbox", name: "class", value: name, checked: true }), name);
  place.replaceChildren(place.firstElementChild, ...classes.map(box));
  place.hidden = !classes.length;
});
