// The program as WASM on the page's own host, held against the native one: the same documents and exit codes.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Files } from '../files.js';
import { places } from '../map.js';
import { argumentsOf } from '../operations.js';
import { run } from '../program.js';
import { fromFragment, toFragment } from '../share.js';
import { asked, entry, module, natively, reports, skip } from './program.mjs';


const same = (words, files = []) => {
  const ours = run(module, { arguments: words, files });
  const theirs = natively(words, files);
  assert.equal(ours.out, theirs.out, words.join(' '));
  assert.equal(ours.exit, theirs.exit, words.join(' '));
  return ours;
};

/** The disk after one more change. */
const kept = (entries, change) => {
  const files = new Files(entries);
  files.keep(change);
  return files.entries();
};

test('every report has the native diagnosis', { skip }, (t) => {
  const all = reports();
  for (const report of all) same(['diagnose', '--json', report.name], [entry(report)]);
  t.diagnostic(`${all.length} reports`);
  assert.ok(all.length >= 40);
});

test('so have status, plan, preflight and explanations of every ready-made chip', { skip }, (t) => {
  const presets = asked({ do: 'twins' }).document.presets;
  let runs = 0;
  for (const { name } of presets) {
    for (const words of [['status', '--json'], ['diagnose', '--json'], ['rescue', '--dry-run', '--json'], ['close', '--to', 'closed', '--dry-run', '--json', '--credential', 'nowhere'], ['option', 'list', '--json']]) {
      same([...words, '--probe', `twin:${name}`]);
      runs++;
    }
  }
  const map = JSON.parse(same(['explain', 'map', '--json']).out);
  for (const { id } of map.states) same(['explain', id, '--json']);
  for (const { rules } of map.arrows) rules.forEach((rule) => same(['explain', rule, '--json']));
  t.diagnostic(`${runs} runs on ${presets.length} chips`);
});

test('no two states stand in one place, and all stand in the picture', { skip }, () => {
  const map = asked({ do: 'map' }).document;
  const { at, width, height } = places(map);
  const spots = [...at.values()];
  assert.equal(spots.length, map.states.length);
  for (const [i, a] of spots.entries()) {
    assert.ok(a.x >= 0 && a.y >= 0 && a.x < width && a.y < height);
    for (const b of spots.slice(i + 1)) assert.ok(Math.abs(a.x - b.x) >= 144 || Math.abs(a.y - b.y) >= 52, JSON.stringify([a, b]));
  }
});

test('a link of each report leads to the same answer, with nothing in it that names somebody', { skip }, async (t) => {
  const UID = '00430052_33325117_38363236';
  const SEEDS = [`unique id ${UID}`, 'ST-LINK SN : 066DFF343039564157214347', '/home/jdoe/acme/x.log'];
  const all = reports();
  const differ = [];
  for (const report of all) {
    const seeded = report.name.endsWith('.toml') ? `${report.text}\n# ${SEEDS.join('\n# ')}\n` : `${report.text}\n${SEEDS.join('\n')}\n`;
    const [back] = await fromFragment(`#${await toFragment([{ name: report.name, text: seeded }])}`);
    for (const secret of ['00430052', '33325117', '066DFF343039564157214347', 'jdoe', 'acme']) assert.ok(!back.text.includes(secret), `${report.name}: ${secret}`);
    const verdict = (text) => {
      const { document } = asked({ do: 'diagnose', inputs: [report.name] }, [[report.name, new TextEncoder().encode(text)]]);
      return [document?.verdict, document?.believed?.product_state];
    };
    if (String(verdict(report.text)) !== String(verdict(back.text))) differ.push(report.name);
  }
  t.diagnostic(`${all.length} links`);
  assert.deepEqual(differ, []);
});

test('the twin of each report with a verdict is what the report is believed to be about', { skip }, (t) => {
  const counts = { twins: 0, saved: 0 };
  for (const report of reports()) {
    const { document } = asked({ do: 'diagnose', inputs: [report.name] }, [entry(report)]);
    if (!document?.likeliest || document.verdict === 'undetermined') continue;
    const made = asked({ do: 'new', like: 'd.json' }, [['d.json', new TextEncoder().encode(JSON.stringify(document))]]);
    assert.equal(made.exit, 0, `${report.name}: ${made.out}`);
    assert.equal(made.document.product_state, document.likeliest.product_state, report.name);
    counts.twins++;
    if (document.verdict !== 'recoverable' || document.goal !== 'open' || document.likeliest.stored !== 'nothing') continue;
    const bench = made.document.like.probe.split('?')[1]?.split(',');
    const rescued = asked({ do: 'rescue', bench }, made.files);
    assert.equal(rescued.exit, 0, `${report.name}: ${rescued.err}`);
    assert.equal(asked({ do: 'look', bench }, rescued.files).document.believed.product_state, 'open', report.name);
    counts.saved++;
  }
  t.diagnostic(`${counts.twins} twins, ${counts.saved} of them rescued`);
  assert.ok(counts.twins >= 15 && counts.saved >= 5, JSON.stringify(counts));
});

test('power cut at 50 places: run again, it comes back Open', { skip }, (t) => {
  const made = asked({ do: 'new', preset: 'stuck-in-provisioning' });
  const exits = {};
  for (let i = 0; i < 50; i++) {
    const cut = asked({ do: 'rescue', bench: [`cut-power=${1 + i * 24}`] }, made.files);
    exits[cut.exit] = (exits[cut.exit] ?? 0) + 1;
    let ended = cut;
    // What is in a chip that stands in its ROM may take another run, or more power taken away; the program says so.
    for (let again = 0; again < 3 && ended.exit !== 0; again++) ended = asked({ do: 'rescue' }, ended.files);
    assert.equal(ended.exit, 0, `cut at ${1 + i * 24}: ${ended.err}`);
  }
  t.diagnostic(`exit codes of the runs that were cut: ${JSON.stringify(exits)}`);
});

test('a program that was killed leaves what it had kept; run again, it comes back Open', { skip }, (t) => {
  const made = asked({ do: 'new', preset: 'stuck-in-provisioning' });
  const changes = [];
  run(module, { ...argumentsOf({ do: 'rescue' }), files: made.files }, { keep: (change) => changes.push(change) });
  // Killed after each thing that was kept: every state that a disk can be left in.
  for (let after = 0; after <= changes.length; after++) {
    let left = made.files;
    let count = 0;
    const killed = new Error('killed');
    try {
      run(module, { ...argumentsOf({ do: 'rescue' }), files: made.files }, {
        keep: (change) => {
          if (count++ >= after) throw killed;
          left = kept(left, change);
        },
      });
    } catch (error) {
      assert.equal(error, killed);
    }
    let ended = asked({ do: 'rescue' }, left);
    for (let again = 0; again < 3 && ended.exit !== 0; again++) ended = asked({ do: 'rescue' }, ended.files);
    assert.equal(ended.exit, 0, `killed after ${after}: ${ended.err}`);
  }
  t.diagnostic(`${changes.length + 1} moments`);
});

test('each wrong step that is named does its harm, and what was before is had back byte for byte', { skip }, (t) => {
  const made = asked({ do: 'new', preset: 'stuck-in-provisioning' });
  const before = asked({ do: 'look' }, made.files).document;
  const lost = [];
  for (const { step } of before.never) {
    const done = asked({ do: 'try', step }, made.files);
    const after = asked({ do: 'look' }, done.files).document;
    if (done.exit === 0 && after.believed.product_state !== before.believed.product_state) lost.push(step);
    assert.deepEqual(asked({ do: 'look' }, made.files).document, before, step);
  }
  t.diagnostic(`${before.never.length} steps, ${lost.length} of them change the state`);
  assert.ok(lost.length >= 4, lost.join());
});
