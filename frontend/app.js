// Loaded by every page: htmx for server-driven parts, the kit's small behaviours for the rest.
import "htmx.org";
import "./behaviours/index.js";
