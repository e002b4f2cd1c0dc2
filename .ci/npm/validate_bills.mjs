// Validates bills of materials with another library than the one that writes them: node validate_bills.mjs FILE...
import { readFileSync } from "node:fs";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

let faults = 0;
for (const place of process.argv.slice(2)) {
  const text = readFileSync(place, "utf-8");
  const validator = new Validation.JsonStrictValidator(JSON.parse(text).specVersion);
  const found = (await validator.validate(text)) ?? [];
  for (const { instancePath, message } of found) {
    console.log(`${place}: ${instancePath}: ${message}`);
  }
  faults += found.length;
}
process.exit(faults ? 1 : 0);
