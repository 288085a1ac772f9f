// data-confirm="Question" on a form, a submit button or a link: asks in the page's own dialog first. hx-confirm too.
// data-confirm-tone="danger" makes the answer red; data-confirm-label names it.

let allowed = null;

/** Ask; resolves true when the user says yes. */
export function ask(question, { tone = "primary", label = "" } = {}) {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog?.showModal) return Promise.resolve(window.confirm(question));
  const button = dialog.querySelector("[data-confirm-button]");
  dialog.querySelector("[data-confirm-text]").textContent = question;
  button.textContent = label || button.dataset.default;
  button.className = `btn btn-${tone}`;
  dialog.returnValue = "";
  const before = document.activeElement;
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        before?.isConnected && before.focus?.({ preventScroll: true });
        resolve(dialog.returnValue === "confirm");
      },
      { once: true },
    );
  });
}

function options(source) {
  return { tone: source.dataset.confirmTone, label: source.dataset.confirmLabel };
}

document.addEventListener(
  "submit",
  async (e) => {
    const form = e.target;
    const { submitter } = e;
    const source = submitter?.dataset.confirm ? submitter : form.dataset?.confirm ? form : null;
    if (!source) return;
    if (allowed === form) {
      allowed = null;
      return;
    }
    e.preventDefault();
    e.stopImmediatePropagation();
    if (await ask(source.dataset.confirm, options(source))) {
      allowed = form;
      form.requestSubmit(submitter?.isConnected ? submitter : undefined);
      allowed = null;
    }
  },
  true,
);

document.addEventListener(
  "click",
  async (e) => {
    const link = e.target instanceof Element ? e.target.closest("a[data-confirm], button[type=button][data-confirm]") : null;
    if (!link) return;
    if (allowed === link) {
      allowed = null;
      return;
    }
    e.preventDefault();
    e.stopImmediatePropagation();
    if (await ask(link.dataset.confirm, options(link))) {
      allowed = link;
      link.click();
      allowed = null;
    }
  },
  true,
);

document.addEventListener("htmx:confirm", async (e) => {
  const { ctx, issueRequest, dropRequest } = e.detail;
  e.preventDefault();
  (await ask(ctx.confirm, options(ctx.sourceElement))) ? issueRequest() : dropRequest();
});
