// Holds dashboards/json/*.json against the types that Grafana publishes: `npm ci --ignore-scripts && node check.mjs`.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawnSync } from "node:child_process";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(dirname(here), "json");
const kinds = {
  bargauge: "BarGauge", heatmap: "Heatmap", stat: "Stat", statetimeline: "StateTimeline", "state-timeline": "StateTimeline",
  table: "Table", text: "Text", timeseries: "TimeSeries",
};
// What of a panel is typed by its kind: options, and custom settings of its fields.
const withFields = ["StateTimeline", "TimeSeries"];

const lines = [
  'import type { Dashboard, Panel } from "@grafana/schema";',
  // JSON has texts where TypeScript has enumerations.
  "type Json<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T",
  "  : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;",
];
for (const name of new Set(Object.values(kinds))) {
  const file = `@grafana/schema/dist/esm/raw/composable/${name.toLowerCase()}/panelcfg/x/${name}PanelCfg_types.gen`;
  lines.push(`import type * as ${name} from "${file}";`);
}
let checked = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json")).sort()) {
  const page = JSON.parse(readFileSync(join(folder, file), "utf8"));
  const id = file.replace(/\W/g, "_");
  const { panels, ...rest } = page;
  lines.push(`export const ${id}: Json<Dashboard> = ${JSON.stringify(rest)};`);
  panels.forEach((panel, index) => {
    const kind = kinds[panel.type];
    if (!kind) throw new Error(`${file}: panel ${panel.title}: no schema of type ${panel.type}`);
    const name = `${id}_${index}`;
    lines.push(`export const ${name}: Json<Panel> = ${JSON.stringify(panel)};`);
    lines.push(`export const ${name}_options: Json<Partial<${kind}.Options>> = ${JSON.stringify(panel.options ?? {})};`);
    const custom = panel.fieldConfig?.defaults?.custom;
    if (custom && withFields.includes(kind)) {
      lines.push(`export const ${name}_custom: Json<Partial<${kind}.FieldConfig>> = ${JSON.stringify(custom)};`);
    }
    checked += 1;
  });
}
const place = mkdtempSync(join(here, "checked-"));
try {
  const source = join(place, "dashboards.ts");
  writeFileSync(source, lines.join("\n") + "\n");
  const words = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"];
  const done = spawnSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), ...words, source], { encoding: "utf8" });
  process.stdout.write(done.stdout + done.stderr);
  if (done.status === 0) console.log(`${checked} panels are what Grafana's schema says`);
  process.exitCode = done.status ?? 1;
} finally {
  rmSync(place, { recursive: true });
}
