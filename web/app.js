// The page: one case, three panels. What is told is run through the program, and what it says is drawn.

import { drawAnswer } from './answer.js';
import { $, copyable, download, el, fill } from './dom.js';
import { refused } from './guard.js';
import { watch } from './live.js';
import { drawMap } from './map.js';
import { LocalRunner, WasmRunner } from './runner.js';
import { fromFragment, redacted, safeName, toFragment } from './share.js';
import { drawClaims, drawQuestion } from './tell.js';
import { Trial } from './trial.js';
import { words } from './words.js';

/** How long typing rests before it is read, in milliseconds. */
const REST = 250;

class Page {
  constructor(runner) {
    this.runner = runner;
    /** @type {{ name: string, text: string }[]} */
    this.dropped = [];
    this.told = []; // answers to the tests, as case files
    this.said = null; // a state chosen on the map
    this.struck = new Map();
    this.confirmed = new Set();
    this.before = null;
    this.asked = 0;
    this.answers = null; // of the interview
    this.document = null;
    this.map = null;
    this.runs = 0;
    this.trial = new Trial($('trial'), { run: (...what) => this.runner.run(...what), canKill: () => this.runner.canKill, title: (id) => this.map?.states.find((state) => state.id === id)?.title ?? id, changed: () => this.drawMap() });
  }

  /** Everything that is told, in its order. */
  reports() {
    const text = $('report').value;
    const said = this.said && this.map.states.find(({ id }) => id === this.said);
    const list = [...this.dropped];
    if (text.trim()) list.push({ name: 'report.txt', text });
    if (said) list.push({ name: 'said.toml', text: said.case_file });
    this.told.forEach((text, at) => list.push({ name: `answer-${at + 1}.toml`, text }));
    return list;
  }

  /** Reads the report anew. What was struck counts by its number: another report is another count. */
  async diagnose({ fresh = false } = {}) {
    if (fresh) this.forget();
    const run = ++this.runs;
    const reports = this.reports();
    const why = reports.map(({ text }) => refused(new Blob([text]).size, text)).find(Boolean);
    if (why) return this.refuse(words[why]);
    if (!reports.length) return this.empty();
    this.say(words.reading);
    const files = reports.map(({ name, text }) => [name, new TextEncoder().encode(text)]);
    const ended = await this.runner.run({ do: 'diagnose', inputs: reports.map(({ name }) => name), strike: [...this.struck.keys()], before: this.before }, files);
    if (run === this.runs) this.show(ended);
  }

  forget() {
    this.struck.clear();
    this.confirmed.clear();
    this.told = [];
    this.before = null;
    this.asked = 0;
  }

  empty() {
    this.document = null;
    fill($('answer'), el('p.hint', {}, words.nothingYet));
    fill($('claims'));
    this.say('');
    this.drawMap();
  }

  /** Says it to who listens, and shows whether an answer is awaited. */
  say(text) {
    fill($('status'), text);
    $('answers').setAttribute('aria-busy', String(text === words.reading || text === words.loading));
  }

  /** What was given is not read at all, and why. */
  refuse(text) {
    this.document = null;
    fill($('answer'), el('div.verdict.open', {}, el('p.headline', {}, text)));
    fill($('claims'));
    this.say(text);
  }

  show(ended) {
    const document = ended.document;
    if (document?.schema !== 'provost.diagnosis/1') {
      this.document = null;
      const told = document?.message ? [document.message, ...document.next] : [words[ended.ended ?? 'broken'], ended.why, ...ended.said];
      fill($('answer'), el('div.verdict.open', {}, ...told.filter(Boolean).map((line) => el('p', {}, line))));
      this.say('');
      return;
    }
    this.document = document;
    this.say(`${document.headline} ${document.understood ? document.how_sure : ''}`);
    this.drawAnswer();
    drawClaims($('claims'), document, this.reports(), {
      struck: this.struck, confirmed: this.confirmed,
      strike: (claim) => {
        if (!this.struck.delete(claim.number)) this.struck.set(claim.number, claim);
        this.confirmed.delete(claim.number);
        this.diagnose();
      },
      confirm: (claim) => {
        if (!this.confirmed.delete(claim.number)) this.confirmed.add(claim.number);
        this.show(ended);
      },
    });
    $('make').disabled = !document.likeliest;
    this.drawMap();
  }

  drawAnswer() {
    drawAnswer($('answer'), this.document, {
      before: this.before, asked: this.asked,
      tell: (text) => {
        this.told.push(text);
        this.diagnose().then(() => $('verdict')?.focus());
      },
      another: () => {
        this.asked++;
        this.drawAnswer();
      },
      moment: (step) => {
        this.before = step;
        this.diagnose().then(() => $('verdict')?.focus());
      },
    });
  }

  drawMap() {
    if (!this.map) return;
    drawMap($('map'), this.map, {
      believed: this.document?.understood ? this.document.believed.product_state : null,
      twin: this.trial.state, said: this.said,
      say: (id) => {
        this.said = id;
        this.diagnose({ fresh: true }).then(() => $('map').querySelector('input:checked')?.focus({ preventScroll: true }));
      },
    });
  }

  /** One question after the other; each answer is heard with all before it. */
  async interview(answers) {
    this.answers = answers;
    $('interview').dataset.open = 'asking';
    this.say(words.reading);
    let question = null;
    const event = (value) => value.event === 'question' && (question = value);
    const ended = await this.runner.run({ do: 'ask', answers }, [], { event });
    if (this.answers !== answers) return;
    const open = question && question.number > answers.length ? question : null;
    this.said = null;
    this.dropped = [];
    this.forget();
    this.case = ended.document?.answers?.case_file ?? null;
    this.say('');
    if (answers.length || !open) this.show(ended);
    drawQuestion($('interview'), open, { answer: (line) => this.interview([...answers, line]), stop: () => this.endInterview() });
    $('interview').dataset.open = open ? String(open.number) : 'done';
    if (!open) this.endInterview();
  }

  /** What was answered stands in the report from now on, to be gone on with. */
  endInterview() {
    this.answers = null;
    fill($('interview'));
    if (this.case?.trim()) {
      this.dropped = [{ name: 'answers.toml', text: this.case }];
      this.drawDropped();
      this.diagnose();
    }
  }

  drawDropped() {
    fill($('dropped'), ...this.dropped.map((report, at) => el('li', {}, report.name, el('button.small', { type: 'button', 'aria-label': `✗ ${report.name}`, click: () => {
      this.dropped.splice(at, 1);
      this.drawDropped();
      this.diagnose({ fresh: true });
    } }, '✗'))));
  }

  /** @param {Iterable<File>} list */
  async take(list) {
    for (const file of list) {
      const why = refused(file.size, '');
      if (why) return this.refuse(words[why]);
      const text = await file.text();
      if (refused(0, text)) return this.refuse(words[refused(0, text)]);
      this.dropped.push({ name: unused(safeName(file.name), this.dropped), text });
    }
    this.drawDropped();
    await this.diagnose({ fresh: true });
    $('verdict')?.focus();
  }

  async share() {
    if (!this.reports().length) return fill($('shared'), el('p.hint', {}, words.nothingToShare));
    const link = `${location.href.split('#')[0]}#${await toFragment(this.reports())}`;
    fill($('shared'), el('p.hint', {}, words.shareHint), copyable(link, words), ...this.reports().map(({ name, text }) => el('pre', { 'aria-label': name }, redacted(text).slice(0, 4000))));
    $('shared').focus();
  }

  save() {
    for (const { name, text } of this.reports()) download(name, new TextEncoder().encode(redacted(text)));
  }

  listen() {
    let rest = 0;
    const late = () => {
      clearTimeout(rest);
      rest = setTimeout(() => this.diagnose({ fresh: true }), REST);
    };
    $('report').addEventListener('input', late);
    // Who pastes waits for the answer: it is shown, and the reader is led there.
    $('report').addEventListener('paste', () => setTimeout(() => {
      clearTimeout(rest);
      this.diagnose({ fresh: true }).then(() => $('verdict')?.focus());
    }));
    $('files').addEventListener('change', (event) => this.take(event.target.files));
    document.addEventListener('dragover', (event) => event.preventDefault());
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      this.take(event.dataTransfer?.files ?? []);
    });
    $('ask').addEventListener('click', () => this.interview([]));
    $('make').addEventListener('click', () => this.trial.make({ document: this.document }).then(() => $('twin-is')?.scrollIntoView({ block: 'nearest' })));
    $('share').addEventListener('click', () => this.share());
    $('save').addEventListener('click', () => this.save());
    $('print').addEventListener('click', () => {
      document.querySelectorAll('#answer details').forEach((part) => part.setAttribute('open', ''));
      window.print();
    });
  }

  async start() {
    this.listen();
    this.empty();
    const reports = await fromFragment(location.hash);
    this.say(words.loading);
    const [map, twins, version] = await Promise.all([{ do: 'map' }, { do: 'twins' }, { do: 'version' }].map((operation) => this.runner.run(operation, [])));
    if (!map.document) return this.say(`${words.broken} ${map.why ?? ''}`);
    this.map = map.document;
    this.trial.presets = twins.document?.presets ?? [];
    fill($('version'), version.out.trim());
    this.trial.draw();
    if (this.runner instanceof LocalRunner) watch(this.runner, () => this.map);
    this.say('');
    if (reports) {
      this.dropped = reports;
      this.drawDropped();
    }
    await this.diagnose();
    document.body.dataset.ready = 'yes';
  }
}

/** The name, or one like it that is not taken. */
function unused(name, list) {
  let other = name;
  for (let i = 2; list.some((report) => report.name === other); i++) other = name.replace(/(\.\w+)?$/, `-${i}$1`);
  return other;
}

/** @param {{ load: () => Promise<WebAssembly.Module>, worker: () => Worker } | { token: string }} how */
export function startPage(how) {
  const local = 'token' in how;
  fill($('where'), local ? words.computer : words.browser);
  const page = new Page(local ? new LocalRunner(how.token) : new WasmRunner(how.load, how.worker));
  page.start();
  return page;
}
