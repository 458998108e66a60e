// A file system in memory: paths to nodes, flat. Small, and copied whole: what a run began with, and what undo goes back to.

/** @typedef {{ bytes: Uint8Array, size: number } | { entries: true }} Node A file, its bytes with room to grow; or a folder. */

export class Files {
  /** @param {Iterable<[string, Uint8Array | null]>} [entries] paths with bytes; null for a folder */
  constructor(entries = []) {
    /** @type {Map<string, Node>} */
    this.nodes = new Map([['', { entries: true }]]);
    for (const [path, bytes] of entries) this.put(path, bytes);
  }

  /** Puts a file there, with the folders on the way; null puts a folder. */
  put(path, bytes) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) this.folder(path.slice(0, at));
    if (bytes === null) this.folder(path);
    else this.nodes.set(path, { bytes: bytes.slice(), size: bytes.length });
  }

  folder(path) {
    if (!this.nodes.has(path)) this.nodes.set(path, { entries: true });
  }

  /** The bytes of a file, or null. */
  read(path) {
    const node = this.nodes.get(path);
    return node && 'bytes' in node ? node.bytes.slice(0, node.size) : null;
  }

  text(path) {
    const bytes = this.read(path);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** Names in a folder, in order. */
  list(folder) {
    const prefix = folder ? `${folder}/` : '';
    const inside = [...this.nodes.keys()].filter((path) => path && path.startsWith(prefix));
    return inside.map((path) => path.slice(prefix.length)).filter((name) => name && !name.includes('/')).sort();
  }

  /** Everything under a path, itself included. */
  under(path) {
    return [...this.nodes.keys()].filter((at) => at === path || at.startsWith(`${path}/`));
  }

  remove(path) {
    this.nodes.delete(path);
  }

  /** Moves a file, or a folder with all that is in it, over what is there. */
  move(from, to) {
    for (const path of this.under(from)) {
      const node = this.nodes.get(path);
      this.nodes.delete(path);
      if (node) this.nodes.set(to + path.slice(from.length), node);
    }
  }

  /** Every path with its bytes, in order: what can be sent to a worker, compared and put back. */
  entries() {
    return [...this.nodes.keys()].filter(Boolean).sort().map((path) => /** @type {[string, Uint8Array | null]} */ ([path, this.read(path)]));
  }

  /** What one run keeps on the disk, done here too. */
  keep({ does, path, to, bytes }) {
    if (does === 'write') this.put(path, bytes);
    else if (does === 'folder') this.put(path, null);
    else if (does === 'remove') this.remove(path);
    else if (does === 'move') this.move(path, to);
  }
}
