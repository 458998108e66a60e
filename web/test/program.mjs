// What the tests share: the program, native and as WASM, where there is one.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from '../program.js';
import { argumentsOf } from '../operations.js';

export const root = path.resolve(import.meta.dirname, '../..');
export const wasmFile = process.env.PROVOST_WASM;
export const native = process.env.PROVOST_NATIVE;
export const skip = wasmFile && native ? false : 'needs PROVOST_WASM and PROVOST_NATIVE';
export const module = wasmFile ? new WebAssembly.Module(fs.readFileSync(wasmFile)) : null;

/** Every case file and every log of the diagnosis, by name. */
export function reports() {
  const folder = path.join(root, 'crates/provost-diagnosis/tests');
  const names = fs.readdirSync(folder, { recursive: true }).filter((name) => /\.(toml|log|txt)$/.test(name)).sort();
  return names.map((name) => ({ name: path.basename(name), text: fs.readFileSync(path.join(folder, name), 'utf8') }));
}

export const entry = ({ name, text }) => [name, new TextEncoder().encode(text)];

/** An operation of the page, by the WASM program. */
export function asked(operation, files = []) {
  const ended = run(module, { ...argumentsOf(operation), files });
  let document = null;
  try {
    document = JSON.parse(ended.out);
  } catch {
    // Not every operation prints one.
  }
  return { ...ended, document };
}

/** A command line by the native program, in a folder with these files. */
export function natively(words, files = []) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'provost-web-'));
  try {
    for (const [name, bytes] of files) fs.writeFileSync(path.join(folder, name), bytes ?? '');
    const { status, stdout, stderr } = spawnSync(native, words, { cwd: folder, encoding: 'utf8', input: '', env: {} });
    return { exit: status, out: stdout, err: stderr };
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}
