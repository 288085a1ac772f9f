// The sheet of one visitor: what may be shown, and what the stand staff notes. Knows the page's elements and nothing else;
// every change is told to `onChange(details)` with the fields that changed.

const FACTS = ["job_title", "phone", "email", "country", "function", "buying_role", "looking_for"];
const LABELLED = new Set(["function", "buying_role", "looking_for"]);

export class Sheet {
  constructor(part, { texts, setup, onChange }) {
    this.part = part;
    this.texts = texts;
    this.onChange = onChange;
    this.form = part("form");
    this.touched = new Set(); // fields that the person has changed: an answer that comes late leaves them alone
    this.use(setup);
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", (event) => this.#changed(event.target));
    // A second touch takes a rating back.
    this.form.addEventListener("pointerdown", (event) => {
      const radio = event.target.closest("label")?.querySelector('input[type="radio"]');
      if (radio && !radio.dataset.question) radio.dataset.was = radio.checked ? "on" : "";
    });
    this.form.addEventListener("click", (event) => {
      const radio = event.target;
      if (radio.type !== "radio" || radio.dataset.was !== "on") return;
      radio.checked = false;
      radio.dataset.was = "";
      this.#changed(radio);
    });
  }

  /** Take over the exhibitor's tags and questions. */
  use(setup) {
    this.setup = setup;
    this.part("tags-group").hidden = !setup.tags.length;
    this.part("tags").replaceChildren(...setup.tags.map((tag) => this.#choice("checkbox", "tags", tag.id, tag.name)));
    this.part("questions").replaceChildren(...setup.questions.map((question) => this.#question(question)));
  }

  /** Begin with a new visitor. `badge`: what the device itself could tell. */
  open(badge) {
    this.touched.clear();
    this.form.reset();
    for (const error of this.form.querySelectorAll(".lead-error")) error.hidden = true;
    this.part("badge").textContent = badge.text;
    this.part("badge").dataset.tone = badge.tone;
    this.part("sheet").hidden = false;
    this.part("sub").textContent = "";
    this.part("title").textContent = this.texts.nobody;
    this.part("facts").replaceChildren();
    this.part("ask").hidden = true;
    this.saved("");
    this.part("title").focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  status(text) {
    this.part("status").textContent = text;
  }

  saved(text, bad = false) {
    this.part("saved").textContent = text;
    this.part("saved").dataset.bad = String(bad);
  }

  /** What the server says of the lead; the names stay in this page's memory. */
  show(lead, { mayAsk }) {
    const visitor = lead.visitor ?? {};
    this.part("title").textContent = visitor.name ?? (lead.released ? lead.title : this.texts.nobody);
    this.part("sub").textContent = [visitor.company, visitor.job_title].filter(Boolean).join(" · ");
    const facts = FACTS.filter((name) => name !== "job_title" && visitor[name]).map((name) => {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const value = document.createElement("dd");
      term.textContent = LABELLED.has(name) ? this.texts[name] : this.texts[`field_${name}`];
      value.textContent = visitor[name];
      row.append(term, value);
      return row;
    });
    this.part("facts").replaceChildren(...facts);
    this.part("ask").hidden = lead.released || !mayAsk;
    this.#fill(lead);
  }

  #fill(lead) {
    const check = (name, value) => {
      if (this.touched.has(name)) return;
      for (const input of this.form.querySelectorAll(`input[name="${name}"]`)) input.checked = input.value === String(value);
    };
    check("temperature", lead.temperature);
    check("stars", lead.stars);
    if (!this.touched.has("tags")) {
      for (const input of this.form.querySelectorAll('input[name="tags"]')) input.checked = lead.tags.includes(Number(input.value));
    }
    if (!this.touched.has("note")) this.form.elements.note.value = lead.note;
    for (const question of this.setup.questions) {
      if (!this.touched.has(`q${question.id}`)) this.#answer(question, lead.answers[question.id]);
    }
  }

  #answer(question, value) {
    for (const input of this.form.querySelectorAll(`[name="q${question.id}"]`)) {
      if (input.type === "radio" || input.type === "checkbox") input.checked = [value].flat().includes(input.value);
      else input.value = value ?? "";
    }
  }

  #changed(target) {
    const name = target.name;
    if (!name) return;
    this.touched.add(name);
    if (name === "temperature") return this.onChange({ temperature: this.#checked(name)[0] ?? "" });
    if (name === "stars") return this.onChange({ stars: Number(this.#checked(name)[0] ?? 0) });
    if (name === "tags") return this.onChange({ tags: this.#checked(name).map(Number) });
    if (name === "note") return this.onChange({ note: target.value });
    const question = this.setup.questions.find((one) => name === `q${one.id}`);
    if (!question) return undefined;
    const value = this.#value(question, target);
    const error = this.form.querySelector(`#${name}-error`);
    const wrong = value === undefined || (question.required && value === null);
    error.hidden = !wrong;
    if (wrong) {
      error.textContent = value === undefined ? this.texts.number : this.texts.required;
      return undefined;
    }
    return this.onChange({ answers: { [question.id]: value } });
  }

  #checked(name) {
    return [...this.form.querySelectorAll(`input[name="${name}"]:checked`)].map((input) => input.value);
  }

  /** The answer in the form in which it is sent; null is none, undefined is no number. */
  #value(question, target) {
    if (question.kind === "single") return this.#checked(target.name)[0] ?? null;
    if (question.kind === "multi") {
      const chosen = this.#checked(target.name);
      return chosen.length ? chosen : null;
    }
    const text = target.value.normalize("NFKC").trim();
    if (!text) return null;
    if (question.kind === "text") return text;
    return /^-?\d{1,12}(?:[.,]\d{1,6})?$/.test(text) ? Number(text.replace(",", ".")) : undefined;
  }

  #choice(type, name, value, label, question = false) {
    const element = document.createElement("label");
    element.className = "lead-choice";
    const input = Object.assign(document.createElement("input"), { type, name, value });
    if (question) input.dataset.question = "yes";
    const text = document.createElement("span");
    text.textContent = label;
    element.append(input, text);
    return element;
  }

  #question(question) {
    const name = `q${question.id}`;
    const choice = question.kind === "single" || question.kind === "multi";
    const box = document.createElement(choice ? "fieldset" : "div");
    box.className = "lead-group";
    const title = document.createElement(choice ? "legend" : "label");
    title.className = choice ? "" : "lead-label";
    title.textContent = question.text + (question.required ? ` (${this.texts.required})` : "");
    box.append(title);
    if (choice) {
      const choices = document.createElement("div");
      choices.className = "lead-choices";
      const type = question.kind === "single" ? "radio" : "checkbox";
      choices.append(...question.options.map((option) => this.#choice(type, name, option, option, true)));
      box.append(choices);
    } else {
      const input = document.createElement(question.kind === "text" ? "textarea" : "input");
      Object.assign(input, { name, id: name, className: "form-control" });
      if (question.kind === "text") Object.assign(input, { rows: 2, maxLength: 2000 });
      else Object.assign(input, { inputMode: "decimal", maxLength: 20, autocomplete: "off" });
      input.setAttribute("aria-describedby", `${name}-error`);
      title.htmlFor = name;
      box.append(input);
    }
    const error = Object.assign(document.createElement("p"), { className: "lead-error", id: `${name}-error`, hidden: true });
    error.setAttribute("role", "alert");
    box.append(error);
    return box;
  }
}
