/** XML of terminals: elements and texts, no attributes. Namespaces differ by firmware: only local names count. [FACE A1] */

/** Nothing of theirs is nested deeper. */
const MOST_DEEP = 16

export type Fields = Readonly<Record<string, unknown>>
type Tree = Record<string, unknown>

/** `<A><b>1</b></A>` becomes `{ A: { b: '1' } }`; of elements with one name the first. Never throws. */
export function xmlFields(text: string): Fields {
  const root: Tree = {}
  const open: { name: string; inside: Tree; text: string }[] = [{ name: '', inside: root, text: '' }]
  for (let at = 0; at < text.length;) {
    const from = text.indexOf('<', at)
    const to = from < 0 ? -1 : text.indexOf('>', from)
    if (to < 0) break
    const top = open.at(-1)
    if (top) top.text += text.slice(at, from)
    at = to + 1
    const tag = text.slice(from + 1, to)
    if (/^[?!]/.test(tag)) continue
    if (tag.startsWith('/')) close(open)
    else if (open.length < MOST_DEEP) open.push({ name: localName(tag), inside: {}, text: '' })
    if (tag.endsWith('/') && !tag.startsWith('/')) close(open)
  }
  while (open.length > 1) close(open)
  return root
}

function close(open: { name: string; inside: Tree; text: string }[]): void {
  if (open.length < 2) return
  const done = open.pop()
  const into = open.at(-1)?.inside
  if (!done || !into || done.name === '' || Object.hasOwn(into, done.name)) return
  into[done.name] = Object.keys(done.inside).length > 0 ? done.inside : plain(done.text.trim())
}

function localName(tag: string): string {
  const name = /^[^\s/>]+/.exec(tag)?.[0] ?? ''
  const local = name.slice(name.indexOf(':') + 1)
  return local === '__proto__' ? '' : local
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

function plain(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (whole, name: string) => NAMED[name] ?? whole)
}

/** Text with what means something in XML written as names. */
export function xmlText(text: string): string {
  return text.replace(/[<>&"']/g, (sign) => `&${Object.keys(NAMED).find((name) => NAMED[name] === sign)};`)
}
