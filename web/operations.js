// What the page can ask of the program, and the command line of each: the one place where they are written.

/** The virtual chip's file. */
export const CHIP = 'board.chip';

/**
 * @typedef {{ do: 'diagnose', inputs: string[], strike?: number[], before?: number | null }
 *   | { do: 'ask', answers: string[] }
 *   | { do: 'map' } | { do: 'twins' } | { do: 'version' }
 *   | { do: 'explain', what: string }
 *   | { do: 'new', like?: string, preset?: string }
 *   | { do: 'look' | 'inside' | 'status' | 'rescue' | 'plan' | 'discover', bench?: string[], part?: string | null }
 *   | { do: 'try', step: string, bench?: string[] }
 *   | { do: 'probes' } | { do: 'live' }} Operation
 */

/** @param {Operation} operation */
export function argumentsOf(operation) {
  return { arguments: typed(operation), stdin: operation.do === 'ask' ? operation.answers.map((line) => `${line}\n`).join('') : '' };
}

/** The command line as a person types it. */
export function commandLine(operation) {
  const hidden = new Set(['--json', '--events']);
  return ['provost', ...typed(operation).filter((word) => !hidden.has(word))].map(quoted).join(' ');
}

function typed(operation) {
  switch (operation.do) {
    case 'diagnose': {
      const strike = operation.strike?.length ? ['--strike', operation.strike.join(',')] : [];
      const before = operation.before ? ['--before', String(operation.before)] : [];
      return ['diagnose', '--json', ...operation.inputs, ...strike, ...before];
    }
    case 'ask':
      return ['diagnose', '--ask', '--json', '--events'];
    case 'map':
      return ['explain', 'map', '--json'];
    case 'twins':
      return ['twin', 'list', '--json'];
    case 'version':
      return ['--version'];
    case 'explain':
      return ['explain', operation.what];
    case 'new':
      return ['twin', 'new', CHIP, ...(operation.like ? ['--like', operation.like] : ['--preset', operation.preset ?? '']), '--json'];
    case 'try':
      return ['twin', 'try', CHIP + options(operation), operation.step, '--events'];
    case 'inside':
      return ['diagnose', '--discover', ...probe(operation), '--json'];
    case 'look':
      return ['diagnose', ...probe(operation), '--json'];
    case 'status':
      return ['status', ...probe(operation), '--events'];
    case 'plan':
      return ['rescue', '--dry-run', ...probe(operation), '--events'];
    case 'rescue':
      return ['rescue', ...probe(operation), '--events'];
    case 'discover':
      return ['auth', 'discover', ...probe(operation), '--events'];
    case 'probes':
      return ['probes', '--json'];
    default:
      return ['--version'];
  }
}

const options = ({ bench }) => (bench?.length ? `?${bench.join(',')}` : '');
const probe = (operation) => ['--probe', `twin:${CHIP}${options(operation)}`, ...(operation.part ? ['--part', operation.part] : [])];

/** A printed command line as an operation on the virtual chip; null where the page has none. */
export function operationOf(line) {
  const said = line.split(/\s+/).slice(1);
  const part = said.includes('--part') ? said[said.indexOf('--part') + 1] : null;
  const dry = said.includes('--dry-run');
  if (said[0] === 'rescue') return { do: dry ? 'plan' : 'rescue', part };
  if (said[0] === 'auth' && said[1] === 'discover') return { do: 'discover', part };
  if (said[0] === 'status') return { do: 'status', part };
  return null;
}

function quoted(word) {
  return /^[\w@%+=:,./?-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
