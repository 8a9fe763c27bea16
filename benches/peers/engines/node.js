// Does what it is told by lines of JSON, and answers each with a line that says what the step took, measured here.
'use strict';
const fs = require('fs');

let bytes, module, instance;

const steps = {
  read(path) { bytes = fs.readFileSync(path); },
  load() { module = new WebAssembly.Module(bytes); },
  instantiate() {
    const imports = {};
    for (const { module: namespace, name, kind } of WebAssembly.Module.imports(module)) {
      if (kind !== 'function') throw new Error(`no stub for the import ${namespace}.${name}`);
      (imports[namespace] ??= {})[name] = () => { throw new Error('stub'); };
    }
    instance = new WebAssembly.Instance(module, imports);
  },
  run(n) { return instance.exports.run(n).toString(); },
};

function answer(line) {
  try {
    const [step, argument] = JSON.parse(line);
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    const result = steps[step](argument) ?? null;
    const wall = Number(process.hrtime.bigint() - start) * 1e-9;
    const { user, system } = process.cpuUsage(cpu);
    return { result, cost: { wall, cpu: (user + system) * 1e-6 } };
  } catch (error) {
    return { error: `${error}` };
  }
}

const buffer = Buffer.alloc(1 << 16);
let pending = '';
for (;;) {
  const length = fs.readSync(0, buffer);
  if (length === 0) break;
  const lines = (pending + buffer.toString('utf8', 0, length)).split('\n');
  pending = lines.pop();
  for (const line of lines) fs.writeSync(1, JSON.stringify(answer(line)) + '\n');
}
