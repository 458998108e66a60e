// The chip on the desk, where `provost serve` shows the page: looked at again and again, reading only.

import { $, el, fill } from './dom.js';
import { words } from './words.js';

/** How often it is looked at, in milliseconds. */
const OFTEN = 1500;

export function watch(runner, map) {
  const host = $('live');
  host.hidden = false;
  const look = async () => {
    const ended = await runner.run({ do: 'live' }, []);
    drawLive(host, ended, map());
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
