import { choice, options, type OptionValues } from '../../src/driver.js'

export const fields = options({
  feedback: choice(
    ['auto', 'acr122', 'none'],
    'auto',
    'How the verdict is shown: auto drives light and buzzer of readers named ACR122, acr122 of every reader, none of none.',
  ),
  randomUid: choice(
    ['refuse', 'report'],
    'refuse',
    'What becomes of numbers that a phone or card invents anew each time: refuse shows red, report stores them.',
  ),
})

export type Config = OptionValues<typeof fields>
