// What the programs for Node share: the client, who asks whom, and how a case is run and told.

import { createHash } from "node:crypto";
import { createRequire } from "node:module";

export const given = JSON.parse(process.argv[2]);
export const hub = createRequire(import.meta.url)(given.needs);
export const hubUrl = process.env.HF_ENDPOINT;
export const accessToken = process.env.HF_TOKEN;
export const at = { hubUrl, accessToken };
export const large = Buffer.alloc(1_200_000);
for (let i = 0, block = Buffer.from("seed"); i < large.length; i += 32) {
  block = createHash("sha256").update(block).digest();
  block.copy(large, i);
}

export async function test(operation, called, run) {
  const begun = performance.now();
  let said = "";
  try {
    await run();
  } catch (error) {
    said = String(error?.stack ?? error).slice(0, 3000) || "failed";
  }
  const s = Math.round(performance.now() - begun) / 1000;
  console.log("\nCASE " + JSON.stringify({ name: called, said, s }));
}

export async function all(generator) {
  const found = [];
  for await (const each of generator) found.push(each);
  return found;
}

export async function status(promise) {
  try {
    await promise;
  } catch (error) {
    return error.statusCode;
  }
  return "no error";
}

export const bytesIn = (repo) => async (path, revision) => {
  const blob = await hub.downloadFile({ repo, path, revision, ...at });
  return blob && Buffer.from(await blob.arrayBuffer());
};
