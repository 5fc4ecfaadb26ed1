"use strict";

// Light or dark: as the system is, until the reader chooses.
const theme = {
  system: matchMedia("(prefers-color-scheme: dark)"),
  isDark: () => document.documentElement.dataset.theme === "dark",
  set(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.dispatchEvent(new Event("theme"));
  },
};
theme.set(theme.system.matches);
theme.system.addEventListener("change", (event) => theme.set(event.matches));
