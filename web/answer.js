// The second panel: the answer of the program, what never to do first.

import { copyable, details, el, fill } from './dom.js';
import { words } from './words.js';

/** How a verdict looks: words and a sign beside the colour. */
export const SIGNS = { recoverable: ['good', '✓'], 'recoverable-if': ['good', '✓'], lost: ['bad', '✗'], 'not-locked': ['good', '✓'], undetermined: ['open', '?'] };

/**
 * @param {any} document a diagnosis
 * @param {{ tell: (text: string) => void, before: number | null, moment: (step: number | null) => void, asked: number, another: () => void }} view
 */
export function drawAnswer(host, document, view) {
  const [look, sign] = document.understood ? (SIGNS[document.verdict] ?? ['open', '?']) : ['open', '?'];
  fill(host,
    view.before && el('p.moment', {}, words.looking(view.before), ' ', el('button.small', { type: 'button', click: () => view.moment(null) }, words.backToNow)),
    el(`div.verdict.${look}`, { id: 'verdict', tabindex: '-1' },
      el('p.headline', {}, el('span.sign', { 'aria-hidden': 'true' }, sign), document.headline),
      document.understood && el('p.sure', {}, document.how_sure),
      document.understood && el('p.sure', {}, `${words.believed}: ${document.believed_in_words}`)),
    document.family && family(document.family),
    never(document),
    steps(document),
    unsure(document, view),
    earlier(document, view),
    document.salvage.length > 0 && el('section', {}, el('h3', {}, words.left), ...document.salvage.map((line) => el('p', {}, line))),
    document.unusual.length > 0 && el('section', {}, el('h3', {}, words.unusual), el('ul', {}, ...document.unusual.map((odd) => el('li', {}, el('strong', {}, `${odd.what} ${odd.found}`), ` (${odd.confidence}): ${odd.says}`)))),
    document.reasons.length > 0 && el('section', {}, el('h3', {}, words.why), ...document.reasons.slice(0, 1).map(reason), document.reasons.length > 1 && details(`+ ${document.reasons.length - 1}`, ...document.reasons.slice(1).map(reason))));
}

function family(other) {
  return el('section', {}, el('p', {}, other.road), ...[other.page, ...other.source].filter(Boolean).map(link));
}

/** Warnings with one reason stand together. */
export function grouped(never) {
  const groups = new Map();
  for (const step of never) groups.set(step.why, [...(groups.get(step.why) ?? []), step]);
  return [...groups];
}

/** Values of one kind together: `write A = 1, 2`. */
export function together(steps) {
  let last = '';
  const said = steps.map((step) => {
    const [kind, value] = step.split(' = ');
    const again = kind === last && value;
    last = kind;
    return again ? value : step;
  });
  return said.join(', ');
}

function never(document) {
  if (!document.never.length) return null;
  const items = grouped(document.never).map(([why, steps]) => el('li', {}, el('strong', {}, together(steps.map((step) => step.words))), ` — ${why}`));
  return el('section.never', { 'aria-labelledby': 'never' }, el('h3', { id: 'never' }, `✗ ${words.doNot}`), el('ul', {}, ...items));
}

function steps(document) {
  if (!document.plan.length) return null;
  const lines = unique(document.plan.map((step) => step.commands.provost));
  const others = unique(document.plan.flatMap((step) => step.commands.stm32cubeprogrammer.split(' && ')));
  return el('section.plan', {}, el('h3', {}, `✓ ${words.doThis}`),
    el('ol', {}, ...document.plan.map((step) => el('li', {}, el('strong', {}, step.words), ` — ${step.why}`))),
    ...lines.map((line) => copyable(line, words)),
    others.length > 0 && details(words.withOther, ...others.map((line) => copyable(line, words))));
}

const unique = (lines) => [...new Set(lines)].filter(Boolean);

function unsure(document, view) {
  if (!document.ask.length) return null;
  const question = document.ask[view.asked % document.ask.length];
  const groups = new Map();
  for (const outcome of question.outcomes) {
    if (outcome.case_file) groups.set(outcome.saw, outcome);
  }
  const buttons = [...groups.values()].map((outcome) => el('li', {}, el('button.choice', { type: 'button', click: () => view.tell(outcome.case_file) }, outcome.saw, el('small', {}, ` → ${outcome.means}`))));
  const inWords = question.outcomes.filter((outcome) => !outcome.case_file).map((outcome) => el('li', {}, `${outcome.saw} → ${outcome.means}`));
  return el('section.unsure', {}, el('h3', {}, `? ${words.unsure}`), el('p', {}, el('strong', {}, question.words)),
    ...unique([question.commands.provost]).map((line) => copyable(line, words)),
    question.commands.stm32cubeprogrammer && details(words.withOther, ...unique(question.commands.stm32cubeprogrammer.split(' && ')).map((line) => copyable(line, words))),
    el('p.hint', {}, words.saw), el('ul.choices', {}, ...buttons, ...inWords),
    document.ask.length > 1 && el('button.quiet', { type: 'button', click: view.another }, words.nextQuestion));
}

function earlier(document, view) {
  const then = document.earlier;
  if (!then || view.before) return null;
  return el('section.earlier', {}, el('h3', {}, words.earlier(then.step)), el('p', {}, then.what),
    el('button', { type: 'button', click: () => view.moment(then.step) }, words.lookThen));
}

/** A rule, how sure it is, and where it comes from. */
function reason(rule) {
  return el('div.rule', {}, el('p', {}, el('code', {}, rule.id), ` (${rule.confidence}): ${rule.says}`), details(words.sources, ...rule.source.map(link)));
}

/** An address as a link, a title as itself. */
function link(source) {
  const address = /^https:\/\//.test(source);
  return el('p.source', {}, address ? el('a', { href: source, rel: 'noreferrer noopener', target: '_blank' }, source) : source);
}
