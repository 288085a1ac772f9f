// The hall plan: zoom and pan, choose a booth, and keep the colours as they are for everybody. Also the public plan, which has no panel.
import htmx from "htmx.org";
import { figures } from "./plan/figures.js";
import { middle, neighbour } from "./plan/neighbour.js";
import { panZoom } from "./plan/panzoom.js";

const plan = document.querySelector("[data-plan]");
const svg = plan?.querySelector(":scope > svg");
const EVERY = 10_000;
const idOf = (booth) => booth.id.replace("booth-", "");

if (svg) {
  const view = panZoom(svg, plan, { rest: figures(svg) });
  const found = svg.querySelector(".booth-found");
  if (found) view.centre(middle(found), 2.5);
  if (plan.dataset.panel) desk(view);
}

function desk(view) {
  const panel = document.getElementById("booth-panel");
  const shown = () => panel.querySelector("[data-panel-of]");
  let chosen = plan.dataset.chosen;
  let choice = 0; // which one it is: an answer to an earlier choice is not shown any more
  let asked = 0; // answers on their way into the panel

  // Choose: click, Enter or Space. `gentle`: the answer gives way to what the user has begun in the panel meanwhile.
  const fetchPanel = (booth, gentle = false) =>
    htmx.ajax("GET", plan.dataset.panel.replace(/0$/, idOf(booth)), { source: plan, target: panel, swap: "innerHTML", gentle });
  const choose = (booth) => {
    const id = idOf(booth);
    if (asked && id === chosen) return; // it is coming
    choice += 1;
    const same = shown()?.dataset.panelOf === id;
    panel.inert = !same; // nobody holds one booth in the panel of another
    settle(id);
    fetchPanel(booth, same);
  };
  const settle = (id) => {
    chosen = id;
    mark(id);
    const url = new URL(location.href);
    if (id) url.searchParams.set("booth", id);
    else url.searchParams.delete("booth");
    history.replaceState(history.state, "", url);
  };
  const mark = (id) => {
    for (const one of svg.querySelectorAll("[aria-pressed], .is-selected")) {
      one.classList.remove("is-selected");
      one.removeAttribute("aria-pressed");
    }
    const booth = document.getElementById(`booth-${id}`);
    booth?.classList.add("is-selected");
    booth?.setAttribute("aria-pressed", "true");
    return booth;
  };
  svg.addEventListener("click", (e) => {
    const booth = e.target.closest(".booth") ?? document.elementFromPoint(e.clientX, e.clientY)?.closest(".booth");
    if (booth && !view.wasMoved()) choose(booth);
  });
  svg.addEventListener("keydown", (e) => {
    const booth = e.target.closest(".booth");
    if (booth && (e.key === "Enter" || e.key === " ")) {
      e.preventDefault();
      choose(booth);
    } else if (booth && e.key.startsWith("Arrow")) {
      e.preventDefault();
      neighbour(svg, booth, e.key)?.focus();
    }
  });
  // One stop of the Tab key for the whole plan: 2,000 would be a wall. The last booth that had the focus is the way back in.
  svg.addEventListener("focusin", (e) => {
    const booth = e.target.closest(".booth");
    if (!booth) return;
    for (const one of svg.querySelectorAll('.booth[tabindex="0"]')) one.setAttribute("tabindex", "-1");
    booth.setAttribute("tabindex", "0");
  });
  // What it says under the mouse is made when the mouse is there.
  svg.addEventListener("pointerover", (e) => {
    const booth = e.target.closest(".booth");
    if (!booth || booth.querySelector("title")) return;
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    title.textContent = booth.getAttribute("aria-label");
    booth.prepend(title);
  });
  if (plan.dataset.chosen) {
    const booth = mark(plan.dataset.chosen);
    if (booth && matchMedia("(max-width: 900px)").matches) view.centre(middle(booth), 3);
  }

  // The panel is busy while an answer is on its way into it, and shows that of the last choice.
  const changed = (field) => {
    if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((o) => o.defaultSelected));
    if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
    return field.value !== field.defaultValue;
  };
  const inUse = () => {
    const focus = document.activeElement;
    if (panel !== focus && panel.contains(focus) && !focus.matches("[data-focus]")) return true; // the page itself put it on the heading
    return Boolean(panel.querySelector("details[open]")) || [...panel.querySelectorAll("input, select, textarea")].some(changed);
  };
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.target !== panel) return;
    ctx.choice = choice;
    asked += 1;
    panel.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:after:request", (e) => {
    const { ctx } = e.detail;
    if (ctx.choice === undefined || ctx.hx.redirect) return;
    if (ctx.choice !== choice || (ctx.gentle && inUse())) e.preventDefault();
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.choice === undefined) return;
    asked -= 1;
    if (asked) return;
    panel.removeAttribute("aria-busy");
    panel.inert = false;
    // The company moved to another booth, or the chosen one could not be fetched: the plan marks what the panel shows.
    const now = shown()?.dataset.panelOf ?? "";
    if (now !== chosen) settle(now);
  });

  // What others sell meanwhile.
  const news = document.querySelector("[data-plan-news]");
  let seen = null;
  const truths = {};
  let begun = 0;
  let done = 0;
  const refresh = async () => {
    if (document.hidden) return;
    const mine = (begun += 1);
    try {
      const answer = await fetch(plan.dataset.states, { headers: { Accept: "application/json" } });
      const tag = answer.headers.get("ETag");
      if (!answer.ok) return;
      if (!tag || tag !== seen) take(await answer.json(), tag, mine);
    } catch {
      return; // Offline: the next round may work, and every action is decided by the server anyway.
    }
    // The open panel shows an older truth: fetch it again, unless somebody is at work in it.
    const { panelOf, truth } = shown()?.dataset ?? {};
    const booth = truths[panelOf] && document.getElementById(`booth-${panelOf}`);
    if (booth && truths[panelOf] !== truth && !asked && !inUse()) fetchPanel(booth, true);
  };
  const take = ({ booths, legend }, tag, mine) => {
    if (mine < done) return; // a later answer was faster
    done = mine;
    for (const [id, [state, letter, label, truth]] of Object.entries(booths)) {
      truths[id] = truth;
      const booth = document.getElementById(`booth-${id}`);
      if (!booth || booth.getAttribute("aria-label") === label) continue;
      const marks = ["is-selected", "is-near"].filter((one) => booth.classList.contains(one));
      booth.setAttribute("class", ["booth", `booth-${state}`, ...marks].join(" "));
      booth.setAttribute("aria-label", label);
      booth.querySelector("title")?.remove();
      booth.querySelector(".letter").textContent = letter;
      if (news && id === chosen) news.textContent = label;
    }
    for (const [state, text] of Object.entries(legend)) {
      const count = document.querySelector(`[data-legend="${state}"]`);
      if (count && count.textContent !== text) count.textContent = text;
    }
    seen = tag;
  };
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("booths-changed", refresh);
  // Somebody was faster: the message says so, and plan and panel show how it is now.
  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.target !== panel || ctx.sourceElement === plan || ctx.response?.status !== 409) return;
    refresh();
    const booth = ctx.choice === choice && document.getElementById(`booth-${shown()?.dataset.panelOf}`);
    if (booth) fetchPanel(booth);
  });
}
