// The life of the chip as a picture that is also a form: states and arrows as the program gives them.

import { details, el, fill, svg } from './dom.js';
import { words } from './words.js';

const WIDTH = 144, HEIGHT = 52, ACROSS = 200, DOWN = 74, LEFT = 22, TOP = 26;

/** Where each state stands: the way in on the left, one below the other; those at its end on the right. */
export function places(map) {
  const deepest = Math.max(...map.states.map((state) => state.depth));
  const right = map.states.filter((state) => state.depth === deepest);
  const left = map.states.filter((state) => state.depth !== deepest).sort((a, b) => a.depth - b.depth);
  const rows = Math.max(left.length, right.length);
  const at = new Map();
  const put = (column, x) => column.forEach((state, i) => at.set(state.id, { x, y: TOP + (column.length > 1 ? (i * (rows - 1)) / (column.length - 1) : 0) * DOWN }));
  put(left, LEFT);
  put(right, LEFT + ACROSS);
  return { at, width: LEFT + ACROSS + WIDTH + 20, height: TOP + (rows - 1) * DOWN + HEIGHT + 20 };
}

/**
 * @param {any} map the document
 * @param {{ believed?: string | null, twin?: string | null, said?: string | null, say: (id: string | null) => void }} view
 */
export function drawMap(host, map, view) {
  const { at, width, height } = places(map);
  const forward = map.arrows.filter((arrow) => !arrow.back);
  const lines = map.arrows.filter((arrow) => arrow.back || arrow.by.includes('debugger')).map((arrow) => drawArrow(arrow, at));
  const nodes = map.states.map((state) => drawState(state, at.get(state.id), view));
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, class: 'map', 'aria-hidden': 'true', focusable: 'false' }, markers(), ...lines, ...nodes);
  const radios = [null, ...map.states].map((state) => {
    const id = state?.id ?? null;
    const input = el('input', { type: 'radio', name: 'state', value: id ?? '', checked: (view.said ?? null) === id, change: () => view.say(id) });
    const marks = [id && id === view.believed && words.yourChip, id && id === view.twin && words.twin].filter(Boolean).join(', ');
    return el('label', {}, input, state ? `${state.title} ${state.code}` : words.noState, marks && el('span.mark', {}, ` ${marks}`));
  });
  const shown = map.states.find(({ id }) => id === (view.said ?? view.twin ?? view.believed));
  fill(host, el('p.hint', {}, words.mapHint), picture,
    el('fieldset.states', {}, el('legend', {}, words.chipSays), ...radios),
    shown && details(`${shown.title} ${shown.code}: ${words.comesBack}`, el('div.told', {}, ...describe(shown, forward, map))));
}

function describe(state, forward, map) {
  const title = (id) => map.states.find((other) => other.id === id)?.title ?? id;
  const back = state.back.map((way) => el('li', {}, `${way.who}: `, way.saved ? el('span.good', {}, `✓ ${way.way.join(', then ') || words.saved}`) : el('strong.bad', {}, `✗ ${words.lost}`)));
  const ways = forward.filter((arrow) => arrow.from === state.id).map((arrow) =>
    el('li', {}, `→ ${title(arrow.to)}: ${arrow.what}`, arrow.needs.length ? ` (${arrow.needs.join(', ')})` : '', arrow.loses && el('strong.bad', {}, ` ✗ ${words.losesBare}`)));
  return [el('ul', {}, ...back), ways.length > 0 && el('ul', {}, ...ways)];
}

function drawState(state, { x, y }, view) {
  const marks = { final: state.is_final, believed: view.believed === state.id, twin: view.twin === state.id, said: view.said === state.id };
  const badge = [marks.believed && words.yourChip, marks.twin && `● ${words.twin}`].filter(Boolean).join('  ');
  return svg('g', { class: ['state', ...Object.keys(marks).filter((name) => marks[name])].join(' '), click: () => view.say(marks.said ? null : state.id) },
    svg('rect', { x, y, width: WIDTH, height: HEIGHT, rx: 8 }),
    svg('text', { x: x + WIDTH / 2, y: y + 22, class: 'title' }, `${state.title}${state.is_final ? ' ■' : ''}`),
    svg('text', { x: x + WIDTH / 2, y: y + 41, class: 'code' }, state.code),
    badge && svg('text', { x: x + 4, y: y + HEIGHT + 15, class: 'badge' }, badge));
}

function drawArrow(arrow, at) {
  const kind = arrow.back ? 'back' : arrow.loses ? 'loses' : '';
  const title = svg('title', {}, [arrow.what, ...arrow.needs, arrow.loses && words.losesBare].filter(Boolean).join('; '));
  return svg('path', { d: way(arrow, at.get(arrow.from), at.get(arrow.to)), class: `arrow ${kind}`, 'marker-end': `url(#head${kind && `-${kind}`})` }, title);
}

/** Forward down and to the right; back around the outside. */
function way(arrow, from, to) {
  const [middle, half] = [WIDTH / 2, HEIGHT / 2];
  if (arrow.back && from.x === to.x) return `M${from.x} ${from.y + half} h-12 V${to.y + half} h9`;
  if (arrow.back) return `M${from.x + WIDTH} ${from.y + half} h12 V9 H${to.x + middle} V${to.y - 3}`;
  if (from.x === to.x) return `M${from.x + middle} ${from.y + HEIGHT} V${to.y - 3}`;
  return `M${from.x + WIDTH} ${from.y + half} C${from.x + WIDTH + 34} ${from.y + half} ${to.x - 36} ${to.y + half} ${to.x - 3} ${to.y + half}`;
}

function markers() {
  return svg('defs', {}, ...['', '-back', '-loses'].map((kind) =>
    svg('marker', { id: `head${kind}`, class: `head${kind}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto-start-reverse' }, svg('path', { d: 'M0 0 L8 4 L0 8 Z' }))));
}
