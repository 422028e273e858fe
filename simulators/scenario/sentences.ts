/** `5s..25s 30 people tap gate`: a line of the timeline as a sentence. */
import { DURATION_FORM, milliseconds, whenOf, type When } from './durations.js'
import type { Known } from './known.js'
import type { Deed, Step, Who } from './scenario.js'
import { SentenceError, wrong, Words, type Word } from './words.js'

/** A step whose time may come from the step before it. */
export type Parsed = Omit<Step, 'atMs'> & { readonly atMs: number | undefined }

const PLAIN = { readers: [], times: 1, everyMs: 1_000 } as const
/** First words of sentences in which nobody lays down a card. */
export const OPENINGS = ['broker', 'pcscd', 'kill', 'stop', 'start', 'restart', 'unplug', 'plug'] as const
type Opening = (typeof OPENINGS)[number]
const CROWD = ['everyone', 'somebody']
const MOST_PEOPLE = 10_000

/** Throws SentenceError. */
export function parseSentence(sentence: string, known: Known): Parsed {
  const words = new Words(sentence)
  const first: Word = { text: words.peek(), at: 0 }
  const when = takeWhen(words)
  const parsed = takeDeed(words, known)
  words.end()
  if (when?.untilMs !== undefined && !canSpread(parsed)) {
    throw wrong(first, 'a range of time needs several taps: "30 people tap", or "taps … 5 times"')
  }
  return { ...parsed, atMs: when?.atMs, untilMs: when?.untilMs }
}

function canSpread({ do: deed, who, times }: Pick<Step, 'do' | 'who' | 'times'>): boolean {
  return deed === 'tap' && (times > 1 || (who !== undefined && who.kind !== 'person'))
}

function takeWhen(words: Words): When | undefined {
  if (!/^\.?\d[^\s]*[a-z.]/.test(words.peek())) return undefined
  const word = words.take('')
  const when = whenOf(word.text)
  if (!when) throw wrong(word, `"${word.text}" is no time: write ${DURATION_FORM}, or a range like 5s..25s`)
  return when
}

type Deeds = Omit<Parsed, 'atMs'>

function takeDeed(words: Words, known: Known): Deeds {
  const opening = OPENINGS.find((word) => word === words.peek())
  return opening === undefined ? takeCard(words, known) : takeSwitch(opening, words, known)
}

function takeSwitch(opening: Opening, words: Words, known: Known): Deeds {
  const word = words.take('')
  switch (opening) {
    case 'broker': {
      const { text } = words.takeOneOf(['down', 'up'], 'what becomes of the broker')
      return text === 'down' ? lasting('broker-down', words) : { ...PLAIN, do: 'broker-up' }
    }
    case 'pcscd': {
      const { text } = words.takeOneOf(['down', 'up', 'restarts'], 'what becomes of pcscd')
      return pcscdStep(text, word, words, known)
    }
    case 'restart':
      words.takeOneOf(['pcscd'], 'what is restarted')
      return pcscdStep('restarts', word, words, known)
    case 'kill':
    case 'stop':
      words.takeOneOf(['daemon'], 'what ends')
      return lasting(opening === 'kill' ? 'kill-daemon' : 'stop-daemon', words)
    case 'start':
      words.takeOneOf(['daemon'], 'what starts')
      return { ...PLAIN, do: 'start-daemon' }
    case 'unplug':
      return { ...lasting('unplug', words, cabled(words, known)) }
    case 'plug':
      words.takeIf('in')
      return { ...PLAIN, do: 'plug', readers: [cabled(words, known)] }
  }
}

function pcscdStep(text: string, word: Word, words: Words, known: Known): Deeds {
  if (!known.hasPcsc) throw wrong(word, 'there is no pcsc reader in this scenario')
  if (text === 'down') return lasting('pcscd-down', words)
  return { ...PLAIN, do: text === 'up' ? 'pcscd-up' : 'pcscd-restart' }
}

function lasting(deed: Deed, words: Words, ...readers: string[]): Deeds {
  return { ...PLAIN, do: deed, readers, forMs: words.takeIf('for') ? takeDuration(words) : undefined }
}

function takeCard(words: Words, known: Known): Deeds {
  const who = takeWho(words, known)
  const { text } = words.takeOneOf(['taps', 'tap', 'holds', 'hold'], 'what they do')
  if (text.startsWith('hold')) {
    if (words.takeIf('her', 'his', 'their', 'a', 'the')) words.takeOneOf(['card'], 'what is held')
    words.takeOneOf(['at', 'on', 'to'], 'where')
    const readers = takeReaders(words, known, who)
    words.takeOneOf(['for'], 'how long')
    return { ...PLAIN, do: 'hold', who, readers, forMs: takeDuration(words) }
  }
  const readers = takeReaders(words, known, who)
  const times = /^\d+$/.test(words.peek()) ? takeTimes(words) : 1
  const everyMs = words.takeIf('every') ? takeDuration(words) : PLAIN.everyMs
  return { ...PLAIN, do: 'tap', who, readers, times, everyMs }
}

function takeTimes(words: Words): number {
  const word = words.take('')
  words.takeOneOf(['times'], 'after the number')
  const times = Number(word.text)
  if (times < 1 || times > 1_000) throw wrong(word, 'a number of times is 1 to 1000')
  return times
}

function takeWho(words: Words, known: Known): Who {
  const word = words.take('who, or what happens')
  if (word.text === 'everyone') return { kind: 'everyone' }
  if (word.text === 'somebody') return { kind: 'some', count: 1 }
  if (/^\d+$/.test(word.text)) {
    words.takeOneOf(['people', 'person'], 'after the number')
    const count = Number(word.text)
    if (count < 1 || count > MOST_PEOPLE) throw wrong(word, `a number of people is 1 to ${MOST_PEOPLE}`)
    return { kind: 'some', count }
  }
  if (known.hasPerson(word.text)) return { kind: 'person', name: word.text }
  throw wrong(word, `nobody is called "${word.text}"`, [...known.names, ...CROWD, ...OPENINGS])
}

/** `gate`, `gate and door`, `gate, door or yard`. */
function takeReaders(words: Words, known: Known, who: Who): string[] {
  const readers: string[] = []
  do {
    const word = words.take('the reader')
    const trouble = known.whyNotAt(who, word.text)
    if (trouble) throw new SentenceError(trouble.message, word.at, trouble.suggestion)
    readers.push(word.text)
  } while (words.takeIf('and', 'or', ','))
  return readers
}

function cabled(words: Words, known: Known): string {
  const word = words.take('the reader')
  const trouble = known.whyNoCable(word.text)
  if (trouble) throw new SentenceError(trouble.message, word.at, trouble.suggestion)
  return word.text
}

function takeDuration(words: Words): number {
  const word = words.take('how long')
  const ms = milliseconds(word.text)
  if (ms === undefined || ms === 0) throw wrong(word, `"${word.text}" is no length of time: write ${DURATION_FORM}`)
  return ms
}
