// Elements from words: text is always text, and what would not be seen is shown.

/**
 * @param {string} what a tag with classes: `button.quiet`
 * @param {Record<string, any>} [given] attributes; functions become listeners
 * @param {...(Node | string | number | null | undefined | false)} children
 * @returns {any}
 */
export function el(what, given = {}, ...children) {
  const [tag, ...classes] = what.split('.');
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(' ');
  return filled(node, given, children);
}

/** The same in SVG. */
export function svg(tag, given = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), given, children);
}

function filled(node, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : visible(String(child)))));
  return node;
}

/** Puts these in place of what is there. */
export function fill(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false).map((child) => (child instanceof Node ? child : visible(String(child)))));
}

/** The element of this id, which the page has. */
export const $ = (id) => /** @type {any} */ (document.getElementById(id));

// Control characters but line ends and tabs, and those that turn the direction of writing around (Unicode UAX #9).
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with what a reader would not see written out. */
export function visible(text) {
  return text.replace(OBEYED, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
}

/** A button that copies a line, and the line. */
export function copyable(line, words) {
  const button = el('button.copy', { type: 'button', 'aria-label': `${words.copy}: ${line}` }, words.copy);
  button.addEventListener('click', async () => {
    await navigator.clipboard?.writeText(line).catch(() => {});
    button.textContent = words.copied;
    setTimeout(() => (button.textContent = words.copy), 1500);
  });
  return el('div.command', {}, el('code', {}, line), button);
}

/** Something that opens. */
export function details(summary, ...children) {
  return el('details', {}, el('summary', {}, summary), ...children);
}

/** Hands a file to the person. */
export function download(name, bytes) {
  const link = el('a', { href: URL.createObjectURL(new Blob([bytes])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
