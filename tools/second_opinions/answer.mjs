// What do scim-patch and scim2-parse-filter make of a PATCH or of a filter? One JSON question a line, one answer a line.
import { createInterface } from "node:readline";
import { scimPatch } from "scim-patch";
import { filter, parse } from "scim2-parse-filter";

const ask = {
  patch: ({ resource, operations }) => scimPatch(resource, operations, { mutateDocument: false }),
  filter: ({ text, resources }) => {
    const selects = filter(parse(text));
    return resources.map((resource) => selects(resource));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { what, ...question } = JSON.parse(line);
  let answer;
  try {
    answer = { result: ask[what](question) };
  } catch (error) {
    answer = { refused: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
