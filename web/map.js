// The life of the chip as a picture that is also a form: states and arrows as the program gives them.

import { el, fill, svg } from './dom.js';
import { words } from './words.js';

const WIDTH = 132, HEIGHT = 52, ACROSS = 200, DOWN = 74, MARGIN = 16;

/** Where each state stands: a column for each step away from the beginning, those of one column one below the other. */
export function places(map) {
  const columns = [];
  for (const state of map.states) (columns[state.depth] ??= []).push(state.id);
  const rows = Math.max(...columns.map((column) => column.length));
  const at = new Map();
  columns.forEach((column, x) => column.forEach((id, i) => at.set(id, { x: MARGIN + x * ACROSS, y: MARGIN + (i + (rows - column.length) / 2) * DOWN })));
  return { at, width: 2 * MARGIN + (columns.length - 1) * ACROSS + WIDTH, height: 2 * MARGIN + (rows - 1) * DOWN + HEIGHT + 26 };
}

/**
 * @param {any} map the document
 * @param {{ believed?: string | null, twin?: string | null, said?: string | null, say: (id: string | null) => void }} view
 */
export function drawMap(host, map, view) {
  const { at, width, height } = places(map);
  const told = el('p.told', { 'aria-live': 'polite' });
  const tell = (...parts) => fill(told, ...parts);
  const forward = map.arrows.filter((arrow) => !arrow.back);
  const lines = map.arrows.filter((arrow) => arrow.back || arrow.by.includes('debugger')).map((arrow) => drawArrow(arrow, at, height));
  const nodes = map.states.map((state) => drawState(state, at.get(state.id), view));
  const picture = svg('svg', { viewBox: `0 0 ${width} ${height}`, class: 'map', 'aria-hidden': 'true', focusable: 'false' }, markers(), ...lines, ...nodes);
  const radios = [null, ...map.states].map((state) => {
    const input = el('input', { type: 'radio', name: 'state', value: state?.id ?? '', checked: (view.said ?? null) === (state?.id ?? null), change: () => view.say(state?.id ?? null) });
    const marks = [state?.id === view.believed && state && words.yourChip, state?.id === view.twin && state && words.twin].filter(Boolean).join(', ');
    return el('label', {}, input, state ? `${state.title} ${state.code}` : words.noState, marks && el('span.mark', {}, ` ${marks}`));
  });
  const state = map.states.find(({ id }) => id === (view.said ?? view.twin ?? view.believed));
  if (state) tell(...describe(state, forward, map));
  fill(host, el('p.hint', {}, words.mapHint), picture, el('fieldset.states', {}, el('legend', {}, words.chipSays), ...radios), told);
}

function describe(state, forward, map) {
  const title = (id) => map.states.find((other) => other.id === id)?.title ?? id;
  const back = state.back.map((way) => el('li', {}, `${way.who}: `, el(way.saved ? 'span.good' : 'strong.bad', {}, way.saved ? `✓ ${way.way.join(', then ') || words.saved}` : `✗ ${words.lost}`)));
  const ways = forward.filter((arrow) => arrow.from === state.id).map((arrow) =>
    el('li', {}, `→ ${title(arrow.to)}: ${arrow.what}`, arrow.needs.length ? ` (${arrow.needs.join(', ')})` : '', arrow.loses && el('strong.bad', {}, ` ✗ ${words.losesBare}`)));
  return [el('strong', {}, `${state.title} ${state.code}. `), `${words.comesBack}:`, el('ul', {}, ...back), ways.length ? el('ul', {}, ...ways) : null];
}

function drawState(state, { x, y }, view) {
  const classes = ['state', state.is_final && 'final', view.believed === state.id && 'believed', view.twin === state.id && 'twin', view.said === state.id && 'said'];
  const mark = [view.believed === state.id && words.yourChip, view.twin === state.id && `● ${words.twin}`].filter(Boolean).join('  ');
  return svg('g', { class: classes.filter(Boolean).join(' '), click: () => view.say(view.said === state.id ? null : state.id) },
    svg('rect', { x, y, width: WIDTH, height: HEIGHT, rx: 8 }),
    svg('text', { x: x + WIDTH / 2, y: y + 22, class: 'title' }, `${state.title}${state.is_final ? ' ■' : ''}`),
    svg('text', { x: x + WIDTH / 2, y: y + 41, class: 'code' }, state.code),
    mark && svg('text', { x: x + WIDTH / 2, y: y - 4, class: 'badge' }, mark));
}

function drawArrow(arrow, at, height) {
  const [from, to] = [at.get(arrow.from), at.get(arrow.to)];
  const name = `arrow${arrow.back ? ' back' : ''}${arrow.loses ? ' loses' : ''}`;
  const title = svg('title', {}, [arrow.what, ...arrow.needs, arrow.loses && words.losesBare].filter(Boolean).join('; '));
  let path;
  if (arrow.back) {
    // Under everything, and up to where it began.
    const low = height - 10;
    const [x, y] = [from.x + WIDTH / 2, from.y + HEIGHT];
    const end = to.x + WIDTH / 2;
    path = from.x - to.x > ACROSS ? `M${from.x + WIDTH} ${from.y + HEIGHT / 2} h10 V${low} H${end} V${to.y + HEIGHT + 3}` : `M${x} ${y} V${low} H${end} V${to.y + HEIGHT + 3}`;
  } else {
    const [x, y] = [from.x + WIDTH, from.y + HEIGHT / 2];
    const [tx, ty] = [to.x - 3, to.y + HEIGHT / 2];
    path = `M${x} ${y} C${x + 40} ${y} ${tx - 40} ${ty} ${tx} ${ty}`;
  }
  return svg('path', { d: path, class: name, 'marker-end': `url(#head${arrow.back ? '-back' : arrow.loses ? '-loses' : ''})` }, title);
}

function markers() {
  return svg('defs', {}, ...['', '-back', '-loses'].map((kind) =>
    svg('marker', { id: `head${kind}`, class: `head${kind}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto-start-reverse' }, svg('path', { d: 'M0 0 L8 4 L0 8 Z' }))));
}
