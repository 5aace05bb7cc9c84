// Opens citations in the article beside the chat (without it they open in a new tab), shows each new
// answer from its beginning, and copies answers.
"use strict";
const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="/article/"]');
  const frame = document.querySelector("iframe.article");
  const plain = !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!link || !frame || !plain) return;
  event.preventDefault();
  event.stopPropagation();
  // Anew each time: the same address twice would not scroll back to the quote.
  frame.contentWindow.location.replace(link.getAttribute("href"));
  const top = frame.getBoundingClientRect().top;
  if (top < 0 || top > window.innerHeight * 0.6) {
    frame.scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "start" });
  }
}, true);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("#copy");
  if (!button) return;
  const text = button.dataset.text.replaceAll(" /article/", ` ${location.origin}/article/`);
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else { // served without https to another machine
    const box = document.body.appendChild(document.createElement("textarea"));
    box.value = text;
    box.select();
    document.execCommand("copy");
    box.remove();
    button.focus();
  }
  document.getElementById("copied").textContent = "Copied";
});

let shown = 0;
new MutationObserver(() => {
  const log = document.querySelector('#conversation [role="log"]');
  if (!log) return;
  log.tabIndex = 0; // it scrolls, so it must be reachable with the keyboard (WCAG 2.1.1)
  // Gradio labels messages with their Markdown source, which a screen reader would read instead of the words.
  log.querySelectorAll('[aria-label][data-testid="bot"], [aria-label][data-testid="user"]')
    .forEach((message) => message.removeAttribute("aria-label"));
  const answers = log.querySelectorAll(".bot.message");
  const asked = log.querySelectorAll(".user.message");
  if (answers.length > shown && asked.length) {
    const last = asked[asked.length - 1];
    const top = last.getBoundingClientRect().top - log.getBoundingClientRect().top + log.scrollTop;
    log.scrollTo({ top: top - 8, behavior: calm() ? "auto" : "smooth" });
    const focused = document.activeElement; // a button that was pressed may have gone
    if (focused === document.body || !focused.checkVisibility()) log.focus({ preventScroll: true });
  }
  shown = answers.length;
}).observe(document.documentElement, { childList: true, subtree: true });
