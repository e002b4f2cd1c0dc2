// What screen readers and keyboards need and the theme leaves out: names of the search dialog and of the buttons that
// each block of code gets when it is shown, and a way to scroll long lines and wide tables without a mouse.
const complete = () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((group, number) => {
    group.setAttribute("aria-label", `Code ${number + 1}`);
  });
  document.querySelectorAll("pre > code, .md-typeset__scrollwrap").forEach((code) => code.setAttribute("tabindex", "0"));
};
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
complete();
