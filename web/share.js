// A report as it may be shown to others: what names a person, a machine or one single chip taken out; as files, and as a link.
//
// The link holds the report in its fragment, which no server is sent.

// In this order: what is long and specific first.
const TAKEN_OUT = [
  [/-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g, '(key)'],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '(mail)'],
  [/\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b/g, '(address)'],
  // Homes and other folders, as systems write them: the last name may say what tool it was, and stays.
  [/(?:[A-Za-z]:\\|\\\\)(?:[^\\\r\n"'<>|:*?]+\\)+/g, '(folder)\\'],
  [/(?<![\w.:/])(?:~|\/(?:home|Users|root|mnt|media|tmp|var|opt|private|Volumes))(?:\/[^/\s"'<>|:]+)*\//g, '(folder)/'],
  // Unique ids: 96 bits, in one piece or as three words.
  [/\b(?:0x)?[0-9A-Fa-f]{8}(?:[\s,:_-]+(?:0x)?[0-9A-Fa-f]{8}){2}\b/g, '(id)'],
  [/\b(?=[0-9A-Fa-f]*\d)[0-9A-Fa-f]{20,}\b/g, '(id)'],
  [/\b((?:serial(?: number| no\.?)?|S\/?N|ST-LINK SN|UID|unique id)\s*[:=#]?\s*)(?!\()[0-9A-Za-z-]{8,}/gi, '$1(serial)'],
  [/\b((?:user(?:name)?|login|author|hostname|computer name)\s*[:=]\s*)(?!\()\S+/gi, '$1(name)'],
];

/** The text without what names somebody. */
export function redacted(text) {
  return TAKEN_OUT.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text);
}

/** @typedef {{ name: string, text: string }} Report */

/** The reports as the fragment of a link. */
export async function toFragment(reports) {
  const text = JSON.stringify(reports.map(({ name, text }) => [name, redacted(text)]));
  return `case=${toBase64(await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw')))}`;
}

/** The reports in a fragment; null where there are none. */
export async function fromFragment(fragment) {
  const found = /(?:^|[#&])case=([\w-]+)/.exec(fragment);
  if (!found) return null;
  try {
    const bytes = await through(fromBase64(found[1]), new DecompressionStream('deflate-raw'));
    const list = JSON.parse(new TextDecoder().decode(bytes));
    return list.map(([name, text]) => ({ name: safeName(name), text: String(text) }));
  } catch {
    return null;
  }
}

/** A file name that is one, and nothing else. */
export function safeName(name) {
  const plain = String(name).replace(/^.*[\\/]/, '').replace(/[^\w.-]+/g, '-').replace(/^[.-]+/, '').slice(0, 60);
  return plain || 'report.txt';
}

/** Longest that anything unpacked may be. */
const LONGEST = 16 * 1024 * 1024;

/** Bytes through a stream that packs or unpacks. */
export async function through(bytes, stream) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const chunks = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > LONGEST) throw new RangeError('too long');
    chunks.push(part.value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

export function toBase64(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
}
