// The page in a browser: what a person does with it, and what it must never do.
//
//   node web/test/browser.mjs OUT       with PROVOST_WASM, PROVOST_NATIVE, PROVOST_CHROMIUM, and PROVOST_WEB_TOOLS: where playwright-core lies
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { createRequire } from 'node:module';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { asked, entry, native, natively, reports, root } from './program.mjs';

const tools = createRequire(path.join(process.env.PROVOST_WEB_TOOLS ?? '.', 'x.js'));
const { chromium } = tools('playwright-core');
const axe = fs.readFileSync(tools.resolve('axe-core/axe.min.js'), 'utf8');
const out = process.env.PROVOST_WEB_OUT ?? path.join(root, 'target/web');
const site = path.join(out, 'site');
const pictures = path.join(out, 'pictures');
const KINDS = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', wasm: 'application/wasm' };
const SEED = fs.readFileSync(path.join(import.meta.dirname, 'stuck.txt'), 'utf8');
const WAIT = 30000;

let browser, server, base;

before(async () => {
  fs.mkdirSync(pictures, { recursive: true });
  server = http.createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : path.basename(request.url.split('?')[0]);
    const file = path.join(site, name);
    if (!fs.existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': KINDS[name.split('.').pop()] }).end(fs.readFileSync(file));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${server.address().port}/`;
  browser = await chromium.launch({ executablePath: process.env.PROVOST_CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
});

after(async () => {
  await browser?.close();
  server?.close();
});

/** A page that is ready; whatever it complains of is an error of the test. */
async function opened(given = {}, address = base) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...given });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT);
  page.wrong = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.wrong.push(message.text()));
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.asked = [];
  page.on('request', (request) => page.asked.push(request.url()));
  await page.goto(address);
  await page.waitForSelector('body[data-ready]');
  return page;
}

async function done(page) {
  assert.deepEqual(page.wrong, []);
  await page.context().close();
}

/** Puts a text there as a paste does, and waits for the answer to it. */
async function paste(page, text) {
  await page.evaluate((text) => {
    document.querySelector('#verdict')?.removeAttribute('id');
    const report = document.getElementById('report');
    report.value = text;
    report.dispatchEvent(new Event('input', { bubbles: true }));
    report.dispatchEvent(new Event('paste', { bubbles: true }));
  }, text);
  await page.waitForSelector('#verdict, #answer .verdict');
}

const headline = (page) => page.textContent('#answer .headline').then((text) => text.replace(/^[✓✗?]/, ''));
const seen = (page, selector) => page.$eval(selector, (node) => {
  const { top, bottom } = node.getBoundingClientRect();
  return top >= 0 && top < innerHeight && bottom > 0;
});

test('each report that is pasted or dropped has the answer of the command line, and what not to do is in sight', async (t) => {
  const page = await opened();
  const phone = await opened({ viewport: { width: 390, height: 844 } });
  let warned = 0;
  for (const report of reports()) {
    const expected = JSON.parse(natively(['diagnose', '--json', report.name], [entry(report)]).out);
    await page.fill('#report', '');
    await page.evaluate(() => document.querySelector('#verdict')?.removeAttribute('id'));
    await page.setInputFiles('#files', { name: report.name, mimeType: 'text/plain', buffer: Buffer.from(report.text) });
    await page.waitForSelector(expected.schema === 'provost.diagnosis/1' ? '#verdict' : '#answer .verdict');
    if (expected.schema === 'provost.diagnosis/1') {
      assert.equal(await headline(page), expected.headline, report.name);
      if (expected.never.length) {
        warned++;
        assert.ok(await seen(page, '.never'), `${report.name}: not in sight`);
      }
    } else {
      assert.ok((await page.textContent('#answer')).includes(expected.message), report.name);
    }
    await page.click('#dropped button');
  }
  const shown = reports().find(({ name }) => name.endsWith('.log') || name.endsWith('.txt'));
  await paste(phone, SEED);
  await phone.waitForTimeout(200);
  assert.ok(await seen(phone, '.never'), 'on a phone');
  t.diagnostic(`${reports().length} reports, ${warned} with warnings; ${shown.name} among them`);
  await done(page);
  await done(phone);
});

test('each state of the map can be said, and each question answered to its end', async (t) => {
  const page = await opened();
  const states = asked({ do: 'map' }).document.states;
  for (const state of states) {
    await page.evaluate(() => document.querySelector('#verdict')?.removeAttribute('id'));
    await page.check(`input[name=state][value=${state.id}]`);
    await page.waitForSelector('#verdict');
    const expected = asked({ do: 'diagnose', inputs: ['said.toml'] }, [['said.toml', new TextEncoder().encode(state.case_file)]]).document;
    assert.equal(await headline(page), expected.headline, state.id);
  }
  await page.check('input[name=state][value=""]');
  let questions = 0;
  for (const pick of [0, 1, 2]) {
    const answers = [];
    await page.click('#ask');
    for (;;) {
      await page.waitForFunction((count) => ['done', String(count + 1)].includes(document.querySelector('#interview').dataset.open), answers.length);
      const choices = await page.$$('#interview .choice');
      if (!choices.length) break;
      const chosen = Math.min(pick, choices.length - 1);
      await choices[chosen].click();
      answers.push(String(chosen + 1));
      questions++;
    }
    const expected = asked({ do: 'ask', answers }).document;
    for (let waited = 0; waited < WAIT && (await headline(page)) !== expected.headline; waited += 100) await page.waitForTimeout(100);
    assert.equal(await headline(page), expected.headline, answers.join());
  }
  t.diagnostic(`${states.length} states, ${questions} questions`);
  await done(page);
});

test('from the words of somebody in trouble to a rescued twin by clicking; every claim can be struck', async (t) => {
  const page = await opened();
  const start = performance.now();
  await paste(page, SEED);
  const expected = JSON.parse(natively(['diagnose', '--json', 'report.txt'], [['report.txt', SEED]]).out);
  assert.equal(await headline(page), expected.headline);
  await page.click('.earlier button');
  await page.waitForSelector('.moment');
  await page.click('#make');
  await page.waitForSelector('[data-do=rescue]');
  await page.click('[data-do=rescue]');
  await page.waitForFunction(() => document.querySelector('#twin-state')?.textContent === 'Open');
  t.diagnostic(`a rescued twin after 4 deeds and ${Math.round(performance.now() - start)} ms of the machine`);
  // Back to now, and the claim of the closing write struck.
  await page.click('.moment button');
  await page.waitForFunction(() => !document.querySelector('.moment'));
  await page.click('#claims summary');
  const claims = await page.$$('.claims li');
  assert.equal(claims.length, expected.claims.length);
  const number = expected.claims.find((claim) => claim.says.endsWith(': lost')).number;
  await page.locator('.claims li').nth(number - 1).getByRole('button', { pressed: false }).first().click();
  await page.waitForSelector('.claims li.struck', { state: 'attached' });
  const struck = JSON.parse(natively(['diagnose', '--json', 'report.txt', '--strike', String(number)], [['report.txt', SEED]]).out);
  assert.equal(await headline(page), struck.headline);
  await done(page);
});

test('practise: each ready-made chip, power cut and program killed; the wrong step is allowed, and undone', async (t) => {
  const page = await opened();
  let rescued = 0;
  for (const { name } of asked({ do: 'twins' }).document.presets) {
    await page.selectOption('#preset', name);
    await page.click('#take');
    await page.waitForFunction(() => document.querySelectorAll('.entry').length === 1 && document.querySelector('#twin-is'));
    if (!(await page.$('[data-do=rescue]'))) continue;
    await page.click('[data-do=rescue]');
    await page.waitForFunction(() => document.querySelectorAll('.entry').length === 2 && /exit|:/.test(document.querySelector('.last .how').textContent));
    await page.waitForTimeout(400);
    rescued += (await page.textContent('#twin-state')) === 'Open' ? 1 : 0;
  }
  await page.selectOption('#preset', 'stuck-in-provisioning');
  let kills = 0;
  for (let round = 0; round < 8; round++) {
    await page.click('#take');
    await page.waitForFunction(() => document.querySelectorAll('.entry').length === 1 && document.querySelector('[data-do=rescue]'));
    await page.click(round % 2 ? '[data-do=kill]' : '[data-do=cut]');
    for (let runs = 2; runs < 6; runs++) {
      await page.waitForFunction((count) => document.querySelectorAll('.entry').length === count && !document.querySelector('.last .how').textContent.includes('running') && document.querySelector('#twin-is'), runs);
      await page.waitForTimeout(500);
      if ((await page.textContent('#twin-state')) === 'Open') break;
      kills++;
      await page.click('[data-do=rescue]');
    }
    assert.equal(await page.textContent('#twin-state'), 'Open', `round ${round}`);
  }
  await page.click('#take');
  await page.waitForFunction(() => document.querySelectorAll('.entry').length === 1 && document.querySelector('[data-do=rescue]'));
  const state = await page.textContent('#twin-state');
  await page.locator('summary', { hasText: 'Practise' }).click();
  await page.click('button.wrong >> nth=1');
  await page.waitForSelector('.twin-is.bad');
  assert.notEqual(await page.textContent('#twin-state'), state);
  await page.click('#undo');
  await page.waitForSelector('.twin-is.good');
  assert.equal(await page.textContent('#twin-state'), state);
  assert.match(await page.textContent('.last .how'), /byte for byte/);
  t.diagnostic(`${rescued} ready-made chips rescued, ${kills} interrupted runs gone on with`);
  await done(page);
});

test('how long a person waits', async (t) => {
  const page = await opened();
  const times = [];
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await paste(page, `${SEED}\n${i}`);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  // First paint does not wait for the program.
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime);
  t.diagnostic(`paste to verdict: median ${Math.round(times[10])} ms, 19th of 20 ${Math.round(times[18])} ms; first paint ${Math.round(paint)} ms`);
  await done(page);
});

test('sizes', (t) => {
  const size = (file) => fs.statSync(path.join(out, file)).size;
  t.diagnostic(`one file ${size('provost.html')} bytes`);
  assert.ok(size('provost.html') < 4 << 20);
});

test('nothing is fetched once the page is there, and it works offline; so does the one file, from the disk', async (t) => {
  const page = await opened();
  const before = page.asked.length;
  assert.ok(page.asked.every((url) => url.startsWith(base) || url.startsWith('data:')), page.asked.join());
  await page.context().setOffline(true);
  const workers = (url) => /\/(worker|program|files|wasi)\.js$/.test(url);
  const walk = async (page) => {
    await paste(page, SEED);
    assert.ok((await headline(page)).length > 10);
    await page.selectOption('#preset', 'stuck-in-provisioning');
    await page.click('#take');
    await page.waitForSelector('[data-do=rescue]');
    await page.click('[data-do=rescue]');
    await page.waitForFunction(() => document.querySelector('#twin-state')?.textContent === 'Open');
  };
  const one = await opened({ offline: true }, `file://${path.join(out, 'provost.html')}`);
  await walk(one);
  const fetched = one.asked.filter((url) => !url.startsWith('blob:') && !url.startsWith('data:'));
  assert.equal(fetched.length, 1, fetched.join());
  await page.context().setOffline(false);
  await walk(page);
  const later = page.asked.slice(before).filter((url) => !url.startsWith('blob:') && !url.startsWith('data:'));
  assert.ok(later.every((url) => url.startsWith(base) && workers(url)), later.join());
  t.diagnostic(`one file: 1 request, itself; beside a server: ${before} requests, later ${later.length}, all of the worker`);
  await done(one);
  await done(page);
});

/** The states of the page that are looked at. */
const STATES = {
  empty: async () => {},
  undetermined: (page) => paste(page, SEED),
  earlier: async (page) => {
    await paste(page, SEED);
    await page.click('.earlier button');
    await page.waitForSelector('.moment');
  },
  claims: async (page) => {
    await paste(page, SEED);
    await page.click('#claims summary');
  },
  lost: async (page) => {
    await page.check('input[name=state] >> nth=6');
    await page.waitForSelector('#verdict');
  },
  interview: async (page) => {
    await page.click('#ask');
    await page.waitForSelector('#interview .choice');
  },
  rescued: async (page) => {
    await page.click('#take');
    await page.waitForSelector('[data-do=rescue]');
    await page.click('[data-do=rescue]');
    await page.waitForFunction(() => document.querySelector('#twin-state')?.textContent === 'Open');
  },
  wrong: async (page) => {
    await page.click('#take');
    await page.waitForSelector('[data-do=rescue]');
    await page.locator('summary', { hasText: 'Practise' }).click();
    await page.click('button.wrong >> nth=1');
    await page.waitForSelector('.twin-is.bad');
    await page.click('#share');
    await page.waitForSelector('#shared p');
  },
};

for (const [scheme, given] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, forced: { forcedColors: 'active' } })) {
  test(`everybody can use it: ${scheme}`, async (t) => {
    let rules = 0;
    for (const [name, state] of Object.entries(STATES)) {
      for (const width of [1280, 390]) {
        const page = await opened({ ...given, viewport: { width, height: width === 390 ? 844 : 720 }, reducedMotion: 'reduce' });
        await state(page);
        if (scheme !== 'forced') await page.screenshot({ path: path.join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.ok(!wide, `${name} at ${width}: scrolls sideways`);
        // In the page's own context, past its policy: as a person's extension runs.
        const client = await page.context().newCDPSession(page);
        await client.send('Runtime.evaluate', { expression: axe });
        const { result } = await client.send('Runtime.evaluate', { expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then((found) => JSON.stringify({ passes: found.passes.length, violations: found.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 120) + ' ' + (n.any[0]?.message ?? ''))]) }))`, awaitPromise: true });
        const found = JSON.parse(result.value);
        assert.deepEqual(found.violations, [], `${name} at ${width}`);
        rules += found.passes;
        await done(page);
      }
    }
    t.diagnostic(`${Object.keys(STATES).length} states at two widths: 0 violations, ${rules} checks passed`);
  });
}

test('with the keyboard alone, in a narrow window, and enlarged four times', async (t) => {
  const page = await opened();
  const focus = async (test) => {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(test)) return i + 1;
    }
    assert.fail(`not reached: ${test}`);
  };
  let keys = await focus(() => document.activeElement.id === 'report');
  await page.keyboard.insertText(SEED);
  await page.waitForSelector('#verdict');
  keys += await focus(() => !!document.activeElement.closest('.earlier'));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.moment');
  keys += await focus(() => document.activeElement.id === 'make');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-do=rescue]');
  keys += await focus(() => document.activeElement.dataset.do === 'rescue');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#twin-state')?.textContent === 'Open');
  t.diagnostic(`${keys} times Tab, 3 times Enter`);
  await done(page);
  for (const viewport of [{ width: 320, height: 640 }, { width: 320, height: 180 }]) {
    const narrow = await opened({ viewport });
    await paste(narrow, SEED);
    assert.ok(!(await narrow.evaluate(() => document.documentElement.scrollWidth > innerWidth)), JSON.stringify(viewport));
    await done(narrow);
  }
});

test('hostile text makes no element, is answered, and keys are not read', async (t) => {
  const page = await opened();
  const known = new Set(await page.evaluate(() => [...document.querySelectorAll('*')].map((node) => node.tagName.toLowerCase())));
  const pieces = ['<img src=x onerror=alert(1)>', '<script>alert(1)</script>', '<svg/onload=alert(1)>', '\u202egnp.exe', '\u0000\u0001\u001b[2J', '{{7*7}}', '${7*7}', '"><iframe src=//evil.example>', 'javascript:alert(1)', '\ud800', 'ﷺ'.repeat(50)];
  let seed = 12345;
  const next = (most) => (seed = (seed * 1103515245 + 12345) % 2147483648) % most;
  const texts = reports().map(({ text }) => text.slice(0, 3000));
  let runs = 0;
  for (; runs < 120; runs++) {
    let text = texts[next(texts.length)];
    for (let i = 0; i < 4; i++) {
      const at = next(text.length + 1);
      text = text.slice(0, at) + pieces[next(pieces.length)] + text.slice(at + next(20));
    }
    await paste(page, text);
    const found = await page.evaluate(() => [...document.querySelectorAll('*')].map((node) => node.tagName.toLowerCase()).filter((name) => ['script', 'iframe', 'img', 'object', 'embed', 'style', 'base', 'form'].includes(name)).length);
    assert.equal(found, 2 - 1 + (known.has('style') ? 1 : 0), text);
    assert.ok(!/[\u202e\u0000\u001b]/.test(await page.textContent('#answer')), 'shown as escapes');
  }
  // 16 MB at once: the page answers meanwhile.
  const slow = page.evaluate(() => {
    document.getElementById('files').dispatchEvent(new Event('x'));
    let worst = 0;
    let last = performance.now();
    return new Promise((resolve) => {
      const tick = setInterval(() => {
        worst = Math.max(worst, performance.now() - last);
        last = performance.now();
      }, 10);
      setTimeout(() => (clearInterval(tick), resolve(worst)), 3000);
    });
  });
  await page.setInputFiles('#files', { name: 'big.log', mimeType: 'text/plain', buffer: Buffer.alloc(15 << 20, 'Error: nothing\n') });
  const worst = await slow;
  await page.waitForTimeout(200);
  await page.setInputFiles('#files', { name: 'binary.bin', mimeType: 'x/y', buffer: Buffer.from(Array.from({ length: 65536 }, () => next(256))) });
  await page.fill('#report', '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----');
  await page.waitForFunction(() => document.getElementById('status').textContent.includes('private key'));
  t.diagnostic(`${runs} mutated reports; with 15 MB the page was busy for ${Math.round(worst)} ms at most`);
  await done(page);
});

// What follows is the same page as `provost serve` shows it.

async function served(words = [], cwd = process.cwd()) {
  const child = spawn(native, ['serve', ...words], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const line = await new Promise((resolve) => child.stdout.once('data', (data) => resolve(String(data).split('\n')[0])));
  const [, port, token] = /:(\d+)\/#(\w+)/.exec(line);
  return { child, address: line, port: Number(port), token };
}

test('on this computer: the same page, and the chip on the desk is followed while others work on it', async (t) => {
  const folder = fs.mkdtempSync('/tmp/provost-serve-');
  const chip = ['--probe', 'twin:board.chip'];
  const here = { cwd: folder, env: {}, encoding: 'utf8' };
  spawnSync(native, ['twin', 'new', 'board.chip', '--preset', 'stuck-in-provisioning'], here);
  const server = await served(chip, folder);
  try {
    const page = await opened({}, server.address);
    assert.ok(!page.url().includes(server.token), 'the token does not stay in the address');
    const shows = (text) => page.waitForFunction((text) => document.querySelector('#live-state')?.textContent.includes(text), text);
    await shows('Provisioning');
    await paste(page, SEED);
    assert.equal(await headline(page), JSON.parse(natively(['diagnose', '--json', 'report.txt'], [['report.txt', SEED]]).out).headline);
    fs.renameSync(path.join(folder, 'board.chip'), path.join(folder, 'away.chip'));
    await page.waitForFunction(() => !document.querySelector('#live-state')?.textContent.includes('Provisioning'));
    fs.renameSync(path.join(folder, 'away.chip'), path.join(folder, 'board.chip'));
    await shows('Provisioning');
    const rescued = spawnSync(native, ['rescue', ...chip], here);
    assert.equal(rescued.status, 0, rescued.stderr);
    await shows('Open');
    // What was done stands there, and is the command line's own list.
    const told = JSON.parse(spawnSync(native, ['history', '--json'], here).stdout).receipts;
    assert.equal(told.length, 1);
    await page.click('#history summary');
    const cells = await page.locator('#history tbody td').allTextContents();
    assert.deepEqual([cells[0], cells[1], cells[3]], [told[0].time, 'rescue', 'Open']);
    await page.click('#take');
    await page.waitForSelector('[data-do=rescue]');
    await page.click('[data-do=rescue]');
    await page.waitForFunction(() => document.querySelector('#twin-state')?.textContent === 'Open');
    t.diagnostic('plugged, unplugged, plugged, rescued by a second process: followed');
    await page.screenshot({ path: path.join(pictures, 'serve-1280-light.png'), fullPage: true });
    page.wrong = page.wrong.filter((text) => !text.includes('frame-ancestors'));
    await done(page);
  } finally {
    server.child.kill('SIGINT');
  }
});

test('on this computer: nobody else gets in, over real sockets', async (t) => {
  const server = await served();
  try {
    const { port, token } = server;
    const ask = (head, body = '', { hold = 0 } = {}) => new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => setTimeout(() => socket.write(`${head}\r\n\r\n${body}`), hold));
      let text = '';
      socket.on('data', (data) => (text += data));
      socket.on('close', () => resolve(text));
      socket.on('error', () => resolve(text));
    });
    const status = (text) => Number(text.split(' ')[1]);
    const good = { host: `127.0.0.1:${port}`, 'x-provost-token': token, 'content-type': 'application/json' };
    const run = (fields, body = '{"operation":{"do":"version"}}') => ask(`POST /api/run HTTP/1.1\r\n${Object.entries({ ...fields, 'content-length': body.length }).map(([name, value]) => `${name}: ${value}`).join('\r\n')}`, body);
    assert.match(await run(good), /^HTTP\/1.1 200[\s\S]*"exit":0/);
    let refused = 0;
    for (const [change, code] of [[{ host: 'evil.example' }, 421], [{ host: `evil.example:${port}` }, 421], [{ origin: 'https://evil.example' }, 403], [{ origin: 'null' }, 403], [{ 'sec-fetch-site': 'cross-site' }, 403], [{ 'x-provost-token': 'x' }, 401], [{ 'content-type': 'text/plain' }, 415]]) {
      const answer = await run({ ...good, ...change });
      assert.equal(status(answer), code, JSON.stringify(change));
      assert.doesNotMatch(answer, /access-control/i);
      refused++;
    }
    assert.equal(status(await ask(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}`)), 200);
    assert.equal(status(await ask(`GET /etc/passwd HTTP/1.1\r\nhost: 127.0.0.1:${port}`)), 404);
    assert.equal(status(await ask(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx: ${'a'.repeat(20000)}`)), 431);
    assert.equal(status(await ask('\x16\x03\x01\x02\x00')), 400);
    assert.equal(status(await ask(`POST /api/run HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-provost-token: ${token}\r\ncontent-type: application/json\r\ncontent-length: 99999999`)), 413);
    // Slow clients hold their places for seconds, not for ever; a thousand connections do no harm.
    const slow = Array.from({ length: 8 }, () => ask('', '', { hold: 100000 }));
    const busy = await Promise.all(Array.from({ length: 1000 }, () => ask(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${port}`)));
    await Promise.all(slow);
    assert.match(await run(good), /^HTTP\/1.1 200/);
    const turned = busy.filter((text) => !text.includes(' 200 ')).length;
    const listening = spawnSync('sh', ['-c', `cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "0A" {print $2}'`], { encoding: 'utf8' }).stdout.split('\n').filter((line) => parseInt(line.split(':').pop(), 16) === port);
    assert.deepEqual(listening, [`0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`], 'on 127.0.0.1 alone');
    t.diagnostic(`${refused} kinds refused; of 1000 connections ${turned} turned away while eight slow ones held on`);
  } finally {
    server.child.kill('SIGINT');
  }
});
