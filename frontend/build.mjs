// Builds the front end into expo_crm/static/dist/: every .js and .css file that stands directly in frontend/ is an entry
// (app.js, gate.js, …); what they import comes from their folders and from node_modules. Names carry a hash of the
// content, and manifest.json maps each logical name to its file: {"app.js": "app-5GQV3K2M.js"}. Built twice, the bytes
// are the same.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const source = join(root, "frontend");
const dist = join(root, "expo_crm", "static", "dist");
const modules = join(root, "node_modules");

// Files that are used as they are. Fonts keep their plain name: PDFs read them from disk, no page loads them.
const HASHED_COPIES = { "zxing_reader.wasm": "zxing-wasm/dist/reader/zxing_reader.wasm" };
// Entries whose files a device keeps for the time without a network; offline.json names the files of each.
const OFFLINE = ["app.css", "app.js", "gate.js", "kiosk.js", "lead.js", "print-station.js"];
const FONTS = {
  "fonts/NotoSansSC-Regular.ttf": "@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf",
  "fonts/NotoSansSC-Bold.ttf": "@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf",
};

await mkdir(dirname(dist), { recursive: true });
const staging = await mkdtemp(`${dist}-`);
await chmod(staging, 0o755);
await mkdir(join(staging, "fonts"));
const manifest = {};
const used = new Set(["@expo-google-fonts/noto-sans-sc", "@tabler/icons", "zxing-wasm"]);

// The old build stays until the new one is whole, so a failed build breaks nothing.
try {
  await bundle();
  await copyHashed();
  await copyFonts();
  await writeIcons();
  await writeLicences();
  await writeFile(join(staging, "manifest.json"), `${JSON.stringify(sorted(manifest), null, 2)}\n`);
  await rm(dist, { recursive: true, force: true });
  await rename(staging, dist);
} catch (error) {
  await rm(staging, { recursive: true, force: true });
  console.error(error.message); // esbuild has shown where, the message says what
  process.exit(1);
}
console.log(`Built ${Object.keys(manifest).length} assets into ${relative(root, dist)}`);

async function bundle() {
  const entries = (await readdir(source)).filter((name) => [".js", ".css"].includes(extname(name))).sort();
  const result = await build({
    entryPoints: entries.map((name) => join(source, name)),
    outdir: staging,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    target: ["es2022", "safari16"],
    charset: "utf8",
    entryNames: "[name]-[hash]",
    chunkNames: "chunks/[name]-[hash]",
    assetNames: "assets/[name]-[hash]",
    loader: { ".woff2": "file", ".svg": "dataurl" },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  for (const [file, output] of Object.entries(result.metafile.outputs)) {
    if (output.entryPoint) {
      manifest[relative(source, join(root, output.entryPoint))] = relative(staging, join(root, file));
    }
  }
  await writeOffline(result.metafile.outputs);
  for (const input of Object.keys(result.metafile.inputs)) {
    const match = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (match) used.add(match[1]);
  }
}

// What an entry imports, and what that imports, also later on.
async function writeOffline(outputs) {
  const found = {};
  for (const [file, { entryPoint }] of Object.entries(outputs)) {
    const name = entryPoint && relative(source, join(root, entryPoint));
    if (!OFFLINE.includes(name)) continue;
    const files = new Set([file]);
    for (const one of files) for (const { path, external } of outputs[one].imports) if (!external && path in outputs) files.add(path);
    found[name] = [...files].map((one) => relative(staging, join(root, one))).sort();
  }
  await writeFile(join(staging, "offline.json"), `${JSON.stringify(sorted(found), null, 2)}\n`);
}

async function copyHashed() {
  for (const [name, from] of Object.entries(HASHED_COPIES)) {
    const bytes = await readFile(join(modules, from));
    const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8).toUpperCase();
    manifest[name] = `${name.slice(0, -extname(name).length)}-${hash}${extname(name)}`;
    await writeFile(join(staging, manifest[name]), bytes);
  }
}

async function copyFonts() {
  for (const [name, from] of Object.entries(FONTS)) {
    await copyFile(join(modules, from), join(staging, name));
    manifest[name] = name;
  }
}

// Every outline icon as the inner part of its <svg>: {"user": "<path d=…/>"}. Templates inline the few that a page shows.
async function writeIcons() {
  const nodes = JSON.parse(await readFile(join(modules, "@tabler/icons/tabler-nodes-outline.json"), "utf8"));
  const icons = {};
  for (const name of Object.keys(nodes).sort()) {
    icons[name] = nodes[name].map(([tag, attributes]) => `<${tag}${attributeText(attributes)}/>`).join("");
  }
  await writeFile(join(staging, "icons.json"), JSON.stringify(icons));
  manifest["icons.json"] = "icons.json";
}

function attributeText(attributes) {
  return Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${String(value).replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"`)
    .join("");
}

// The licences of everything that ends up in the build go with it.
async function writeLicences() {
  const parts = [];
  for (const name of [...used].sort()) {
    const folder = join(modules, name);
    const about = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
    const texts = await Promise.all(
      files.map((file) => readFile(join(folder, file), "utf8").catch(() => "")), // a folder of licences: the main file says it
    );
    parts.push([`${name} ${about.version} (${about.license ?? "see text"})`, ...texts].join("\n\n").trim());
  }
  await writeFile(join(staging, "licences.txt"), `${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`);
  manifest["licences.txt"] = "licences.txt";
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
