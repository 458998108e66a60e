// Puts the page together: a folder for a web server, and one file that works from anywhere, offline.
//
//   node web/build.mjs PROVOST.wasm OUT
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const here = import.meta.dirname;
const read = (name) => fs.readFileSync(path.join(here, name), 'utf8');

/** Modules as one script: names are unique among them (a test holds that), so imports and exports fall away. */
export function joined(names) {
  const plain = (name) => read(name).replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, '');
  return names.map(plain).join('\n');
}

/** A module and those that it needs, each after what it needs. */
export function order(entry) {
  const found = [];
  const visit = (name) => {
    if (found.includes(name)) return;
    for (const [, other] of read(name).matchAll(/^import [^;]*? from '\.\/([\w.]+)';$/gm)) visit(other);
    found.push(name);
  };
  visit(entry);
  return found;
}

/** A WASM module without its custom sections: the names of functions are for who debugs it. */
export function stripped(wasm) {
  const kept = [wasm.subarray(0, 8)];
  for (let at = 8; at < wasm.length; ) {
    const from = at;
    const custom = wasm[at++] === 0;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      length += (wasm[at] & 0x7f) * 2 ** shift;
      if (wasm[at++] < 0x80) break;
    }
    at += length;
    if (!custom) kept.push(wasm.subarray(from, at));
  }
  return Buffer.concat(kept);
}

const SINGLE = `
const policy = globalThis.trustedTypes?.createPolicy('provost', { createScriptURL: (url) => url });
const inlined = (id) => document.getElementById(id).textContent;
const workerUrl = URL.createObjectURL(new Blob([JSON.parse(inlined('worker'))], { type: 'text/javascript' }));
startPage({
  load: async () => WebAssembly.compile(await through(fromBase64(inlined('wasm').trim()), new DecompressionStream('gzip'))),
  worker: () => new Worker(policy ? policy.createScriptURL(workerUrl) : workerUrl),
});
`;

/** The one file. */
export function single(wasm) {
  const script = `${joined(order('app.js'))}\n${SINGLE}`.replaceAll('</script', '<\\/script');
  const worker = JSON.stringify(joined(order('worker.js'))).replaceAll('</', '<\\/');
  const style = read('style.css');
  const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  const policy = `default-src 'none'; script-src ${hash(script)} 'wasm-unsafe-eval'; style-src ${hash(style)}; img-src data:; connect-src 'none'; worker-src blob:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types provost`;
  const packed = gzipSync(wasm, { level: 9 }).toString('base64');
  // A function, for what is put in may hold what replace() would obey.
  const put = (text, what, by) => {
    if (!text.includes(what)) throw new Error(`index.html has no ${what}`);
    return text.replace(what, () => by);
  };
  let page = read('index.html').replace(/(http-equiv="Content-Security-Policy" content=")[^"]*/, (_, head) => head + policy);
  page = put(page, '<link rel="stylesheet" href="style.css">', `<style>${style}</style>`);
  page = put(page, '<script type="module" src="main.js"></script>\n', '');
  return put(page, '</body>', `<script type="application/json" id="worker">${worker}</script>\n<script type="text/plain" id="wasm">${packed}</script>\n<script type="module">${script}</script>\n</body>`);
}

/** What a web server needs. */
export const ASSETS = ['index.html', 'style.css', ...new Set([...order('main.js'), ...order('worker.js')])];

if (process.argv[1] === import.meta.filename) {
  const [wasmFile, out] = process.argv.slice(2);
  const wasm = stripped(fs.readFileSync(wasmFile));
  fs.mkdirSync(path.join(out, 'site'), { recursive: true });
  for (const name of ASSETS) fs.copyFileSync(path.join(here, name), path.join(out, 'site', name));
  fs.writeFileSync(path.join(out, 'site', 'provost.wasm'), wasm);
  fs.writeFileSync(path.join(out, 'provost.html'), single(wasm));
  const packed = (bytes) => gzipSync(bytes, { level: 9 }).length;
  const page = ASSETS.reduce((sum, name) => sum + packed(fs.readFileSync(path.join(here, name))), 0);
  const one = fs.statSync(path.join(out, 'provost.html')).size;
  console.log(`program ${wasm.length} bytes, ${packed(wasm)} packed; page without it ${page} packed; one file ${one}`);
}
