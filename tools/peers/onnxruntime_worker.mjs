// ONNX Runtime as a worker (workers.py): onnxruntime_worker.mjs MODEL.onnx INPUT SIZE THREADS
//
// All graph optimisations. ONNXRUNTIME_NODE names the folder in which `npm install onnxruntime-node` was run.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.ONNXRUNTIME_NODE + "/");
const ort = require("onnxruntime-node");
const { version } = require("onnxruntime-node/package.json");

const [model, inputPath, size, threads] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model, {
  logSeverityLevel: 3,
  graphOptimizationLevel: "all",
  executionMode: "sequential",
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  extra: { session: { set_denormal_as_zero: "1" } },
});
const bytes = readFileSync(inputPath);
const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const image = new ort.Tensor("float32", values, [1, 3, Number(size), Number(size)]);
console.log(JSON.stringify({ ready: `ONNX Runtime ${version}` }));

let logits;
for await (const request of createInterface({ input: process.stdin })) {
  if (request === "run") {
    const begin = performance.now();
    ({ logits } = await session.run({ image }));
    console.log(JSON.stringify({ ms: performance.now() - begin }));
  } else {
    writeFileSync(request.slice("save ".length), new Uint8Array(logits.data.buffer, logits.data.byteOffset, logits.data.byteLength));
    console.log(JSON.stringify({ saved: true }));
  }
}
