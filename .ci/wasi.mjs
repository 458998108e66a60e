// Runs the WASI build of provost under Node, and holds it against the native program: the same documents, byte for byte.
//
//   node --no-warnings .ci/wasi.mjs PROVOST.wasm PROVOST CASES
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { WASI } from 'node:wasi';

// Node 20 frees what belongs to a WASI object while its program runs, and crashes, once a process has made some of them: each program has a
// process of its own.
if (process.argv[2] === '--one') {
  const [, , , wasm, folder, ...args] = process.argv;
  const wasi = new WASI({ version: 'preview1', args: ['provost', ...args], env: {}, preopens: { '.': folder }, returnOnExit: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(wasm)), wasi.getImportObject());
  process.exit(wasi.start(instance));
}

const [wasm, native, cases] = process.argv.slice(2).map((file) => path.resolve(file));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'provost-wasi-'));

let start = performance.now();
const milliseconds = () => `${Math.round(performance.now() - start)} ms`;

/** Runs the WASI program in a folder, which is all of the file system that it sees. */
function runWasm(folder, args) {
  const words = ['--no-warnings', process.argv[1], '--one', wasm, folder, ...args];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', input: '', maxBuffer: 1 << 28 });
  return { status: status ?? `ended by ${signal}`, out: stdout, err: stderr };
}

function runNative(folder, args) {
  const { status, stdout, stderr } = spawnSync(native, args, { cwd: folder, encoding: 'utf8', input: '', env: {} });
  return { status, out: stdout, err: stderr };
}

/** The same document and the same exit code. */
function same(folder, args) {
  const [ours, theirs] = [runWasm(folder, args), runNative(folder, args)];
  assert.equal(ours.status, theirs.status, `${args.join(' ')}\n${ours.err}\n${theirs.err}`);
  assert.equal(ours.out, theirs.out, args.join(' '));
  return ours;
}

function document({ status, out, err }) {
  assert.equal(status, 0, err);
  return JSON.parse(out);
}

try {
  // Every case file and every log of the diagnosis.
  start = performance.now();
  const reports = fs.readdirSync(cases, { recursive: true }).filter((file) => /\.(toml|log|txt)$/.test(file)).sort();
  for (const file of reports) {
    fs.copyFileSync(path.join(cases, file), path.join(scratch, path.basename(file)));
    same(scratch, ['diagnose', '--json', path.basename(file)]);
  }
  const toml = reports.filter((file) => file.endsWith('.toml')).length;
  assert.ok(toml > 20, `only ${toml} case files in ${cases}`);
  console.log(`diagnose: ${toml} case files and ${reports.length - toml} logs, the same documents, ${milliseconds()} with the native runs`);

  // What needs a chip.
  start = performance.now();
  for (const preset of document(same(scratch, ['twin', 'list', '--json'])).presets) {
    same(scratch, ['status', '--json', '--stats', '--probe', `twin:${preset.name}`]);
    same(scratch, ['rescue', '--dry-run', '--json', '--probe', `twin:${preset.name}`]);
  }
  same(scratch, ['explain', 'provisioning', '--json']);
  same(scratch, ['status', '--json', '--probe', 'twin:nowhere']);
  console.log(`status and plans of every preset: the same documents, ${milliseconds()}`);

  // A whole rescue on a chip that lives in a file, and what is left of it seen by the native program.
  for (const [name, run] of Object.entries({ wasm: runWasm, native: runNative })) {
    document(run(scratch, ['twin', 'new', `${name}.chip`, '--json', '--preset', 'stuck-in-provisioning']));
    start = performance.now();
    const receipt = document(run(scratch, ['rescue', '--json', '--stats', '--probe', `twin:${name}.chip`, '--out', name]));
    console.log(`${name}: rescued in ${milliseconds()}, ${receipt.stats.swd_transactions} SWD transactions, ${receipt.stats.swd_bits} clocks`);
    const { status } = runNative(scratch, ['status', '--json', '--probe', `twin:${name}.chip`]);
    assert.equal(status, 0);
  }
  const [ours, theirs] = ['wasm', 'native'].map((name) =>
    document(same(scratch, ['status', '--json', '--stats', '--probe', `twin:${name}.chip`])));
  assert.equal(ours.product_state, 'open', JSON.stringify(ours));
  assert.deepEqual(ours.stats, theirs.stats);
  const files = (name) => fs.readdirSync(path.join(scratch, name), { recursive: true }).sort();
  assert.deepEqual(files('wasm'), files('native').map((file) => file.replace('native', 'wasm')).sort());
  assert.deepEqual(fs.readdirSync(scratch).filter((file) => file.startsWith('.')), [], 'nothing is left behind');

  // Power goes in the middle; the same command then brings the chip back.
  document(runWasm(scratch, ['twin', 'new', 'cut.chip', '--json', '--preset', 'stuck-in-provisioning']));
  const cut = runWasm(scratch, ['rescue', '--json', '--probe', 'twin:cut.chip?cut-power=700', '--out', 'cut']);
  assert.equal(cut.status, 5, cut.out + cut.err);
  document(runWasm(scratch, ['rescue', '--json', '--probe', 'twin:cut.chip', '--out', 'cut']));
  console.log('a power cut in the middle: exit 5, then rescued');
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}
