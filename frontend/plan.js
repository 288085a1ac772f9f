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
  // Choose: click, Enter or Space.
  const fetchPanel = (booth) =>
    htmx.ajax("GET", plan.dataset.panel.replace(/0$/, idOf(booth)), {
      source: plan,
      target: "#booth-panel",
      swap: "innerHTML",
    });
  const choose = (booth) => {
    mark(idOf(booth));
    fetchPanel(booth);
    const url = new URL(location.href);
    url.searchParams.set("booth", idOf(booth));
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

  // What others sell meanwhile.
  const news = document.querySelector("[data-plan-news]");
  let seen = null;
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(plan.dataset.states, { headers: { Accept: "application/json" } });
      const tag = answer.headers.get("ETag");
      if (!answer.ok || (tag && tag === seen)) return;
      const { booths, legend } = await answer.json();
      for (const [id, [state, letter, label]] of Object.entries(booths)) {
        const booth = document.getElementById(`booth-${id}`);
        if (!booth || booth.getAttribute("aria-label") === label) continue;
        const chosen = booth.classList.contains("is-selected");
        const marks = ["is-selected", "is-near"].filter((one) => booth.classList.contains(one));
        booth.setAttribute("class", ["booth", `booth-${state}`, ...marks].join(" "));
        booth.setAttribute("aria-label", label);
        booth.querySelector("title")?.remove();
        booth.querySelector(".letter").textContent = letter;
        if (chosen && news) news.textContent = label;
        // The open panel shows an older truth: fetch it again, unless somebody is typing in it.
        const panel = document.querySelector(`[data-panel-of="${id}"]`);
        if (panel && !panel.contains(document.activeElement)) fetchPanel(booth);
      }
      for (const [state, text] of Object.entries(legend)) {
        const count = document.querySelector(`[data-legend="${state}"]`);
        if (count && count.textContent !== text) count.textContent = text;
      }
      seen = tag;
    } catch {
      // Offline: the next round may work, and every action is decided by the server anyway.
    }
  };
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("booths-changed", refresh);
  // Somebody was faster: the message says so, and plan and panel show how it is now.
  document.addEventListener("htmx:after:request", (e) => {
    const { ctx } = e.detail;
    const panel = ctx.sourceElement?.closest?.("[data-panel-of]");
    if (ctx.response?.status !== 409 || !panel) return;
    refresh();
    const booth = document.getElementById(`booth-${panel.dataset.panelOf}`);
    if (booth) fetchPanel(booth);
  });
}
