// Runs the program: in a worker of this browser, or on this computer by `provost serve`. Both take an operation and files, tell events while
// they come, and give what was printed, the exit code and the files as they are then.

import { argumentsOf } from './operations.js';
import { Files } from './files.js';

/** @typedef {{ exit: number | null, out: string, document: any, said: string[], files: [string, Uint8Array | null][], ended?: 'killed' | 'slow' | 'broken', why?: string }} Ended */

/** Longest that a run may take, in milliseconds. */
const PATIENCE = 30000;

/** In a worker of this browser. */
export class WasmRunner {
  /**
   * @param {() => Promise<WebAssembly.Module>} load
   * @param {() => Worker} worker
   */
  constructor(load, worker) {
    this.load = load;
    this.worker = worker;
    this.canKill = true;
    /** @type {Promise<WebAssembly.Module> | null} */
    this.module = null;
  }

  /** Loads the program before it is needed. */
  ready() {
    this.module ??= this.load();
    return this.module;
  }

  /** @returns {Promise<Ended>} */
  async run(operation, files, { event = (_) => {}, signal = null } = {}) {
    const module = await this.ready();
    const worker = this.worker();
    const kept = new Files(files);
    const said = [];
    return new Promise((resolve) => {
      const end = (ended) => {
        clearTimeout(patience);
        worker.terminate();
        resolve({ exit: null, out: '', document: null, said, files: kept.entries(), ...ended });
      };
      const patience = setTimeout(() => end({ ended: 'slow' }), PATIENCE);
      signal?.addEventListener('abort', () => end({ ended: 'killed' }));
      worker.onerror = (error) => end({ ended: 'broken', why: error.message });
      worker.onmessage = ({ data: { kind, value } }) => {
        if (kind === 'line') told(value, event, said);
        else if (kind === 'keep') kept.keep(value);
        else if (kind === 'broken') end({ ended: 'broken', why: value });
        else end({ exit: value.exit, out: value.out, document: parsed(value.out), files: value.files });
      };
      worker.postMessage({ module, what: { ...argumentsOf(operation), files } });
    });
  }
}

/** On this computer: the same operations, asked of `provost serve`. */
export class LocalRunner {
  constructor(token) {
    this.token = token;
    this.canKill = false;
  }

  ready() {
    return Promise.resolve();
  }

  /** @returns {Promise<Ended>} */
  async run(operation, files, { event = (_) => {} } = {}) {
    const said = [];
    const packed = files.map(([path, bytes]) => [path, bytes && toPlainBase64(bytes)]);
    try {
      const answer = await fetch('/api/run', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-provost-token': this.token },
        body: JSON.stringify({ operation, files: packed }),
      });
      if (!answer.ok || !answer.body) return broken(`${answer.status} ${await answer.text()}`, files, said);
      let rest = '';
      let done = null;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const lines = (rest + part.value).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const value = parsed(line);
          if (value && 'done' in value) done = value.done;
          else told(line, event, said);
        }
      }
      if (!done) return broken('the answer ends early', files, said);
      const left = done.files.map(([path, text]) => [path, text === null ? null : Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
      return { exit: done.exit, out: done.out, document: parsed(done.out), said, files: left };
    } catch (error) {
      return broken(String(error), files, said);
    }
  }
}

/** @returns {Ended} */
function broken(why, files, said) {
  return { exit: null, out: '', document: null, said, files, ended: 'broken', why };
}

function toPlainBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** A line of stderr: an event, or something said. */
function told(line, event, said) {
  const value = line.startsWith('{') ? parsed(line) : null;
  if (value?.event === 'said') said.push(value.text);
  else if (value?.event) event(value);
  else if (line) said.push(line);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
