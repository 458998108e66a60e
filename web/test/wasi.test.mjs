// The WASI host by itself: a program of a few lines calls it, and what it finds is worked out from the witx files of preview 1.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Files } from '../files.js';
import { wasi } from '../wasi.js';

const EMPTY = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
const [OK, BADF, EXIST, ISDIR, NOENT, NOTDIR, NOTEMPTY] = [0, 8, 20, 31, 44, 54, 55];

/** Lets a program in JavaScript run on the host; gives what was kept. */
function host(program, { files = new Files(), stdin = '' } = {}) {
  const kept = [];
  const printed = { 1: '', 2: '' };
  const side = wasi({ arguments: ['a', 'bé'], files, stdin: new TextEncoder().encode(stdin), print: (fd, bytes) => (printed[fd] += new TextDecoder().decode(bytes)), keep: (change) => kept.push(change) });
  const memory = new WebAssembly.Memory({ initial: 2 });
  const calls = side.imports(EMPTY).wasi_snapshot_preview1;
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  const put = (text, at = 1024) => {
    const encoded = new TextEncoder().encode(text);
    bytes.set(encoded, at);
    return [at, encoded.length];
  };
  const open = (path, oflags = 0, fdflags = 0) => {
    const errno = calls.path_open(3, 0, ...put(path), oflags, 0n, 0n, fdflags, 0);
    return { errno, fd: view.getUint32(0, true) };
  };
  const write = (fd, text) => {
    const [at, length] = put(text, 2048);
    view.setUint32(16, at, true);
    view.setUint32(20, length, true);
    return calls.fd_write(fd, 16, 1, 24);
  };
  const read = (fd, length) => {
    view.setUint32(16, 4096, true);
    view.setUint32(20, length, true);
    assert.equal(calls.fd_read(fd, 16, 1, 24), OK);
    return new TextDecoder().decode(bytes.slice(4096, 4096 + view.getUint32(24, true)));
  };
  const exit = side.start({ exports: { memory, _start: () => program({ calls, view, bytes, put, open, write, read }) } });
  return { exit, kept, printed, files };
}

test('arguments come with their lengths, and end with a zero', () => {
  host(({ calls, view, bytes }) => {
    calls.args_sizes_get(0, 4);
    assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [2, 2 + 4]);
    calls.args_get(0, 100);
    assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [100, 102]);
    assert.deepEqual([...bytes.slice(100, 106)], [0x61, 0, 0x62, 0xc3, 0xa9, 0]);
  });
});

test('what is written is read back, from wherever one seeks', () => {
  const { files } = host(({ calls, open, write, read }) => {
    const { fd } = open('a', 1);
    write(fd, 'hello world');
    calls.fd_seek(fd, 6n, 0, 32);
    assert.equal(read(fd, 100), 'world');
    calls.fd_seek(fd, -5n, 1, 32);
    write(fd, 'W');
    calls.fd_seek(fd, -1n, 2, 32);
    assert.equal(read(fd, 9), 'd');
    calls.fd_filestat_set_size(fd, 3n);
    calls.fd_filestat_set_size(fd, 5n);
  });
  assert.equal(files.text('a'), 'hel\0\0');
});

test('a file that is appended to grows at its end, wherever one is', () => {
  const { files } = host(({ calls, open, write }) => {
    const { fd } = open('a', 0, 1);
    calls.fd_seek(fd, 0n, 0, 32);
    write(fd, 'two');
  }, { files: new Files([['a', new TextEncoder().encode('one ')]]) });
  assert.equal(files.text('a'), 'one two');
});

test('what is not there, is there already, or is of another kind, is said by its errno', () => {
  host(({ calls, open, put, write }) => {
    assert.equal(open('nothing').errno, NOENT);
    assert.equal(open('no/such/folder', 1).errno, NOENT);
    assert.equal(open('file', 1 | 4).errno, EXIST);
    assert.equal(open('file', 2).errno, NOTDIR);
    assert.equal(open('file/inside', 1).errno, NOTDIR);
    assert.equal(calls.path_create_directory(3, ...put('folder')), EXIST);
    assert.equal(calls.path_remove_directory(3, ...put('folder')), NOTEMPTY);
    assert.equal(calls.path_unlink_file(3, ...put('folder')), ISDIR);
    assert.equal(calls.fd_close(77), BADF);
    assert.equal(write(77, 'x'), BADF);
    const { fd } = open('folder', 2);
    assert.equal(write(fd, 'x'), ISDIR);
  }, { files: new Files([['file', new Uint8Array(1)], ['folder/inside', new Uint8Array(1)]]) });
});

test('no path leads out of the folder', () => {
  host(({ open, read }) => {
    for (const path of ['../../a', './x/../a', '/a', 'a']) {
      const { errno, fd } = open(path);
      assert.equal(errno, OK, path);
      assert.equal(read(fd, 9), 'in');
    }
  }, { files: new Files([['a', new TextEncoder().encode('in')], ['x', null]]) });
});

test('a folder is listed whole, however small the room', () => {
  const names = ['first', 'second', 'a-name-that-is-much-longer-than-the-others'];
  host(({ calls, open, view, bytes }) => {
    const { fd } = open('folder', 2);
    for (const room of [80, 4000]) {
      const found = [];
      for (let cookie = 0n; ; ) {
        calls.fd_readdir(fd, 4096, room, cookie, 0);
        const used = view.getUint32(0, true);
        let at = 0;
        while (used - at >= 24) {
          const length = view.getUint32(4096 + at + 16, true);
          if (at + 24 + length > used) break;
          cookie = view.getBigUint64(4096 + at, true);
          found.push(new TextDecoder().decode(bytes.slice(4096 + at + 24, 4096 + at + 24 + length)));
          at += 24 + length;
        }
        if (used < room) break;
      }
      assert.deepEqual(found, ['.', '..', ...[...names].sort()]);
    }
  }, { files: new Files(names.map((name) => [`folder/${name}`, new Uint8Array(1)])) });
});

test('only what is synced, and changes of names, are kept; put together they are the disk of a computer without power', () => {
  const { kept, files } = host(({ calls, open, write, put }) => {
    calls.path_create_directory(3, ...put('job'));
    const { fd } = open('job/new.tmp', 1);
    write(fd, 'synced');
    calls.fd_sync(fd);
    write(fd, ', and not');
    calls.path_rename(3, ...put('job/new.tmp'), 3, ...put('job/new', 1536));
  });
  const disk = new Files();
  kept.forEach((change) => disk.keep(change));
  assert.deepEqual(disk.entries().map(([path]) => path), ['job', 'job/new']);
  assert.equal(disk.text('job/new'), 'synced');
  assert.equal(files.text('job/new'), 'synced, and not');
});

test('a file that is renamed while it is open is kept under its new name', () => {
  const { kept } = host(({ calls, open, write, put }) => {
    const { fd } = open('a', 1);
    calls.path_rename(3, ...put('a'), 3, ...put('b', 1536));
    write(fd, 'x');
    calls.fd_sync(fd);
  });
  assert.equal(kept.at(-1).path, 'b');
});

test('standard input ends, output is passed on, and the exit code is the program’s', () => {
  const { exit, printed } = host(({ calls, read, write }) => {
    assert.equal(read(0, 3), 'lin');
    assert.equal(read(0, 9), 'e');
    assert.equal(read(0, 9), '');
    write(1, 'out');
    write(2, 'err');
    calls.proc_exit(5);
  }, { stdin: 'line' });
  assert.deepEqual([exit, printed], [5, { 1: 'out', 2: 'err' }]);
});

test('time goes on, and randomness fills all of what is asked for', () => {
  host(({ calls, view, bytes }) => {
    calls.clock_time_get(0, 0n, 0);
    assert.ok(Math.abs(Number(view.getBigUint64(0, true) / 1000000n) - Date.now()) < 5000);
    assert.equal(calls.random_get(10, 100000), OK);
    assert.ok(bytes.slice(99000, 100010).some((byte) => byte !== 0));
    assert.ok(bytes.slice(100010).every((byte) => byte === 0));
  });
});
