// @huggingface/hub on Node: the same as the Python programs, one line of JSON for each case.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { accessToken, all, at, bytesIn, given, hub, hubUrl, large, status, test } from "./node_cases.mjs";

const name = "ann/from-node";
const repo = { type: "model", name };
const bytes = bytesIn(repo);

await test("sign in", "whoAmI", async () => {
  assert.equal((await hub.whoAmI(at)).name, "ann");
});
await test("create", "createRepo", async () => {
  assert.equal((await hub.createRepo({ repo, ...at })).repoUrl, `${hubUrl}/${name}`);
});
await test("create", "createRepo_that_exists", async () => {
  assert.equal(await status(hub.createRepo({ repo, ...at })), 409);
});
await test("upload a file", "uploadFile_small", async () => {
  await hub.uploadFile({ repo, file: { path: "a.txt", content: new Blob(["one\n"]) }, ...at });
  assert.equal(String(await bytes("a.txt")), "one\n");
});
await test("upload a file", "uploadFile_large", async () => {
  await hub.uploadFile({ repo, file: { path: "w.bin", content: new Blob([large]) }, ...at });
  assert.ok(large.equals(await bytes("w.bin")));
});
await test("upload a folder", "uploadFiles", async () => {
  const files = [
    { path: "sub/b c.txt", content: new Blob(["two"]) },
    { path: "sub/v.bin", content: new Blob([large.subarray(0, 50_000)]) },
  ];
  await hub.uploadFiles({ repo, files, ...at });
  assert.ok(large.subarray(0, 50_000).equals(await bytes("sub/v.bin")));
});
await test("commit", "commit_with_parent", async () => {
  const sha = (await hub.modelInfo({ name, additionalFields: ["sha"], ...at })).sha;
  const done = await hub.commit({
    repo, title: "Commit", parentCommit: sha, ...at,
    operations: [{ operation: "addOrUpdate", path: "c.txt", content: new Blob(["c"]) }],
  });
  assert.match(done.commit.oid, /^[0-9a-f]{40}$/);
  assert.equal(String(await bytes("c.txt", done.commit.oid)), "c");
});
await test("tree", "listFiles", async () => {
  const found = await all(hub.listFiles({ repo, recursive: true, ...at }));
  assert.deepEqual(found.filter((f) => f.type === "file").map((f) => f.path).sort(),
    [".gitattributes", "a.txt", "c.txt", "sub/b c.txt", "sub/v.bin", "w.bin"]);
  assert.equal(found.find((f) => f.path === "w.bin").size, large.length);
});
await test("tree", "pathsInfo", async () => {
  const found = await hub.pathsInfo({ repo, paths: ["w.bin", "none"], ...at });
  assert.deepEqual(found.map((f) => [f.path, f.size]), [["w.bin", large.length]]);
});
await test("tree", "fileExists", async () => {
  assert.equal(await hub.fileExists({ repo, path: "a.txt", ...at }), true);
  assert.equal(await hub.fileExists({ repo, path: "none", ...at }), false);
});
await test("ranges", "slice_of_a_download", async () => {
  const blob = await hub.downloadFile({ repo, path: "w.bin", ...at });
  const part = Buffer.from(await blob.slice(1000, 2000).arrayBuffer());
  assert.ok(large.subarray(1000, 2000).equals(part));
});
await test("download", "fileDownloadInfo", async () => {
  const found = await hub.fileDownloadInfo({ repo, path: "w.bin", ...at });
  assert.equal(found.size, large.length);
  assert.ok(found.etag.includes(createHash("sha256").update(large).digest("hex")));
});
await test("download", "downloadFile_that_is_missing", async () => {
  assert.equal(await hub.downloadFile({ repo, path: "none", ...at }), null);
});
await test("info", "modelInfo", async () => {
  assert.equal((await hub.modelInfo({ name, ...at })).name, name);
});
await test("info", "modelInfo_that_is_missing", async () => {
  assert.equal(await status(hub.modelInfo({ name: "ann/none", ...at })), 404);
});
await test("info", "repoExists", async () => {
  assert.equal(await hub.repoExists({ repo, ...at }), true);
  assert.equal(await hub.repoExists({ repo: { type: "model", name: "ann/none" }, ...at }), false);
});
await test("list", "listModels", async () => {
  const found = await all(hub.listModels({ search: { owner: "ann", query: "from-node" }, ...at }));
  assert.deepEqual(found.map((m) => m.name), [name]);
});
await test("history", "listCommits", async () => {
  const found = await all(hub.listCommits({ repo, ...at }));
  assert.equal(found[0].title, "Commit");
  assert.equal(found.length, 5);
});
await test("history", "countCommits", async () => {
  assert.equal(await hub.countCommits({ repo, ...at }), 5);
});
await test("who may", "checkRepoAccess", async () => {
  assert.equal(await hub.checkRepoAccess({ repo, ...at }), undefined);
});
await test("who may", "checkRepoAccess_that_is_missing", async () => {
  assert.equal(await status(hub.checkRepoAccess({ repo: { type: "model", name: "ann/none" }, ...at })), 404);
});
await test("who may", "another_user_does_not_upload", async () => {
  const file = { path: "x.txt", content: new Blob(["x"]) };
  assert.equal(await status(hub.uploadFile({ repo, file, hubUrl, accessToken: given.bob })), 403);
});
await test("branches and tags", "createBranch_and_deleteBranch", async () => {
  await hub.createBranch({ repo, branch: "dev/x", ...at });
  assert.equal(String(await bytes("a.txt", "dev/x")), "one\n");
  await hub.deleteBranch({ repo, branch: "dev/x", ...at });
});
await test("delete", "deleteFile", async () => {
  await hub.deleteFile({ repo, path: "a.txt", ...at });
  assert.equal(await hub.fileExists({ repo, path: "a.txt", ...at }), false);
});
await test("delete a repository", "deleteRepo", async () => {
  await hub.deleteRepo({ repo, ...at });
  assert.equal(await hub.repoExists({ repo, ...at }), false);
});
