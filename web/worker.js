// The worker: runs the program once and says what happens. Whoever started it may end it at any moment; what it had kept, it has said.

import { run } from './program.js';

self.onmessage = ({ data }) => {
  const say = (kind) => (value) => self.postMessage({ kind, value });
  try {
    say('done')(run(data.module, data.what, { line: say('line'), keep: say('keep') }));
  } catch (error) {
    say('broken')(String(error));
  }
};
