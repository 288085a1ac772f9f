// Small behaviours that every page shares. Each listens on the document, so content swapped in by htmx needs no set-up.
import "./requests.js";
import "./confirm.js";
import "./dialogs.js";
import "./menus.js";
import "./lists.js";
import "./forms.js";
import "./kept.js";
import "./choices.js";
import "./copy.js";
import "./toasts.js";
