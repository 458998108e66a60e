// The third panel: the twin. What is done to it, what came of it, and how to have it undone. The files live here; a run gets them and gives them back.

import { copyable, details, download, el, fill } from './dom.js';
import { SIGNS, grouped } from './answer.js';
import { CHIP, commandLine, operationOf } from './operations.js';
import { words } from './words.js';

export class Trial {
  /**
   * @param {HTMLElement} host
   * @param {{ run: (operation: any, files: any[], listen?: any) => Promise<any>, canKill: () => boolean, title: (id: string) => string, changed: () => void }} page
   */
  constructor(host, page) {
    this.host = host;
    this.page = page;
    this.presets = [];
    this.clear();
  }

  clear() {
    this.files = null;
    this.undo = [];
    this.log = [];
    this.look = null;
    this.bench = [];
    this.transactions = 900;
    this.line = null; // what the plan's command is on a real board
  }

  /** The state that the twin shows. */
  get state() {
    return this.look && this.look.believed.product_state;
  }

  /** Makes the twin of a diagnosis, or a ready-made chip. */
  async make(from) {
    this.clear();
    const files = from.document ? [['diagnosis.json', new TextEncoder().encode(JSON.stringify(from.document))]] : [];
    const operation = from.document ? { do: 'new', like: 'diagnosis.json' } : { do: 'new', preset: from.preset };
    const entry = this.begin(operation);
    const ended = await this.page.run(operation, files);
    this.finish(entry, ended);
    if (ended.exit === 0) {
      const like = ended.document.like;
      this.files = ended.files.filter(([path]) => path !== 'diagnosis.json');
      this.bench = like?.probe.includes('?') ? like.probe.split('?')[1].split(',') : [];
      entry.notes = like?.assumed.map((text) => `${words.assumed}: ${text}`) ?? [];
      entry.text = '';
    }
    await this.refresh();
  }

  /** Looks at the twin. Asking what is inside resets a chip: a copy is asked, and thrown away. */
  async refresh() {
    this.look = null;
    for (const how of this.files ? ['inside', 'look'] : []) {
      const { document } = await this.page.run({ do: how, bench: this.bench }, this.files);
      if (document?.schema === 'provost.diagnosis/1') this.look ??= document;
      if (this.look) break;
    }
    this.line ??= this.look?.plan.map((step) => step.commands.provost).find(Boolean)?.replace(/ --probe \S+/, '') ?? null;
    this.page.changed();
    this.draw();
  }

  begin(operation) {
    const entry = { line: commandLine(operation), steps: [], text: '', notes: [], how: 'running', sign: '…' };
    this.log.push(entry);
    this.draw();
    return entry;
  }

  finish(entry, ended) {
    const good = ended.exit === 0;
    entry.text = [ended.out, ...ended.said].filter(Boolean).join('\n').trim();
    if (ended.document?.message) entry.text = [ended.document.message, ...ended.document.next].join('\n');
    entry.how = ended.ended ? `${words[ended.ended]} ${ended.why ?? ''}` : `${words.exit[ended.exit] ?? ''} (exit ${ended.exit})`;
    entry.sign = good ? '✓' : ended.exit === 5 || ended.ended === 'killed' ? '⚡' : '✗';
  }

  /** Does something to the twin; what was before can be had back. */
  async act(operation, { cut = false, kill = false } = {}) {
    const bench = cut ? [...this.bench, `cut-power=${1 + Math.floor(Math.random() * this.transactions)}`] : this.bench;
    const what = { ...operation, bench };
    const before = this.files;
    const entry = this.begin(what);
    const stop = new AbortController();
    if (kill) setTimeout(() => stop.abort(), 10 + Math.random() * 400);
    const event = (value) => {
      if (value.event === 'step') entry.steps.push({ ...value, notes: [] });
      if (value.event === 'note') (entry.steps.at(-1)?.notes ?? entry.notes).push(value.what);
      this.drawLog();
    };
    const ended = await this.page.run(what, before, { event, signal: stop.signal });
    this.undo.push(before);
    this.files = ended.files;
    this.finish(entry, ended);
    if (cut && ended.exit !== 0) entry.notes.push(words.powerCut);
    await this.refresh();
    const last = /** @type {HTMLElement | null} */ (this.host.querySelector('.last'));
    last?.focus({ preventScroll: false });
  }

  /** Back to before the last deed, and the proof that it is. */
  async back() {
    const before = this.undo.pop();
    this.files = before;
    const chip = before.find(([path]) => path === CHIP)[1];
    const digest = [...new Uint8Array(await crypto.subtle.digest('SHA-256', chip))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    this.log.push({ line: '', steps: [], notes: [], text: '', how: words.undone(digest.slice(0, 12)), sign: '↶' });
    await this.refresh();
  }

  draw() {
    const select = el('select', { id: 'preset', 'aria-label': words.orPreset }, ...this.presets.map((preset) => el('option', { value: preset.name }, preset.summary)));
    const choose = this.presets.length > 0 && el('div.row', {}, el('label', { for: 'preset' }, words.orPreset), select, el('button', { type: 'button', id: 'take', click: () => this.make({ preset: select.value }) }, words.take));
    this.logHost = el('div.log', { 'aria-live': 'polite' });
    fill(this.host, !this.files && el('p.hint', {}, words.twinHint), ...this.believes(), ...this.deeds(), this.logHost, this.kept(), ...this.onBoard(), choose);
    this.drawLog();
  }

  believes() {
    if (!this.files || !this.look) return [];
    const [look, sign] = SIGNS[this.look.verdict] ?? SIGNS.undetermined;
    return [el(`p.twin-is.${look}`, { id: 'twin-is' }, el('strong', {}, `${sign} ${this.look.believed.part}, `, el('span', { id: 'twin-state' }, this.page.title(this.look.believed.product_state))), ` — ${this.look.headline}`)];
  }

  deeds() {
    if (!this.files) return [];
    const plan = this.look?.plan ?? [];
    const operations = [];
    for (const step of plan) {
      const operation = step.commands.provost ? operationOf(step.commands.provost) : null;
      if (operation && !operations.some((other) => other.do === operation.do)) operations.push(operation);
    }
    const rescue = operations.find((operation) => operation.do === 'rescue');
    if (rescue) operations.unshift({ ...rescue, do: 'plan' });
    operations.unshift({ do: 'status' });
    const button = (operation, given = {}, label = null) => el(`button${operation.do === 'rescue' && !given.cut && !given.kill ? '.primary' : ''}`, { type: 'button', 'data-do': label ? (given.cut ? 'cut' : 'kill') : operation.do, click: () => this.act({ ...operation, part: null }, given) }, label ?? `▶ ${commandLine({ ...operation, part: null }).replace(/ --probe \S+/, '')}`);
    const main = rescue ?? operations.find((operation) => operation.do === 'discover');
    const never = grouped(this.look?.never ?? []);
    return [
      el('div.deeds', {}, ...operations.map((operation) => button(operation)), main && button(main, { cut: true }, words.cut), main && this.page.canKill() && button(main, { kill: true }, words.kill)),
      el('div.row', {}, el('button', { type: 'button', id: 'undo', disabled: !this.undo.length, click: () => this.back() }, `↶ ${words.undo}`), el('button.quiet', { type: 'button', click: () => this.startOver() }, words.startOver)),
      never.length > 0 && details(words.practise, el('p.hint', {}, words.practiseHint), el('ul.practise', {}, ...never.flatMap(([why, steps]) => steps.map((step) => el('li', {}, el('button.wrong', { type: 'button', 'data-step': step.step, click: () => this.act({ do: 'try', step: step.step }) }, `✗ ${step.words}`), el('small', {}, ` ${why}`)))))),
    ];
  }

  async startOver() {
    if (this.undo.length) this.files = this.undo[0];
    this.undo = [];
    this.log = [];
    await this.refresh();
  }

  drawLog() {
    const entries = this.log.slice(-6).map((entry, at, all) => el(`article.entry${at === all.length - 1 ? '.last' : ''}`, { tabindex: '-1' },
      entry.line && el('p.ran', {}, el('code', {}, `$ ${entry.line}`)),
      entry.steps.length > 0 && el('ol.steps', {}, ...entry.steps.map((step) => el('li', {}, step.what,
        step.why.length > 0 && el('span.rules', {}, ...step.why.map((rule) => el('span.chip', { title: `${rule.says} (${rule.confidence})`, tabindex: '0' }, rule.id))),
        ...step.notes.map((note) => el('div.note', {}, note))))),
      ...entry.notes.map((note) => el('p.note', {}, note)),
      entry.text && el('pre', {}, entry.text),
      el('p.how', {}, `${entry.sign} ${entry.how}`)));
    fill(this.logHost, ...entries);
  }

  /** The files, to be looked into; what is secret is one's of a virtual chip only, and says so. */
  kept() {
    if (!this.files) return null;
    const rows = this.files.map(([path, bytes]) => {
      const secret = path.includes('/credential/');
      const shown = bytes && bytes.length < 20000 && !bytes.subarray(0, 2000).includes(0) ? new TextDecoder().decode(bytes) : null;
      const name = el('code', {}, bytes ? path : `${path}/`);
      const size = bytes ? ` ${bytes.length} bytes` : ` ${words.empty}`;
      const note = secret && el('small', {}, ` ${words.forVirtual}`);
      const save = bytes && !secret && el('button.small', { type: 'button', 'aria-label': `${words.save}: ${path}`, click: () => download(path.split('/').pop(), bytes) }, '⤓');
      return el('li', {}, shown !== null && !secret ? details('', el('pre', {}, shown)) : null, name, size, note, save);
    });
    return details(`${words.files} (${this.files.length})`, el('ul.files', {}, ...rows));
  }

  onBoard() {
    if (!this.line) return [];
    const systems = Object.entries(words.systems).map(([id, [name, note]]) => details(name, el('p', {}, note), id === 'linux' && copyable(UDEV, words), copyable('provost probes', words), ...[this.line.replace(/^provost rescue/, 'provost rescue --dry-run'), this.line].map((line) => copyable(id === 'windows' ? line.replace(/^provost/, 'provost.exe') : line, words))));
    return [el('section', {}, el('h3', {}, words.onMyBoard), el('p.hint', {}, words.boardHint), ...systems)];
  }
}

/** Lets whoever sits at the machine open USB devices of this vendor of probes (udev, systemd's `uaccess`). */
const UDEV = `echo 'SUBSYSTEM=="usb", ATTR{idVendor}=="0483", MODE="0660", TAG+="uaccess"' | sudo tee /etc/udev/rules.d/69-probe.rules && sudo udevadm control --reload && sudo udevadm trigger`;
