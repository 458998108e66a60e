// One run of a WASI program over files in memory: the same in a worker and in a test.

import { Files } from './files.js';
import { wasi } from './wasi.js';

/**
 * @param {WebAssembly.Module} module
 * @param {{ arguments: string[], files: [string, Uint8Array | null][], stdin?: string }} what
 * @param {{ line?: (line: string) => void, keep?: (change: object) => void }} listen lines of stderr as they come, and what is kept
 */
export function run(module, what, listen = {}) {
  const files = new Files(what.files);
  const streams = { 1: [], 2: [] };
  const decoder = new TextDecoder();
  let begun = '';
  const print = (fd, chunk) => {
    streams[fd].push(chunk);
    if (fd === 2 && listen.line) {
      const lines = (begun + decoder.decode(chunk, { stream: true })).split('\n');
      begun = lines.pop() ?? '';
      lines.forEach(listen.line);
    }
  };
  const host = wasi({
    arguments: ['provost', ...what.arguments],
    files,
    stdin: new TextEncoder().encode(what.stdin ?? ''),
    print,
    keep: listen.keep ?? (() => {}),
  });
  const exit = host.start(new WebAssembly.Instance(module, host.imports(module)));
  const [out, err] = [1, 2].map((fd) => new TextDecoder().decode(concat(streams[fd])));
  return { exit, out, err, files: files.entries() };
}

function concat(chunks) {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
