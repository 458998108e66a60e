// The first panel: what is told. The report beside what was read of it, each claim to be struck or confirmed; or questions, one at a time.

import { details, el, fill } from './dom.js';
import { words } from './words.js';

/** Most claims that are shown; a person strikes no more. */
const MOST = 300;

/** The first lines of a text, as many as are needed. */
function linesOf(text, most) {
  const lines = [];
  for (let at = 0; at <= text.length && lines.length < most; ) {
    const end = text.indexOf('\n', at);
    lines.push(text.slice(at, end < 0 ? undefined : end).replace(/\r$/, ''));
    at = end < 0 ? text.length + 1 : end + 1;
  }
  return lines;
}

/** The claims of a diagnosis beside their lines. `struck` holds those that the document no longer has. */
export function drawClaims(host, document, reports, { struck, confirmed, strike, confirm }) {
  const claims = [...document.claims.filter((claim) => !struck.has(claim.number)), ...struck.values()].sort((a, b) => a.number - b.number);
  const readable = document.inputs.filter((input) => input.lines > 0);
  if (!claims.length && !readable.length) return fill(host);
  const [lines, understood] = readable.reduce(([all, read], input) => [all + input.lines, read + input.understood], [0, 0]);
  const several = document.inputs.length > 1;
  const texts = reports.map(({ text }) => linesOf(text, Math.max(0, ...claims.map((claim) => claim.line))));
  const rows = claims.slice(0, MOST).map((claim) => {
    const gone = struck.has(claim.number);
    const sure = confirmed.has(claim.number);
    const line = (texts[claim.input]?.[claim.line - 1] ?? claim.words).slice(0, 400);
    return el(`li${gone ? '.struck' : sure ? '.sure' : ''}`, {},
      el('blockquote', {}, el('span.line', {}, `${several ? `${document.inputs[claim.input]?.name} ` : ''}${claim.line}`), ...marked(line, claim)),
      el('div.read', {}, el('span.says', {}, gone ? el('s', {}, claim.says) : `→ ${claim.says}`),
        el('button.small', { type: 'button', 'aria-pressed': String(gone), 'aria-label': `${gone ? words.putBack : words.strike}: ${claim.says}`, click: () => strike(claim) }, gone ? `↶ ${words.putBack}` : `✗ ${words.strike}`),
        !gone && el('button.small', { type: 'button', 'aria-pressed': String(sure), 'aria-label': `${words.confirm}: ${claim.says}`, click: () => confirm(claim) }, sure ? `✓ ${words.confirmed}` : `✓ ${words.confirm}`)));
  });
  const unread = document.inputs.flatMap((input) => input.unread);
  fill(host,
    el('h3', {}, lines ? words.read(understood, lines) : words.claims),
    rows.length > 0 && details(`${words.claims} (${claims.length})`, el('p.hint', {}, words.claimsHint), el('ul.claims', {}, ...rows)),
    unread.length > 0 && details(words.unread(unread.length), el('ul.unread', {}, ...unread.map((place) => el('li', {}, el('span.line', {}, place.line), place.words)))));
}

/** A line with the words of the claim marked. Places are bytes of UTF-8. */
function marked(line, claim) {
  const bytes = new TextEncoder().encode(line);
  const cut = (from, to) => new TextDecoder().decode(bytes.subarray(from, to));
  const { start, end } = claim.bytes;
  if (end > bytes.length) return [el('mark', {}, claim.words)];
  const before = cut(0, start);
  return [before.length > 60 ? `…${before.slice(-60)}` : before, el('mark', {}, cut(start, end)), cut(end, bytes.length).slice(0, 80)];
}

/** The question that is open, or nothing where none is left. */
export function drawQuestion(host, question, { answer, stop }) {
  if (!question) return fill(host);
  const choices = question.choices.map((text, at) => el('li', {}, el('button.choice', { type: 'button', click: () => answer(String(at + 1)) }, text)));
  const heading = el('h3', { tabindex: '-1' }, `${words.question(question.number)}: ${question.ask}`);
  fill(host, heading, el('ol.choices', {}, ...choices), el('div.row', {}, el('button', { type: 'button', click: () => answer('') }, words.unknown), el('button.quiet', { type: 'button', click: stop }, words.interviewEnd)));
  heading.focus({ preventScroll: false });
}
