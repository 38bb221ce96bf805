// Runs an ONNX file in ONNX Runtime and compares: onnx_runtime.mjs MODEL (INPUT.npy EXPECTED.npy)...
//
// A model with the output "logits" takes INPUT as it is, float32 [N, 3, H, W]; one with the output "probability" takes
// INPUT [N, H, W, 3], whole numbers from 0 to 255, as bytes. All pairs go through one session. ONNXRUNTIME_NODE names
// the folder in which `npm install onnxruntime-node` was run. Exit status 77 where it is missing.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

let ort;
try {
  const folder = process.env.ONNXRUNTIME_NODE;
  if (!folder) throw new Error("ONNXRUNTIME_NODE does not name the folder where npm installed onnxruntime-node");
  ort = createRequire(folder + "/")("onnxruntime-node");
} catch (error) {
  console.log(`skipped: ${error.message.split("\n")[0]}`);
  process.exit(77);
}

function readNpy(path) {
  const file = readFileSync(path);
  const end = 10 + file.readUInt16LE(8);
  const header = file.toString("latin1", 10, end);
  if (!header.includes("'<f4'")) throw new Error(`${path}: expected float32`);
  const shape = header.match(/\(([^)]*)\)/)[1].split(",").filter((size) => size.trim()).map(Number);
  return { shape, values: new Float32Array(file.buffer.slice(file.byteOffset + end, file.byteOffset + file.length)) };
}

const [model, ...arrays] = process.argv.slice(2);
const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
const [output] = session.outputNames;
let failed = false;
for (let i = 0; i < arrays.length; i += 2) {
  const input = readNpy(arrays[i]);
  const expected = readNpy(arrays[i + 1]);
  const tensor = output === "probability" ? new ort.Tensor("uint8", Uint8Array.from(input.values), input.shape)
                                          : new ort.Tensor("float32", input.values, input.shape);
  const result = (await session.run({ image: tensor }))[output];
  if (String(result.dims) !== String(expected.shape)) throw new Error(`${output} is [${result.dims}], expected [${expected.shape}]`);
  let difference = 0;
  let largest = 0;
  expected.values.forEach((value, k) => {
    const distance = Math.abs(result.data[k] - value);
    difference = distance <= difference ? difference : distance;  // a NaN stays
    largest = Math.max(largest, Math.abs(value));
  });
  console.log(`ONNX Runtime: [${input.shape}]: ${output} differs by ${difference.toExponential(1)}, the largest is ${largest.toFixed(2)}`);
  if (!(difference <= 1e-4 * Math.max(1, largest))) failed = true;
}
process.exit(failed ? 1 : 0);
