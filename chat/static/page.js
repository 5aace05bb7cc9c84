// Opens citations in the article beside the chat. Without it they open in a new tab.
"use strict";
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="/article/"]');
  const frame = document.querySelector("iframe.article");
  const plain = !event.defaultPrevented && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!link || !frame || !plain) return;
  event.preventDefault();
  event.stopPropagation();
  // Anew each time: the same address twice would not scroll back to the quote.
  frame.contentWindow.location.replace(link.getAttribute("href"));
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const top = frame.getBoundingClientRect().top;
  if (top < 0 || top > window.innerHeight * 0.6) {
    frame.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
  }
}, true);

// The conversation scrolls, so it must be reachable with the keyboard (WCAG 2.1.1); Gradio draws it late.
new MutationObserver((_, observer) => {
  const log = document.querySelector('#conversation [role="log"]');
  if (!log) return;
  log.tabIndex = 0;
  observer.disconnect();
}).observe(document.documentElement, { childList: true, subtree: true });
