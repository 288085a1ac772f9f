// What the gate page shows: the answer, the counters, the state of the line. Knows the page's elements and nothing else.

const HOLD_MS = { admit: 1500, here: 2000, warn: 2500, deny: 3500 };
const IN_VIEW_MS = 700; // an answer stays as long as its badge is held up
const KIND = { admit: "admit", admit_attention: "warn", deny: "deny", need_input: "deny" };

export class Screen {
  /** `page` is the [data-gate] element, `texts` its words in the page's language. */
  constructor(page, { texts, locale, kiosk }) {
    this.page = page;
    this.texts = texts;
    this.locale = locale;
    this.kiosk = kiosk;
    this.verdict = this.part("verdict");
    this.timer = null;
    this.until = 0;
    this.shown = null; // the answer that is seen now
    this.counts = null;
    this.notices = new Map();
    this.format = new Intl.NumberFormat(document.documentElement.lang);
  }

  part(name) {
    return this.page.ownerDocument.querySelector(`[data-part="${name}"]`);
  }

  /** The answer to a reading, of the server or (`answer.here`) of this device. Gives its kind: admit, here, warn or deny. */
  answer(answer) {
    const kind = KIND[answer.status] ?? "deny";
    const exit = answer.direction === "exit";
    const label = kind === "admit" && exit ? "exit" : answer.status === "need_input" ? "input" : kind;
    this.#show(kind, {
      label: this.#own(label, answer),
      title: this.#words(answer.text, answer),
      text: this.#words(answer.detail, answer),
      holder: this.kiosk ? "" : this.#holder(answer.holder),
      here: answer.here === true && !this.kiosk,
      override: !this.kiosk && answer.overridable ? answer : null,
    });
    this.shown = answer;
    this.#hold(answer.overridable && !this.kiosk ? HOLD_MS.deny * 2 : HOLD_MS[answer.here && kind === "admit" ? "here" : kind]);
    return answer.here && kind === "admit" ? "here" : kind;
  }

  working() {
    clearTimeout(this.timer);
    this.shown = null;
    this.#show("working", { title: this.texts.working });
  }

  /** Red, and it stays until the next reading: a message of the device itself. */
  stop(title, text) {
    this.#show("deny", { label: this.texts.deny, title, text });
    this.shown = null;
    clearTimeout(this.timer);
  }

  /** Neither yes nor no: something was done. */
  note(title, text) {
    this.#show("note", { title, text });
    this.shown = null;
    this.#hold(HOLD_MS.warn);
  }

  idle() {
    clearTimeout(this.timer);
    this.shown = null;
    this.verdict.hidden = true;
    this.page.dataset.state = "ready";
  }

  /** The badge of the present answer is still held up. */
  inView() {
    if (this.shown && !this.shown.overridable) this.#hold(Math.max(this.until - Date.now(), IN_VIEW_MS));
  }

  /** Let the answer stay while somebody writes a reason. */
  keep() {
    clearTimeout(this.timer);
  }

  #show(kind, { label = "", title = "", text = "", holder = "", here = false, override = null }) {
    this.page.dataset.state = kind;
    this.verdict.className = `verdict gate-verdict verdict-${kind}${here ? " verdict-here" : ""}`;
    this.verdict.hidden = false;
    this.part("sign").replaceChildren(this.part(`sign-${kind}`).content.cloneNode(true));
    const words = { label: label === title ? "" : label, title, text, holder };
    for (const [name, value] of Object.entries(words)) {
      const element = this.part(name);
      element.textContent = value;
      element.hidden = !value;
    }
    this.part("here").hidden = !here;
    const button = this.part("override-open");
    if (button) button.hidden = override === null;
  }

  #hold(ms) {
    clearTimeout(this.timer);
    this.until = Date.now() + ms;
    this.timer = setTimeout(() => this.idle(), ms);
  }

  /** A word of the device's own; a self-service gate says it in the badge holder's language, or in both. */
  #own(name, answer) {
    return this.kiosk ? this.#words(this.texts.both[name], answer) : this.texts[name];
  }

  /** In the device's language; a self-service gate speaks the badge holder's, or both when it does not know it. */
  #words(pair, answer) {
    if (!pair) return "";
    if (!this.kiosk) return pair[this.locale] ?? "";
    const own = answer.holder?.locale;
    return own ? pair[own] : [pair.zh, pair.en].filter(Boolean).join("\n");
  }

  #holder(holder) {
    if (!holder) return "";
    return [holder.class?.[this.locale], holder.initials, holder.company].filter(Boolean).join(" · ");
  }

  // --- counters, line, notices --------------------------------------------------------------------------------------

  setCounts(counts) {
    if (!counts) return;
    this.counts = { ...counts };
    for (const [name, value] of Object.entries(counts)) {
      const element = this.part(`count-${name}`);
      if (element && value !== null) element.textContent = this.format.format(value);
    }
  }

  /** Count an answer here until the server says the true figures. */
  count(answer) {
    if (!this.counts || answer.replayed || answer.repeat) return;
    if (answer.counts) return this.setCounts(answer.counts);
    const { entries, exits, refused, inside } = this.counts;
    const passed = answer.status.startsWith("admit");
    const exit = answer.direction === "exit";
    if (!passed) this.setCounts({ ...this.counts, refused: refused + 1 });
    else if (exit) this.setCounts({ ...this.counts, exits: exits + 1, inside: inside === null ? null : Math.max(0, inside - 1) });
    else this.setCounts({ ...this.counts, entries: entries + 1, inside: inside === null || answer.reason === "already_in" ? inside : inside + 1 });
  }

  /** line: online | offline | busy; `queue` rows wait for the upload; `age` of the list in seconds, null without one. */
  setLine(line, queue, age) {
    const pill = this.part("line");
    pill.dataset.line = line;
    const waiting = queue ? this.texts.queued.replace("{n}", this.format.format(queue)) : "";
    this.part("line-text").textContent = [this.texts[line], waiting].filter(Boolean).join(" · ");
    this.page.dataset.line = line;
    const list = age === null ? this.texts.noList : this.texts.listAge.replace("{age}", this.age(age));
    const level = age === null || age >= 3600 ? "warn" : age >= 900 ? "notice" : "info";
    const odd = line === "offline" && navigator.onLine ? this.texts.networkThere : "";
    this.notice("line", line === "online" ? "" : [this.texts.alone, odd, waiting, list].filter(Boolean).join(" · "), level);
    this.notice("list-age", line === "online" && age !== null && age >= 900 ? list : "", level);
  }

  /** "3 min", "2 h 10 min" */
  age(seconds) {
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return this.texts.minutes.replace("{n}", minutes);
    return this.texts.hours.replace("{h}", Math.floor(minutes / 60)).replace("{n}", minutes % 60);
  }

  /** A line above the stage, one per `name`; an empty text takes it away. tone: info | notice | warn | alarm. */
  notice(name, text, tone = "notice") {
    const before = this.notices.get(name);
    if (before?.dataset.text === text && before.dataset.tone === tone) return;
    before?.remove();
    this.notices.delete(name);
    if (!text) return;
    const line = document.createElement("p");
    line.className = "gate-banner";
    Object.assign(line.dataset, { tone, text, notice: name });
    line.append(this.part(`notice-${tone}`).content.cloneNode(true), text);
    this.notices.set(name, line);
    this.part("banner").append(line);
  }

  /** Why the camera does not run; nothing when it does. */
  cameraNote(title, text = "") {
    this.part("camera-note").hidden = !title;
    this.part("camera-title").textContent = title;
    this.part("camera-text").textContent = text;
  }
}
