// data-copy="text" copies the text; data-copy-from="id" copies the value or text of another element.
import { on, text } from "./dom.js";
import { toast } from "./toasts.js";

on("click", "[data-copy], [data-copy-from]", async (e, button) => {
  const source = button.dataset.copyFrom ? document.getElementById(button.dataset.copyFrom) : null;
  const value = button.dataset.copy ?? source?.value ?? source?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(value);
    toast(text("copied"), "success");
  } catch {
    // Without HTTPS there is no clipboard API.
    const field = button.parentElement.querySelector("input, textarea") ?? source;
    field?.select?.();
    toast(text("copyFailed"), "warning");
  }
});
