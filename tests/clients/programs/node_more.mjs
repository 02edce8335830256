// @huggingface/hub on Node, continued: what its own tests ask of the Hub, and its cache.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { accessToken, all, at, bytesIn, given, hub, hubUrl, large, status, test } from "./node_cases.mjs";

const name = "ann/node-more";
const repo = { type: "model", name };
const bytes = bytesIn(repo);

await test("create", "createRepo_then_its_attributes", async () => {
  const made = await hub.createRepo({ repo, ...at });
  assert.equal(made.repoUrl, `${hubUrl}/${name}`);
  const content = new Blob(["*.html filter=lfs diff=lfs merge=lfs -text\n"]);
  await hub.uploadFile({ repo, file: { path: ".gitattributes", content }, ...at });
  assert.match(String(await bytes(".gitattributes")), /html/);
});
await test("create", "createRepo_of_each_kind", async () => {
  for (const type of ["dataset", "space"]) {
    const made = await hub.createRepo({ repo: { type, name }, sdk: "static", private: true, ...at });
    assert.equal(made.repoUrl, `${hubUrl}/${type}s/${name}`);
  }
  assert.equal((await hub.datasetInfo({ name, ...at })).private, true);
  assert.equal((await hub.spaceInfo({ name, ...at })).name, name);
});
await test("create", "createRepo_with_files", async () => {
  const one = { type: "model", name: `${name}-files` };
  const attributes = "*.html filter=lfs diff=lfs merge=lfs -text";
  const files = [
    { path: ".gitattributes", content: new Blob([attributes]) },
    { path: "a.txt", content: new Blob(["a"]) },
  ];
  await hub.createRepo({ repo: one, files, license: "mit", ...at });
  const blob = await hub.downloadFile({ repo: one, path: ".gitattributes", ...at });
  assert.equal(await blob.text(), attributes);
  assert.equal(await hub.fileExists({ repo: one, path: "a.txt", ...at }), true);
});
await test("upload a file", "gitattributes_decide_what_is_large", async () => {
  await hub.uploadFile({ repo, file: { path: "page.html", content: new Blob(["<p>"]) }, ...at });
  const pointer = await (await fetch(`${hubUrl}/${name}/raw/main/page.html`)).text();
  const digest = createHash("sha256").update("<p>").digest("hex");
  assert.equal(pointer, `version https://git-lfs.github.com/spec/v1\noid sha256:${digest}\nsize 3\n`);
  assert.equal(String(await bytes("page.html")), "<p>");
});
await test("upload a file", "a_file_in_parts", async () => {
  const content = Buffer.concat(Array(12).fill(large));
  await hub.uploadFile({ repo, file: { path: "parts.bin", content: new Blob([content]) }, useXet: false, ...at });
  assert.ok(content.equals(await bytes("parts.bin")));
});
await test("upload a file", "a_file_by_Xet", async () => {
  const content = Buffer.concat([large, Buffer.from("end")]);
  await hub.uploadFile({ repo, file: { path: "xet.bin", content: new Blob([content]) }, ...at });
  assert.ok(content.equals(await bytes("xet.bin")));
});
await test("upload a folder", "uploadFilesWithProgress", async () => {
  const files = [
    { path: "p/small.txt", content: new Blob(["small"]) },
    { path: "p/large.bin", content: new Blob([large]) },
  ];
  const phases = [];
  for await (const event of hub.uploadFilesWithProgress({ repo, files, ...at })) {
    if (event.event === "phase") phases.push(event.phase);
  }
  assert.deepEqual(phases, ["preuploading", "uploadingLargeFiles", "committing"]);
  assert.equal(String(await bytes("p/small.txt")), "small");
});
await test("commit", "edit_of_a_part", async () => {
  const operations = [{
    operation: "edit", path: "p/large.bin", originalContent: new Blob([large]),
    edits: [{ start: 1000, end: 1010, content: new Blob(["edited"]) }],
  }];
  await hub.commit({ repo, title: "Edit", operations, ...at });
  const wanted = Buffer.concat([large.subarray(0, 1000), Buffer.from("edited"), large.subarray(1010)]);
  assert.ok(wanted.equals(await bytes("p/large.bin")));
});
await test("commit", "several_operations_with_words", async () => {
  await hub.commit({
    repo, title: "Several", description: "and why", ...at,
    operations: [
      { operation: "delete", path: "p/small.txt" },
      { operation: "addOrUpdate", path: "q.txt", content: new Blob(["q"]) },
    ],
  });
  const [newest] = await all(hub.listCommits({ repo, ...at }));
  assert.deepEqual([newest.title, newest.message], ["Several", "and why"]);
  assert.equal(await bytes("p/small.txt"), null);
});
await test("commit", "a_stale_parent", async () => {
  const [, before] = await all(hub.listCommits({ repo, ...at }));
  const operations = [{ operation: "addOrUpdate", path: "late.txt", content: new Blob(["late"]) }];
  const late = hub.commit({ repo, title: "Late", parentCommit: before.oid, operations, ...at });
  assert.equal(await status(late), 412);
});
await test("pull requests", "isPullRequest_and_a_commit_to_it", async () => {
  const operations = [{ operation: "addOrUpdate", path: "pr.txt", content: new Blob(["one"]) }];
  const made = await hub.commit({ repo, title: "Proposed", isPullRequest: true, operations, ...at });
  assert.equal(made.pullRequestUrl, `${hubUrl}/${name}/discussions/1`);
  const more = [{ operation: "addOrUpdate", path: "pr.txt", content: new Blob(["two"]) }];
  await hub.commit({ repo, title: "More", branch: "refs/pr/1", operations: more, ...at });
  assert.equal(String(await bytes("pr.txt", "refs/pr/1")), "two");
  assert.equal(await bytes("pr.txt"), null);
});
await test("delete", "deleteFiles", async () => {
  await hub.deleteFiles({ repo, paths: ["q.txt", "xet.bin"], ...at });
  assert.equal(await hub.fileExists({ repo, path: "q.txt", ...at }), false);
});
await test("branches and tags", "createBranch_at_a_revision_and_empty", async () => {
  const found = await all(hub.listCommits({ repo, ...at }));
  await hub.createBranch({ repo, branch: "first", revision: found.at(-1).oid, ...at });
  assert.equal(await bytes("page.html", "first"), null);
  await hub.createBranch({ repo, branch: "empty", empty: true, ...at });
  assert.equal(await bytes("page.html", "empty"), null);
});
await test("branches and tags", "createBranch_over_another", async () => {
  assert.equal(await status(hub.createBranch({ repo, branch: "first", ...at })), 409);
  await hub.createBranch({ repo, branch: "first", revision: "main", overwrite: true, ...at });
  assert.equal(String(await bytes("page.html", "first")), "<p>");
});
await test("branches and tags", "deleteBranch_that_is_missing", async () => {
  assert.equal(await status(hub.deleteBranch({ repo, branch: "none", ...at })), 404);
});
await test("tree", "listFiles_with_their_last_commit", async () => {
  const found = await all(hub.listFiles({ repo, recursive: true, expand: true, ...at }));
  const page = found.find((each) => each.path === "page.html");
  assert.match(page.lastCommit.id, /^[0-9a-f]{40}$/);
  assert.equal(found.find((each) => each.path === "p/large.bin").lastCommit.title, "Edit");
});
await test("tree", "listFiles_of_a_folder", async () => {
  const found = await all(hub.listFiles({ repo, path: "p", ...at }));
  assert.deepEqual(found.map((each) => [each.path, each.type]), [["p/large.bin", "file"]]);
});
await test("tree", "pathsInfo_expanded", async () => {
  const [found] = await hub.pathsInfo({ repo, paths: ["page.html"], expand: true, ...at });
  assert.equal(found.lfs.pointerSize > 0, true);
  assert.ok(found.lastCommit.date instanceof Date);
});
await test("history", "listCommits_in_pages", async () => {
  const found = await all(hub.listCommits({ repo, batchSize: 2, ...at }));
  assert.equal(found.length, await hub.countCommits({ repo, ...at }));
  assert.deepEqual(found[0].authors[0].username, "ann");
});
await test("list", "listDatasets_and_listSpaces", async () => {
  const search = { owner: "ann", query: "node-more" };
  assert.deepEqual((await all(hub.listDatasets({ search, ...at }))).map((each) => each.name), [name]);
  assert.deepEqual((await all(hub.listSpaces({ search, ...at }))).map((each) => each.name), [name]);
});
await test("list", "listModels_with_fields_and_tags", async () => {
  const readme = new Blob(["---\nlicense: mit\ntags: [from-node]\n---\n# N\n"]);
  await hub.uploadFile({ repo, file: { path: "README.md", content: readme }, ...at });
  const search = { owner: "ann", tags: ["from-node"] };
  const found = await all(hub.listModels({ search, additionalFields: ["tags", "sha", "cardData"], ...at }));
  assert.deepEqual(found.map((each) => each.name), [name]);
  assert.ok(found[0].tags.includes("license:mit"));
  assert.equal((await all(hub.listModels({ search, limit: 1, sort: "createdAt", ...at }))).length, 1);
});
await test("info", "modelInfo_of_a_branch_with_every_field", async () => {
  const additionalFields = [...hub.MODEL_EXPANDABLE_KEYS];
  const found = await hub.modelInfo({ name, revision: "first", additionalFields, ...at });
  assert.match(found.sha, /^[0-9a-f]{40}$/);
});
await test("info", "datasetInfo_and_spaceInfo_with_every_field", async () => {
  const dataset = await hub.datasetInfo({ name, additionalFields: [...hub.DATASET_EXPANDABLE_KEYS], ...at });
  const space = await hub.spaceInfo({ name, additionalFields: [...hub.SPACE_EXPANDABLE_KEYS], ...at });
  assert.deepEqual([dataset.author, space.author], ["ann", "ann"]);
});
await test("info", "parseSafetensorsMetadata", async () => {
  const header = Buffer.from(JSON.stringify({ w: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] } }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const content = new Blob([size, header, Buffer.alloc(24)]);
  await hub.uploadFile({ repo, file: { path: "model.safetensors", content }, ...at });
  const found = await hub.parseSafetensorsMetadata({ repo, computeParametersCount: true, ...at });
  assert.deepEqual([found.sharded, found.parameterCount], [false, { F32: 6 }]);
});
await test("download", "snapshotDownload", async () => {
  const root = await hub.snapshotDownload({ repo, cacheDir: "cache", ...at });
  assert.equal(String(await readFile(join(root, "page.html"))), "<p>");
  assert.ok((await readFile(join(root, "p/large.bin"))).includes("edited"));
});
await test("download", "downloadFileToCacheDir", async () => {
  const path = await hub.downloadFileToCacheDir({ repo, path: "page.html", cacheDir: "other", ...at });
  assert.equal(String(await readFile(path)), "<p>");
});
await test("download", "downloadFile_raw_is_the_pointer", async () => {
  const blob = await hub.downloadFile({ repo, path: "page.html", raw: true, ...at });
  assert.match(await blob.text(), /^version https:\/\/git-lfs/);
});
await test("download", "scanCacheDir", async () => {
  const found = await hub.scanCacheDir("cache");
  assert.deepEqual(found.repos.map((each) => each.id.name), [name]);
});
await test("who may", "nobody_sees_what_is_private", async () => {
  const hidden = { type: "dataset", name };
  assert.equal(await hub.repoExists({ repo: hidden, hubUrl }), false);
  assert.equal(await status(hub.checkRepoAccess({ repo: hidden, hubUrl, accessToken: given.bob })), 404);
});
