"use strict";

// Light or dark: as the system is, until the reader chooses, which is kept for as long as the tab is open.
const theme = {
  system: matchMedia("(prefers-color-scheme: dark)"),
  isDark: () => document.documentElement.dataset.theme === "dark",
  set(dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.dispatchEvent(new Event("theme"));
  },
  choose(dark) {
    theme.set(dark);
    try {
      sessionStorage.setItem("theme", dark ? "dark" : "light");
    } catch { /* a browser that keeps nothing */ }
  },
  chosen() {
    try {
      return sessionStorage.getItem("theme");
    } catch {
      return null;
    }
  },
};
theme.set(theme.chosen() ? theme.chosen() === "dark" : theme.system.matches);
theme.system.addEventListener("change", (event) => theme.chosen() ?? theme.set(event.matches));
