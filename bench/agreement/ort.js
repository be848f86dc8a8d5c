// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime as a line-by-line service: node ort.js ENGINES_DIR MODEL THREADS [OPTIONS], the last one JSON of
// further session options. Each line of stdin is a JSON request, each answered
// by one line on stdout:
//   {"run": {"NAME": {"file": RAW_FLOAT32, "dims": [...]}}, "out": PREFIX}  -> {"outputs": [{"name", "dims", "type", "file"}]}
//   {"time": N}                                                              -> {"ms": [...]} on the inputs of the last run
'use strict';
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const [engines, model, threads, options] = process.argv.slice(2);
const ort = require(path.resolve(engines, 'node_modules/onnxruntime-node'));

(async () => {
  const begin = process.hrtime.bigint();
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all',
    logSeverityLevel: 3, ...JSON.parse(options || '{}'),
  });
  const load_ms = Number(process.hrtime.bigint() - begin) / 1e6;
  console.log(JSON.stringify({inputs: session.inputNames, outputs: session.outputNames, load_ms}));
  let feeds = {};
  for await (const line of readline.createInterface({input: process.stdin})) {
    const request = JSON.parse(line);
    if (request.run) {
      feeds = {};
      for (const [name, spec] of Object.entries(request.run)) {
        const bytes = fs.readFileSync(spec.file);
        const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
        feeds[name] = new ort.Tensor('float32', values, spec.dims);
      }
      const results = await session.run(feeds);
      const outputs = session.outputNames.map((name, i) => {
        const t = results[name];
        const file = `${request.out}${i}.raw`;
        fs.writeFileSync(file, Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength));
        return {name, dims: t.dims, type: t.type, file};
      });
      console.log(JSON.stringify({outputs}));
    } else {
      const ms = [];
      for (let i = 0; i < request.time; ++i) {
        const start = process.hrtime.bigint();
        await session.run(feeds);
        ms.push(Number(process.hrtime.bigint() - start) / 1e6);
      }
      console.log(JSON.stringify({ms}));
    }
  }
})().catch((error) => { console.error(error.message); process.exit(1); });
