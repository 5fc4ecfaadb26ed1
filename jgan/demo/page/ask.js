"use strict";

// How the page asks the server, and what all its parts share: the tabs, the forms, files made of answers.

const PATIENCE = 3000; // milliseconds after which a wait is explained

/** What the server, or nobody, answers in place of a result: a sentence. */
class Refusal extends Error {}

/** The result of a task. options: [[name, text]]; waiting(before): is told how many are served before. */
async function ask(task, options, { upload, waiting = () => {} } = {}) {
  const query = new URLSearchParams(options);
  const request = upload ? { body: upload, headers: { "Content-Type": "application/octet-stream" } } : { body: query };
  let answer = {};
  try {
    const response = await fetch(upload ? `${task}?${query}` : task, { method: "POST", ...request });
    for await (const line of lines(response.body)) {
      answer = JSON.parse(line);
      if ("before" in answer) waiting(answer.before);
    }
  } catch (error) {
    throw new Refusal(`the demo does not answer (${error.message}); does it still run?`);
  }
  if (answer.result) return answer.result;
  throw new Refusal(answer.error ?? "the answer broke off; does the demo still run?");
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (text + value).split("\n");
    text = parts.pop();
    yield* parts;
  }
}

const TYPES = { image: "image/png", input: "image/png", archive: "application/zip" };
const urls = new WeakMap(); // of elements, to be given back when they show another file

/** Make an image show a file of a result, and wait until it does, or a link lead to it. */
async function give(place, result, name) {
  URL.revokeObjectURL(urls.get(place));
  const bytes = Uint8Array.from(atob(result[name]), (character) => character.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: TYPES[name] }));
  urls.set(place, url);
  if (place instanceof HTMLImageElement) {
    place.src = url;
    await place.decode().catch(() => { throw new Refusal("this browser cannot show the picture"); });
  } else {
    place.href = url;
  }
}

/**
 * A part of the page: its form asks for a task, and show(result, options) fills the rest.
 * Returns {form, submit, say, options}: submit() asks, say(text, isError) fills the status.
 */
function part(task, { show, upload = () => undefined }) {
  const section = byId(task), form = section.querySelector("form"), status = section.querySelector(".status");
  const button = form.querySelector("button"), result = section.querySelector(".result");

  function say(text, isError = false) {
    status.textContent = text;
    status.classList.toggle("error", isError);
  }

  /** A sentence with a field called as it is here, where the server calls it by the option of a program. */
  function inTheFormsWords(sentence) {
    return sentence.replace(/(?:argument )?--(\w+)/g, (option, name) => {
      const field = form.elements[name === "labels" ? "class" : name];
      const first = field?.[0] ?? field, place = first?.closest("fieldset") ?? first?.closest("label");
      return place?.firstChild.textContent.trim() ?? option;
    });
  }

  function options() {
    const fields = [...new FormData(form)].filter(([name]) => name !== "upload" && name !== "class");
    const classes = [...form.querySelectorAll("input[name=class]")], chosen = classes.filter(({ checked }) => checked);
    return chosen.length === classes.length ? fields : [...fields, ["labels", chosen.map(({ value }) => value).join(",")]];
  }

  let latest = 0; // of what is asked for: what was asked before, as an upload that another has replaced, is not shown

  async function submit() {
    const asked = options(), mine = ++latest, isLatest = () => mine === latest;
    let before = 0;
    const tell = () => isLatest() && say(before ? `${before} before you …` : "Computing …");
    const explain = setTimeout(() => {
      if (!before && isLatest()) say("Computing … What runs for the first time on this machine is compiled first, which can take a minute.");
    }, PATIENCE);
    button.disabled = true;
    say("");
    try {
      const found = await ask(task, asked, { upload: upload(), waiting: (n) => { before = n; tell(); } });
      if (!isLatest()) return;
      for (const link of section.querySelectorAll("a[data-file]")) give(link, found, link.dataset.file);
      await show(found, Object.fromEntries(asked));
      if (!isLatest()) return;
      result.hidden = false;
      say("");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!isLatest()) return;
      result.hidden = true;
      say(inTheFormsWords(error.message), true);
    } finally {
      clearTimeout(explain);
      if (isLatest()) button.disabled = false;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  return { section, form, submit, say, options };
}

/** Fill a form's list of generators; changed(model) is told of each choice, and of the first. */
function offer(form, models, preferred, changed = () => {}) {
  const list = form.elements.weights;
  list.append(...models.map(({ name }) => element("option", { value: name, selected: name === preferred }, name)));
  const tell = () => changed(models.find(({ name }) => name === list.value));
  list.addEventListener("change", tell);
  tell();
}

/** Show a field of a form, or hide it and leave it out of what is sent. */
function toggle(field, on) {
  field.disabled = !on;
  (field.closest("label") ?? field).hidden = !on;
}

/** Show the part that the address names; the first time, `opened` is called, by the name of the part. */
function tabs(opened) {
  const sections = [...document.querySelectorAll("main > section")];
  const show = () => {
    const shown = sections.find(({ id }) => `#${id}` === location.hash) ?? sections[0];
    for (const section of sections) section.hidden = section !== shown;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#${shown.id}`) link.ariaCurrent = "page";
      else link.removeAttribute("aria-current");
    }
    byId("title").textContent = shown.dataset.title;
    opened[shown.id]?.();
    delete opened[shown.id];
  };
  addEventListener("hashchange", show);
  show();
}
