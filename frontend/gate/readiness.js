// The check before the doors open: what must be right on this device, each with a tick or a cross and what to do. Nothing
// that is scanned meanwhile counts.

const CLOCK_MS = 120_000;
const FREE_BYTES = 50 * 1024 * 1024;

export class Readiness {
  /** `probe` gives the state of things: see check(). `texts` are the page's words. */
  constructor(root, { texts, format, age, probe, onStart }) {
    Object.assign(this, { root, texts, format, age, probe });
    this.open = false;
    this.tested = null; // what the test scan found
    this.root.querySelector("[data-part=ready-start]").addEventListener("click", () => {
      this.close();
      onStart();
    });
  }

  show() {
    this.open = true;
    this.root.hidden = false;
    this.root.closest("[data-gate]").dataset.mode = "readiness";
    this.check();
    this.timer ??= setInterval(() => this.check(), 1500);
  }

  close() {
    this.open = false;
    this.root.hidden = true;
    delete this.root.closest("[data-gate]").dataset.mode;
    clearInterval(this.timer);
    this.timer = null;
  }

  /** A code was read while the check is open. */
  test(result) {
    this.tested = result;
    this.check();
  }

  /** Look at everything; gives whether all that must be is right. */
  async check() {
    const now = await this.probe();
    const { texts } = this;
    const yes = (text) => ({ state: "ok", text });
    const no = (text, help) => ({ state: "bad", text, help });
    const items = {
      network: now.line === "online" ? yes(texts.okNetwork) : no(texts.badNetwork, texts.doNetwork),
      gate: now.gate ? yes(now.gate) : no(texts.noGate, texts.doGate),
      camera: now.camera ? yes(texts.okCamera) : { state: "note", text: texts.badCamera, help: texts.doCamera },
      sound: now.sound === "on" ? yes(texts.okSound) : no(texts.badSound, texts.doSound),
      storage: this.#storage(now),
      clock: this.#clock(now),
      list: now.roster.ready && !now.listFault
        ? yes(texts.okList.replace("{n}", this.format.format(now.roster.count)).replace("{age}", this.age(now.roster.age())))
        : no(now.listFault ? texts.badList : texts.noList, texts.doList),
      rules: now.rules ? yes(texts.okRules) : no(texts.badRules, texts.doList),
      app: now.app === "ready" ? yes(texts.okApp) : no(texts.badApp, now.app === "unsupported" ? texts.doSecure : texts.doApp),
      awake: now.awake ? yes(texts.okAwake) : { state: "note", text: texts.badAwake, help: texts.doAwake },
      scan: this.tested ? this.tested : { state: "wait", text: texts.waitScan, help: "" },
      version: yes(texts.okVersion.replace("{build}", now.build)),
    };
    for (const [name, item] of Object.entries(items)) this.#put(name, item);
    const bad = Object.values(items).filter((item) => item.state === "bad").length;
    this.root.dataset.ready = bad ? "no" : "yes";
    this.root.querySelector("[data-part=ready-sum]").textContent = bad ? texts.readyNot.replace("{n}", bad) : texts.readyAll;
    this.root.querySelector("[data-part=ready-start-text]").textContent = bad ? texts.startAnyway : texts.start;
    return bad === 0;
  }

  #storage({ store, storage }) {
    const { texts } = this;
    if (store !== "ok") return { state: "bad", text: texts.badStore, help: texts.doStore };
    const free = storage ? storage.quota - storage.usage : Infinity;
    if (free < FREE_BYTES) return { state: "bad", text: texts.badQuota, help: texts.doQuota };
    if (!storage?.persisted) return { state: "note", text: texts.notPersisted, help: texts.doPersist };
    return { state: "ok", text: texts.okStore };
  }

  #clock({ contact, offset }) {
    const { texts } = this;
    if (!contact) return { state: "bad", text: texts.badClockUnknown, help: texts.doNetwork };
    if (Math.abs(offset) <= CLOCK_MS) return { state: "ok", text: texts.okClock };
    return { state: "bad", text: texts.clock.replace("{n}", Math.round(Math.abs(offset) / 60_000)), help: texts.doClock };
  }

  #put(name, { state, text, help = "" }) {
    const item = this.root.querySelector(`[data-check="${name}"]`);
    if (item.dataset.state !== state) item.dataset.state = state;
    const write = (part, value) => {
      const element = item.querySelector(`[data-text="${part}"]`);
      if (element.textContent !== value) element.textContent = value;
      element.hidden = !value;
    };
    write("state", this.texts[`state_${state}`]);
    write("text", text);
    write("help", help);
  }
}
