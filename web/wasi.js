// What a WASI program (preview 1) asks of its host, answered from memory: arguments, clock, randomness, standard streams, and one folder of files.
//
// Numbers and layouts are those of the WASI snapshot_preview1 witx files. Nothing here knows which program runs.

const OK = 0, BADF = 8, EXIST = 20, INVAL = 28, ISDIR = 31, NOENT = 44, NOSYS = 52, NOTDIR = 54, NOTEMPTY = 55;
const DIRECTORY = 3, REGULAR = 4, UNKNOWN = 0;
const CREATE = 1, ONLY_DIRECTORY = 2, EXCLUSIVE = 4, TRUNCATE = 8; // oflags
const APPEND = 1; // fdflags
const ALL_RIGHTS = 0x1fffffffn;
const ROOT = 3; // the first file descriptor that is handed out beforehand

/** The program has ended by itself. */
export class Exit {
  constructor(code) {
    this.code = code;
  }
}

/** An errno, thrown by what cannot be done and returned by the call. */
class Errno {
  constructor(number) {
    this.number = number;
  }
}

/**
 * @param {object} host
 * @param {string[]} host.arguments the first is the program's name
 * @param {import('./files.js').Files} host.files
 * @param {Uint8Array} host.stdin
 * @param {(fd: number, bytes: Uint8Array) => void} host.print what goes to standard output (1) and error (2)
 * @param {(change: object) => void} host.keep what a computer without power would still have: synced files, and changes of names
 */
export function wasi(host) {
  const { files } = host;
  /** @type {WebAssembly.Memory} */
  let memory;
  const view = () => new DataView(memory.buffer);
  const bytes = (at, length) => new Uint8Array(memory.buffer, at, length);
  const text = (at, length) => new TextDecoder().decode(bytes(at, length).slice());
  const u32 = (at, value) => view().setUint32(at, value, true);
  const u64 = (at, value) => view().setBigUint64(at, BigInt(value), true);

  // Open files: what they stand for, and where the next byte comes from.
  const stdin = { bytes: host.stdin, size: host.stdin.length };
  /** @type {Map<number, any>} */
  const open = new Map([[0, { node: stdin, at: 0 }], [1, {}], [2, {}], [ROOT, { node: files.nodes.get(''), path: '' }]]);
  let next = ROOT + 1;
  const opened = (fd) => open.get(fd) ?? fail(BADF);
  const file = (fd) => {
    const entry = opened(fd);
    return entry.node && 'bytes' in entry.node ? entry : fail(entry.node ? ISDIR : BADF);
  };
  const numbers = new Map(); // inode numbers, given when first asked for
  const inode = (node) => numbers.get(node) ?? (numbers.set(node, numbers.size + 1), numbers.size);

  const resolve = (fd, at, length) => {
    const parts = opened(fd).path === undefined ? fail(NOTDIR) : opened(fd).path.split('/');
    for (const part of text(at, length).split('/')) {
      if (part === '..') parts.pop();
      else if (part !== '.' && part !== '') parts.push(part);
    }
    return parts.filter(Boolean).join('/');
  };
  const node = (path) => files.nodes.get(path) ?? fail(NOENT);
  const parent = (path) => {
    const above = node(path.split('/').slice(0, -1).join('/'));
    return 'entries' in above ? above : fail(NOTDIR);
  };

  const grow = (node, size) => {
    if (size > node.bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * node.bytes.length, 256));
      larger.set(node.bytes.subarray(0, node.size));
      node.bytes = larger;
    }
    node.bytes.fill(0, Math.min(size, node.size), node.size);
    node.size = size;
  };
  const write = (entry, chunk) => {
    if (entry.flags & APPEND) entry.at = entry.node.size;
    if (entry.at + chunk.length > entry.node.size) grow(entry.node, entry.at + chunk.length);
    entry.node.bytes.set(chunk, entry.at);
    entry.at += chunk.length;
  };
  const vectors = (at, count) => Array.from({ length: count }, (_, i) => [view().getUint32(at + 8 * i, true), view().getUint32(at + 8 * i + 4, true)]);
  const filestat = (at, node) => {
    bytes(at, 64).fill(0);
    u64(at + 8, node ? inode(node) : 0);
    view().setUint8(at + 16, node ? ('entries' in node ? DIRECTORY : REGULAR) : UNKNOWN);
    u64(at + 24, 1);
    u64(at + 32, node && 'bytes' in node ? node.size : 0);
  };
  const strings = (list, pointers, at) => {
    for (const word of list) {
      u32(pointers, at);
      pointers += 4;
      bytes(at, word.length).set(word);
      at += word.length;
    }
  };
  const words = host.arguments.map((word) => new TextEncoder().encode(`${word}\0`));

  const calls = {
    args_sizes_get(count, size) {
      u32(count, words.length);
      u32(size, words.reduce((sum, word) => sum + word.length, 0));
    },
    args_get: (pointers, at) => strings(words, pointers, at),
    environ_sizes_get(count, size) {
      u32(count, 0);
      u32(size, 0);
    },
    environ_get() {},
    clock_time_get(clock, _precision, at) {
      u64(at, clock === 0 ? BigInt(Date.now()) * 1000000n : BigInt(Math.round(performance.now() * 1e6)));
    },
    random_get(at, length) {
      for (let done = 0; done < length; done += 65536) crypto.getRandomValues(bytes(at + done, Math.min(65536, length - done)));
    },
    sched_yield() {},
    // Nobody waits: a virtual chip has its own time.
    poll_oneoff(subscriptions, events, count, done) {
      for (let i = 0; i < count; i++) {
        bytes(events + 32 * i, 32).fill(0);
        bytes(events + 32 * i, 8).set(bytes(subscriptions + 48 * i, 8));
        view().setUint8(events + 32 * i + 10, view().getUint8(subscriptions + 48 * i + 8));
      }
      u32(done, count);
    },
    proc_exit(code) {
      throw new Exit(code);
    },

    fd_close: (fd) => void (open.delete(fd) || fail(BADF)),
    fd_fdstat_get(fd, at) {
      const entry = opened(fd);
      bytes(at, 24).fill(0);
      view().setUint8(at, entry.node && fd !== 0 ? ('entries' in entry.node ? DIRECTORY : REGULAR) : UNKNOWN);
      view().setUint16(at + 2, entry.flags ?? 0, true);
      u64(at + 8, ALL_RIGHTS);
      u64(at + 16, ALL_RIGHTS);
    },
    fd_fdstat_set_flags(fd, flags) {
      opened(fd).flags = flags;
    },
    fd_filestat_get: (fd, at) => filestat(at, opened(fd).node),
    fd_filestat_set_size: (fd, size) => grow(file(fd).node, Number(size)),
    fd_prestat_get(fd, at) {
      if (fd !== ROOT) fail(BADF);
      u32(at, 0);
      u32(at + 4, 1);
    },
    fd_prestat_dir_name(_fd, at) {
      bytes(at, 1).set(new TextEncoder().encode('.'));
    },
    fd_read(fd, at, count, done) {
      const entry = file(fd);
      let total = 0;
      for (const [to, length] of vectors(at, count)) {
        const chunk = entry.node.bytes.subarray(entry.at, Math.min(entry.at + length, entry.node.size));
        bytes(to, chunk.length).set(chunk);
        entry.at += chunk.length;
        total += chunk.length;
      }
      u32(done, total);
    },
    fd_write(fd, at, count, done) {
      const chunks = vectors(at, count).map(([from, length]) => bytes(from, length).slice());
      for (const chunk of chunks) {
        if (fd === 1 || fd === 2) host.print(fd, chunk);
        else write(file(fd), chunk);
      }
      u32(done, chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    },
    fd_seek(fd, offset, whence, at) {
      const entry = file(fd);
      const to = [0, entry.at, entry.node.size][whence] + Number(offset);
      if (!(to >= 0)) fail(INVAL);
      entry.at = to;
      u64(at, to);
    },
    fd_sync(fd) {
      const { node, path } = opened(fd);
      if (node && 'bytes' in node) host.keep({ does: 'write', path, bytes: node.bytes.slice(0, node.size) });
    },
    fd_readdir(fd, at, length, cookie, done) {
      const { path } = opened(fd);
      const names = ['.', '..', ...files.list(path)];
      let used = 0;
      for (let i = Number(cookie); i < names.length && used < length; i++) {
        const name = new TextEncoder().encode(names[i]);
        const child = files.nodes.get(i < 2 ? path : path ? `${path}/${names[i]}` : names[i]);
        const record = new Uint8Array(24 + name.length);
        const fields = new DataView(record.buffer);
        fields.setBigUint64(0, BigInt(i + 1), true);
        fields.setBigUint64(8, BigInt(child ? inode(child) : 0), true);
        fields.setUint32(16, name.length, true);
        fields.setUint8(20, child && 'bytes' in child ? REGULAR : DIRECTORY);
        record.set(name, 24);
        const part = record.subarray(0, length - used);
        bytes(at + used, part.length).set(part);
        used += part.length;
      }
      u32(done, used);
    },

    path_create_directory(fd, at, length) {
      const path = resolve(fd, at, length);
      if (files.nodes.has(path)) fail(EXIST);
      parent(path);
      files.folder(path);
      host.keep({ does: 'folder', path });
    },
    path_filestat_get(fd, _flags, at, length, to) {
      filestat(to, node(resolve(fd, at, length)));
    },
    path_open(fd, _lookup, at, length, oflags, _rights, _inheriting, fdflags, result) {
      const path = resolve(fd, at, length);
      let found = files.nodes.get(path);
      if (found && oflags & CREATE && oflags & EXCLUSIVE) fail(EXIST);
      if (found && 'bytes' in found && oflags & ONLY_DIRECTORY) fail(NOTDIR);
      if (!found) {
        if (!(oflags & CREATE)) fail(NOENT);
        parent(path);
        found = { bytes: new Uint8Array(0), size: 0 };
        files.nodes.set(path, found);
      }
      if (oflags & TRUNCATE && 'bytes' in found) grow(found, 0);
      open.set(next, { node: found, path, at: 0, flags: fdflags });
      u32(result, next++);
    },
    path_rename(fd, at, length, other, to, toLength) {
      const [from, target] = [resolve(fd, at, length), resolve(other, to, toLength)];
      node(from);
      parent(target);
      files.move(from, target);
      for (const entry of open.values()) {
        if (entry.path === from) entry.path = target;
      }
      host.keep({ does: 'move', path: from, to: target });
    },
    path_link(fd, _flags, at, length, other, to, toLength) {
      const [from, target] = [resolve(fd, at, length), resolve(other, to, toLength)];
      const linked = node(from);
      if (files.nodes.has(target)) fail(EXIST);
      parent(target);
      files.nodes.set(target, linked);
      host.keep({ does: 'write', path: target, bytes: files.read(target) });
    },
    path_unlink_file(fd, at, length) {
      const path = resolve(fd, at, length);
      if ('entries' in node(path)) fail(ISDIR);
      files.remove(path);
      host.keep({ does: 'remove', path });
    },
    path_remove_directory(fd, at, length) {
      const path = resolve(fd, at, length);
      if ('bytes' in node(path)) fail(NOTDIR);
      if (files.list(path).length) fail(NOTEMPTY);
      files.remove(path);
      host.keep({ does: 'remove', path });
    },
  };

  const guarded = Object.entries(calls).map(([name, call]) => [name, (...given) => {
    try {
      call(...given);
      return OK;
    } catch (error) {
      if (error instanceof Errno) return error.number;
      throw error;
    }
  }]);
  return {
    /** What the module imports: of the calls of preview 1 those above; any other answers that there is none (ENOSYS). */
    imports(module) {
      const asked = WebAssembly.Module.imports(module).map(({ name }) => [name, () => NOSYS]);
      return { wasi_snapshot_preview1: { ...Object.fromEntries(asked), ...Object.fromEntries(guarded) } };
    },
    /** Runs a program to its end, and gives its exit code. */
    start(instance) {
      memory = instance.exports.memory;
      try {
        instance.exports._start();
        return 0;
      } catch (error) {
        if (error instanceof Exit) return error.code;
        throw error;
      }
    },
  };
}

/** @returns {never} */
function fail(number) {
  throw new Errno(number);
}
