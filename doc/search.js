// The search of the manual: what has all words, those that have them in the title first. It needs no server.
"use strict";
const field = document.getElementById("search-field"), found = document.getElementById("search-results");

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(word => word);
  const results = [];
  for (const [title, link, text] of words.length ? pages : []) {
    const name = title.toLowerCase(), all = name + " " + text.toLowerCase();
    if (words.every(word => all.includes(word)))
      results.push({ title, link, points: words.filter(word => name.includes(word)).length });
  }
  results.sort((a, b) => b.points - a.points || a.title.length - b.title.length);
  found.replaceChildren(...results.slice(0, 30).map(one => {
    const item = document.createElement("li"), a = document.createElement("a");
    a.href = field.dataset.root + one.link;
    a.textContent = one.title;
    item.append(a);
    return item;
  }));
  if (words.length && !results.length)
    found.textContent = "nothing has these words";
  found.hidden = !words.length;
}

field.addEventListener("input", search);
document.addEventListener("keydown", event => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  }
});
if (matchMedia("(max-width: 45rem)").matches)
  document.querySelector("nav details").open = false;
