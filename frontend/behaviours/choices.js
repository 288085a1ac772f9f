// data-filter-choices="id": a search box over a tree of checkboxes. Groups with hits open, what is ticked stays in sight.
import { on } from "./dom.js";

on("input", "[data-filter-choices]", (e, box) => {
  const tree = document.getElementById(box.dataset.filterChoices);
  const words = box.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let hits = 0;
  for (const group of tree.querySelectorAll("[data-choice-group]")) {
    let inside = 0;
    for (const choice of group.querySelectorAll("[data-choice]")) {
      const text = choice.dataset.choice.toLowerCase();
      const found = words.every((word) => text.includes(word));
      choice.hidden = !found && !choice.querySelector(":checked");
      if (!choice.hidden) inside += 1;
      if (found) hits += 1;
    }
    group.hidden = inside === 0;
    if (words.length) group.open = inside > 0;
  }
  const none = document.querySelector(`[data-choices-none="${tree.id}"]`);
  if (none) none.hidden = hits > 0;
});

// Enter in the search box must not send the form.
on("keydown", "[data-filter-choices]", (e) => {
  if (e.key === "Enter") e.preventDefault();
});
