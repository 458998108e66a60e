// The chip on the desk and what was done to chips there, where `provost serve` shows the page: looked at again and again, reading only.

import { $, copyable, details, el, fill } from './dom.js';
import { words } from './words.js';

/** How often it is looked at, in milliseconds. */
const OFTEN = 1500;

export function watch(runner, map) {
  const [chip, history] = [el('div'), el('div', { id: 'history' })];
  fill($('live'), chip, history);
  $('live').hidden = false;
  let shown = '';
  const look = async () => {
    drawLive(chip, await runner.run({ do: 'live' }, []), map());
    const { document } = await runner.run({ do: 'history' }, []);
    const news = JSON.stringify(document ?? null);
    // A table that somebody reads is not made anew without need.
    if (news !== shown && document?.schema === 'provost.history/1') drawHistory(history, document, map());
    shown = news;
    setTimeout(look, document.hidden ? 5 * OFTEN : OFTEN);
  };
  look();
}

function drawLive(host, ended, map) {
  const chip = ended.document;
  const heading = el('h2', {}, words.live);
  if (chip?.schema !== 'provost.status/1') return fill(host, heading, el('p', { id: 'live-state' }, chip?.message ?? words.nobody));
  const title = map?.states.find((state) => state.id === chip.product_state)?.title ?? chip.product_state ?? '?';
  const parts = chip.identity.parts.join(' / ');
  fill(host, heading,
    el('p', {}, el('strong', { id: 'live-state' }, title), ` — ${parts}, ${chip.probe}`),
    el('ul', {}, ...chip.access_ports.map((port) => el('li', {}, `AP${port.ap}: ${port.open ? '✓' : '✗'}`))),
    chip.outlook && el('p', {}, `${chip.outlook.verdict} (${Math.round(chip.outlook.certainty * 100)} %)`),
    chip.outlook?.next && el('p', {}, el('code', {}, chip.outlook.next)));
}

/** Receipts, the newest first, and what waits to be gone on with. */
function drawHistory(host, { receipts, unfinished }, map) {
  const title = (id) => map?.states.find((state) => state.id === id)?.title ?? id;
  const row = (cells) => el('tr', {}, ...cells.map((cell) => el('td', {}, cell ?? '–')));
  const heads = [words.when, words.what, words.chip, words.endedIn, words.receipt];
  const table = el('table', {},
    el('caption', {}, words.history),
    el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
    el('tbody', {}, ...[...receipts].reverse().map((entry) => row([entry.time, entry.kind, entry.uid ?? entry.chip, title(entry.state), el('code', {}, entry.receipt)]))));
  fill(host,
    ...unfinished.map((job) => el('div.unfinished', {}, el('p', {}, `${words.unfinished}: ${job.kind ?? '?'}, ${job.uid ?? '?'}, ${job.folder}`), job.next && copyable(job.next, words))),
    receipts.length ? details(words.historyOf(receipts.length), el('div.wide', {}, table)) : null);
}
