// What the page's sources must be, and the parts of it that need no browser.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { grouped, together } from '../answer.js';
import { ASSETS, joined, order, stripped } from '../build.mjs';
import { Files } from '../files.js';
import { LARGEST, refused } from '../guard.js';
import { argumentsOf, commandLine, operationOf } from '../operations.js';
import { fromFragment, redacted, safeName, toFragment } from '../share.js';
import { root } from './program.mjs';

const web = path.join(root, 'web');
const sources = fs.readdirSync(web).filter((name) => /\.(js|html|css)$/.test(name));
const text = (name) => fs.readFileSync(path.join(web, name), 'utf8');

test('the page knows nothing of the chip: no state, code, register, rule or name of the vendor’s', () => {
  const data = path.join(root, 'crates/provost-chip/data');
  const rules = [...fs.readFileSync(path.join(data, 'rules.toml'), 'utf8').matchAll(/^id = "([^"]+)"/gm)].map(([, id]) => id);
  const fields = fs.readFileSync(path.join(data, 'option_bytes.csv'), 'utf8').split('\n').slice(1).map((row) => row.split(',')[1]).filter((name) => name?.length > 3);
  const states = fs.readFileSync(path.join(data, 'transitions.csv'), 'utf8').split('\n').slice(1).map((row) => row.split(',')[0]).filter((name) => name.length > 6);
  const forbidden = new Set([...rules, ...fields, ...states, 'TZEN', 'TrustZone', 'NRST', 'PRODUCT_STATE', 'Provisioning', 'TZ-Closed', 'iROT', 'Locked', 'debugauth', 'regression', 'STM32_Programmer', 'ST-LINK V']);
  assert.ok(rules.length > 30 && fields.length > 20 && states.length > 6, `${rules.length} ${fields.length} ${states.length}`);
  for (const name of sources) {
    const code = text(name);
    for (const word of forbidden) assert.ok(!code.includes(word), `${name}: ${word}`);
    assert.doesNotMatch(code, /\b0x(?:ED|17|2E|C6|72|5C|9A|EAEAEAEA|F5F5F5F5)\b/i, name);
    assert.doesNotMatch(code, /\b[RMC]-[A-Z]{2,}-[A-Z]/, name);
  }
});

test('no element is made from text', () => {
  for (const name of sources) assert.doesNotMatch(text(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setTimeout\(['"`]|createContextualFragment|\bon\w+="/, name);
});

test('nothing is fetched from elsewhere, and nothing is stored', () => {
  for (const name of sources) {
    assert.doesNotMatch(text(name), /localStorage|sessionStorage|indexedDB|document\.cookie|serviceWorker|sendBeacon|WebSocket|EventSource/, name);
    const addresses = [...text(name).matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address).filter((address) => address !== 'http://www.w3.org');
    assert.deepEqual(addresses, [], name);
  }
});

test('modules can be joined: their names are unique, and imports are of one kind', () => {
  for (const entry of ['app.js', 'worker.js']) {
    const names = order(entry).flatMap((name) => [...text(name).matchAll(/^(?:export )?(?:async )?(?:function|class|const|let) (?:\[([^\]]+)\]|\{[^}]*\}|(\w+))/gm)].flatMap(([, list, one]) => (list ? list.split(',').map((n) => n.trim()) : [one])).filter(Boolean).map((n) => [n, name]));
    const seen = new Map();
    for (const [name, file] of names) {
      assert.ok(!seen.has(name), `${name} in ${seen.get(name)} and ${file}`);
      seen.set(name, file);
    }
    const script = joined(order(entry));
    assert.doesNotMatch(script, /^(import|export)\b/m, entry);
  }
});

test('the program serves the files that the page needs, and no others', () => {
  const rust = fs.readFileSync(path.join(root, 'crates/provost/src/serve/assets.rs'), 'utf8');
  const served = [...rust.matchAll(/"([\w.]+\.(?:js|css|html))"/g)].map(([, name]) => name);
  const needed = ['index.html', 'style.css', ...order('main.js')];
  assert.deepEqual([...new Set(served)].sort(), needed.sort());
  assert.ok(ASSETS.includes('worker.js'), 'a folder for a web server has the worker too');
});

test('a module loses its custom sections, and nothing else', () => {
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const type = [1, 4, 1, 0x60, 0, 0];
  const custom = [0, 5, 4, 0x6e, 0x61, 0x6d, 0x65];
  assert.deepEqual([...stripped(Buffer.from([...head, ...custom, ...type, ...custom]))], [...head, ...type]);
});

// What people paste, with what names them: made up, one line for each kind.
const SEEDED = [
  ['UID: 0x00430052 0x33325117 0x38363236', ['00430052', '33325117', '38363236']],
  ['unique id   38363236_33325117_00430052', ['38363236']],
  ['Device UID 003C0024-32315114-38383039', ['003C0024', '32315114']],
  ['ST-LINK SN  : 066DFF343039564157214347', ['066DFF343039564157214347']],
  ['Serial number: 0024003A3137511133333639', ['0024003A3137511133333639']],
  ['Probe serial E6614103E7452D2F', ['E6614103E7452D2F']],
  ['Opening file C:\\Users\\jane.doe\\work\\secret-project\\fw.bin', ['jane.doe', 'secret-project']],
  ['/home/jdoe/acme/rocket/build/DA_Config.obk', ['jdoe', 'acme', 'rocket']],
  ['/Users/Jane/Desktop/x.elf', ['Jane', 'Desktop']],
  ['~/acme/fw.hex', ['acme']],
  ['user: jdoe', ['jdoe']],
  ['mail jane.doe@acme.example', ['jane.doe', 'acme.example']],
  ['connected to 192.168.17.4:3333', ['192.168.17.4']],
  ['-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----', ['MIIBszCCAVmgAwIBAgIU']],
];

test('what names a person, a machine or one chip is taken out', async () => {
  for (const [line, secrets] of SEEDED) {
    for (const secret of secrets) assert.ok(!redacted(line).includes(secret), `${line} -> ${redacted(line)}`);
  }
  const all = SEEDED.map(([line]) => line).join('\n');
  assert.equal(redacted(redacted(all)), redacted(all), 'twice is once');
  const link = await toFragment([{ name: 'C:\\Users\\jane\\a.log', text: all }]);
  const [report] = await fromFragment(`#${link}`);
  for (const [, secrets] of SEEDED) for (const secret of secrets) assert.ok(!report.text.includes(secret), secret);
  assert.equal(report.name, 'a.log');
});

test('what a report is about stays', () => {
  for (const line of ['Device ID : 0x478, Revision ID : Rev X', 'value = "0xC6"', 'integrity 0xeaeaeaea', 'STM32CubeProgrammer v2.22.0', 'Error: Cannot connect to access port 1!', '17:23:01 : Option byte = 0xED']) assert.equal(redacted(line), line);
});

test('a link that was tampered with is none', async () => {
  for (const fragment of ['', '#', '#case=', '#case=AAAA', '#case=!!!!', '#other', `#case=${'A'.repeat(5000)}`]) assert.equal(await fromFragment(fragment), null, fragment);
});

test('a file name is a name', () => {
  for (const [given, name] of [['../../etc/passwd', 'passwd'], ['C:\\a\\b.log', 'b.log'], ['-x', 'x'], ['..', 'report.txt'], ['a b;c.txt', 'a-b-c.txt'], ['', 'report.txt']]) assert.equal(safeName(given), name);
});

test('keys and too much are not read at all', () => {
  for (const kind of ['', 'EC ', 'RSA ', 'ENCRYPTED ', 'OPENSSH ']) assert.equal(refused(10, `x\n-----BEGIN ${kind}PRIVATE KEY-----\nAA`), 'privateKey');
  assert.equal(refused(10, '-----BEGIN PUBLIC KEY-----'), null);
  assert.equal(refused(LARGEST + 1, ''), 'tooLarge');
});

test('an operation is a command line that can be typed', () => {
  assert.equal(commandLine({ do: 'rescue', bench: ['nrst=not-wired', 'cut-power=7'] }), 'provost rescue --probe twin:board.chip?nrst=not-wired,cut-power=7');
  assert.deepEqual(argumentsOf({ do: 'ask', answers: ['1', ''] }).stdin, '1\n\n');
  assert.deepEqual(operationOf('provost rescue --part X --dry-run'), { do: 'plan', part: 'X' });
  assert.equal(operationOf('provost close --to closed'), null);
});

test('warnings with one reason stand together', () => {
  assert.deepEqual(grouped([{ step: 'a', why: 'x' }, { step: 'b', why: 'y' }, { step: 'c', why: 'x' }]).map(([why, steps]) => [why, steps.length]), [['x', 2], ['y', 1]]);
  assert.equal(together(['write A = 1', 'write A = 2', 'reset', 'write A = 3']), 'write A = 1, 2, reset, write A = 3');
});

test('files that were put back are byte for byte what they were', () => {
  const before = [['a', new Uint8Array([1, 2])], ['b', null], ['b/c', new Uint8Array(0)]];
  const files = new Files(before);
  files.move('b', 'd');
  files.put('a', new Uint8Array([9]));
  assert.deepEqual(files.list(''), ['a', 'd']);
  assert.deepEqual(new Files(before).entries(), before);
});
