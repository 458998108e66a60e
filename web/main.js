// Where the page finds its program: beside it, or, where `provost serve` has sent it, on this computer.

import { startPage } from './app.js';

const token = /^#([0-9a-f]{32})$/.exec(location.hash)?.[1];
if (token) {
  // The token is for this page alone, not for whoever reads the address later.
  history.replaceState(null, '', location.pathname);
  startPage({ token });
} else {
  const policy = globalThis.trustedTypes?.createPolicy('provost', { createScriptURL: (url) => url });
  const worker = () => new Worker(/** @type {any} */ (policy ? policy.createScriptURL('worker.js') : 'worker.js'), { type: 'module' });
  startPage({ load: async () => WebAssembly.compile(await (await fetch('provost.wasm')).arrayBuffer()), worker });
}
