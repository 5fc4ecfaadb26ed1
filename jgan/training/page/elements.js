"use strict";

// What both pages are made of: elements, numbers in words, the switch between light and dark.

/** An element with these properties (those that it does not have become attributes) and children. */
function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && typeof value !== "undefined") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);

const MISSING = "–";
const integer = (value) => value.toLocaleString("en");

/** Four digits, as few as say it. */
function number(value) {
  if (value === null || value === undefined) return MISSING;
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return integer(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  return size >= 1000 ? integer(Math.round(value)) : String(Number(value.toPrecision(4)));
}

function bytes(n) {
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (n < 1000 || unit === "GB") return `${unit === "B" || n >= 100 ? Math.round(n) : n.toFixed(1)} ${unit}`;
    n /= 1000;
  }
}

function duration(seconds) {
  const s = Math.round(seconds), minutes = Math.round(s / 60), hours = Math.floor(minutes / 60);
  if (s < 100) return `${s} s`;
  if (minutes < 100) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

const moment = (seconds) => new Date(seconds * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** An option or a fact in words; a point in time as `moment` says it. */
function words(value) {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value)) return moment(Date.parse(value) / 1000);
  if (value === null || value === undefined) return MISSING;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** The name of a quantity as one would write it. */
const title = (name) => name === "images_per_s" ? "images per second" : name.split("_").map((word) => SPELT[word] ?? word).join(" ");
const SPELT = { d: "D", g: "G", l1: "L1", gan: "GAN", gp: "GP", r1: "R1", psnr: "PSNR", ssim: "SSIM", frechet: "Fréchet" };
const code = (name) => element("code", {}, name);

/** A table that scrolls within itself where it is wider than the page. */
function table(caption, head, rows) {
  const cell = (tag, scope) => (content) =>
    content instanceof Node && /^T[DH]$/.test(content.nodeName) ? content : element(tag, scope ? { scope } : {}, content);
  return element("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    element("table", {},
      element("thead", {}, element("tr", {}, ...head.map(cell("th", "col")))),
      element("tbody", {}, ...rows.map(({ cells: [first, ...others], className = "" }) =>
        element("tr", { className }, cell("th", "row")(first), ...others.map(cell("td")))))));
}

const badge = (text) => element("span", { className: "badge" }, text);
const swatch = (color) => element("span", { className: "swatch", style: `background: var(${color})` });

function themeButton() {
  const button = byId("theme");
  const show = () => { button.textContent = theme.isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => theme.choose(!theme.isDark()));
  document.addEventListener("theme", show);
  button.ariaLabel = "Switch between light and dark";
  show();
}
