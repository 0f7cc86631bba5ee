// What AWS's SDK for JavaScript does here, with its defaults: see TestNodeSDK.
const assert = require("node:assert");
const s3 = require("@aws-sdk/client-s3");

const client = new s3.S3Client({
  endpoint: process.env.S3_ENDPOINT,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: {
    accessKeyId: process.env.S3_ACCESS_KEY,
    secretAccessKey: process.env.S3_SECRET_KEY,
  },
});
const Bucket = "node-bucket";
const send = (Command, input) => client.send(new Command({ Bucket, ...input }));
const step = (what) => console.log("step " + what);

async function fails(promise, name) {
  await assert.rejects(promise, (e) => e.name === name || assert.fail(`${e.name}, want ${name}`));
}

async function objects() {
  step("CreateBucket, PutObject with its CRC32, GetObject, HeadObject");
  await send(s3.CreateBucketCommand, {});
  const Key = "dir/a b+ü&.txt";
  const put = await send(s3.PutObjectCommand, {
    Key, Body: "hello", ContentType: "text/plain", Metadata: { colour: "blue" },
  });
  assert.ok(put.ChecksumCRC32);
  const got = await send(s3.GetObjectCommand, { Key });
  assert.equal(await got.Body.transformToString(), "hello");
  assert.deepEqual(got.Metadata, { colour: "blue" });
  assert.equal((await send(s3.HeadObjectCommand, { Key })).ContentType, "text/plain");
  const range = await send(s3.GetObjectCommand, { Key, Range: "bytes=1-2" });
  assert.equal(await range.Body.transformToString(), "el");
  await fails(send(s3.GetObjectCommand, { Key: "none" }), "NoSuchKey");
  await fails(send(s3.PutObjectCommand, { Key, Body: "x", IfNoneMatch: "*" }), "PreconditionFailed");
  step("each checksum algorithm");
  for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
    await send(s3.PutObjectCommand, { Key: "sum", Body: ChecksumAlgorithm, ChecksumAlgorithm });
    const sum = await send(s3.GetObjectCommand, { Key: "sum", ChecksumMode: "ENABLED" });
    assert.equal(await sum.Body.transformToString(), ChecksumAlgorithm);
    assert.ok(sum["Checksum" + ChecksumAlgorithm]);
  }
  step("CopyObject, PutObjectTagging");
  const CopySource = encodeURIComponent(`${Bucket}/${Key}`);
  await send(s3.CopyObjectCommand, { Key: "copy", CopySource });
  await send(s3.PutObjectTaggingCommand, {
    Key: "copy", Tagging: { TagSet: [{ Key: "a", Value: "1" }] },
  });
  const tags = await send(s3.GetObjectTaggingCommand, { Key: "copy" });
  assert.deepEqual(tags.TagSet, [{ Key: "a", Value: "1" }]);
}

async function upload() {
  step("a multipart upload of two parts");
  const Key = "parts";
  const { UploadId } = await send(s3.CreateMultipartUploadCommand, { Key });
  const Parts = [];
  const bodies = [Buffer.alloc(5 << 20, 7), Buffer.from("end")];
  for (const [i, Body] of bodies.entries()) {
    const PartNumber = i + 1;
    const part = await send(s3.UploadPartCommand, { Key, UploadId, PartNumber, Body });
    Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
  }
  await send(s3.CompleteMultipartUploadCommand, { Key, UploadId, MultipartUpload: { Parts } });
  const got = await send(s3.GetObjectCommand, { Key });
  const bytes = Buffer.from(await got.Body.transformToByteArray());
  assert.ok(bytes.equals(Buffer.concat(bodies)));
}

async function lists() {
  step("pages of ListObjectsV2, versions, DeleteObjects, DeleteBucket");
  const keys = [];
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket })) {
    keys.push(...page.Contents.map((o) => o.Key));
  }
  assert.deepEqual(keys, ["copy", "dir/a b+ü&.txt", "parts", "sum"]);
  await send(s3.PutBucketVersioningCommand, { VersioningConfiguration: { Status: "Enabled" } });
  await send(s3.PutObjectCommand, { Key: "sum", Body: "new" });
  await send(s3.DeleteObjectCommand, { Key: "copy" });
  const all = await send(s3.ListObjectVersionsCommand, {});
  assert.equal(all.Versions.length, 5);
  assert.equal(all.DeleteMarkers.length, 1);
  const Objects = [...all.Versions, ...all.DeleteMarkers]
    .map(({ Key, VersionId }) => ({ Key, VersionId }));
  const gone = await send(s3.DeleteObjectsCommand, { Delete: { Objects } });
  assert.equal(gone.Deleted.length, 6);
  assert.equal(gone.Errors, undefined);
  await send(s3.DeleteBucketCommand, {});
  await fails(send(s3.HeadBucketCommand, {}), "NotFound");
}

async function main() {
  console.log("version " + require("@aws-sdk/client-s3/package.json").version);
  await objects();
  await upload();
  await lists();
  console.log("done");
}

main().catch((e) => { console.error(e); process.exit(1); });
